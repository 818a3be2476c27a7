package run

import (
	"bytes"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// packer packs the requests of a run: their details, lists and usage maps.
type packer struct {
	prefixes, usages patterns
	details          Details // of the request to be packed next

	buf, pattern, numbers []byte
	call                  []byte
	totals                []int64
}

// idPrefix returns the part of an ID that others share: the IDs of an instance differ after their last hyphen.
func (p *packer) idPrefix(id string) string {
	prefix, _ := known(&p.prefixes, id[:strings.LastIndexByte(id, '-')+1])
	return prefix
}

// usagePattern returns a usage map without its numbers, which pack adds. It returns "" for a map that is kept whole.
func (p *packer) usagePattern(usage []byte) string {
	p.pattern, p.numbers = splitNumbers(p.pattern[:0], p.numbers[:0], usage)
	pattern, ok := known(&p.usages, p.pattern)
	if !ok || bytes.IndexByte(usage, number) >= 0 {
		p.numbers = append(p.numbers[:0], usage...)
		return ""
	}
	return pattern
}

// pack returns the packed form of a request, until the next call. The request must be the last one whose traits and
// details were made.
func (p *packer) pack(q *Request, rec *record.Request) []byte {
	if rec.Call != nil {
		p.call = packCall(p.call[:0], rec.Call, rec.Start)
		p.details.call = p.call
	}
	p.buf = packDetails(p.buf[:0], &p.details, rec, q)
	p.buf = packLists(p.buf, rec, &p.totals)
	p.buf = append(p.buf, p.numbers...)
	return p.buf
}

// arena stores many short byte strings in large pieces of memory.
type arena struct{ free []byte }

const arenaPiece = 1 << 22

// keep returns a copy of data in the arena.
func (a *arena) keep(data []byte) []byte {
	if len(data) > len(a.free) {
		a.free = make([]byte, max(arenaPiece, len(data)))
	}
	n := copy(a.free, data)
	kept := a.free[:n:n]
	a.free = a.free[n:]
	return kept
}
