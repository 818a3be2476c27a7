package tokenizer

import (
	"strings"

	"github.com/tidwall/gjson"
)

// mergesAtOnce is the number of merges that are looked up together. The lookups, most of which miss the processor's
// caches, use all processors.
const mergesAtOnce = 1 << 14

// joins are successive merges of the file, looked up in the vocabulary.
type joins struct {
	raw   []string
	found []mergeSlot // without ranks; as many as precede the first fault
	fault func(o object, rank int)
	done  chan struct{}

	joined []byte
	last   uint32 // position of the last joined token
}

func parseMerges(o lists, v *vocabulary, prefix int) *mergeTable {
	if list := o.field("merges", gjson.JSON); list.Exists() && !list.IsArray() {
		o.failField("merges", "is not a list")
	}
	var parts []*joins
	for from := 0; from < len(o.merges); from += mergesAtOnce {
		part := &joins{raw: o.merges[from:min(from+mergesAtOnce, len(o.merges))], done: make(chan struct{})}
		parts = append(parts, part)
		go func() {
			part.look(v, prefix)
			close(part.done)
		}()
	}
	table := newMergeTable(len(o.merges))
	rank := 0
	for _, part := range parts {
		<-part.done
		for _, m := range part.found {
			table.add(m.left, m.right, uint32(rank), m.id)
			rank++
		}
		if part.fault != nil {
			part.fault(o.object, rank)
		}
	}
	return table
}

// look looks the merges up, as far as the first fault.
func (j *joins) look(v *vocabulary, prefix int) {
	j.found = make([]mergeSlot, 0, len(j.raw))
	for from := 0; from < len(j.raw) && j.fault == nil; from += lookups / 2 {
		j.lookAt(j.raw[from:min(from+lookups/2, len(j.raw))], v, prefix)
	}
}

// lookAt looks up to lookups/2 merges up.
func (j *joins) lookAt(raws []string, v *vocabulary, prefix int) {
	var texts [lookups]string
	var ids [lookups]int32
	n := 0
	for _, raw := range raws {
		left, right, ok := mergeParts(raw)
		if !ok || len(right) < prefix {
			j.fault = func(o object, rank int) { o.fail("merges: entry %d is not two tokens: %.60s", rank, raw) }
			break
		}
		texts[n], texts[n+1] = left, right
		n += 2
	}
	v.idsOf(texts[:n], ids[:n])
	for i := 0; i < n; i += 2 {
		left, right := texts[i], texts[i+1]
		j.joined = append(append(j.joined[:0], left...), right[prefix:]...)
		next := v.findNear(j.last, j.joined)
		if ids[i] < 0 || ids[i+1] < 0 || next == 0 {
			j.fault = func(o object, rank int) {
				o.fail("merges: entry %d (%q and %q) is not of the vocabulary", rank, left, right)
			}
			return
		}
		j.last = next - 1
		j.found = append(j.found, mergeSlot{left: ids[i], right: ids[i+1], id: v.ids[j.last]})
	}
}

// mergeParts reads "a b" or ["a", "b"].
func mergeParts(raw string) (left, right string, ok bool) {
	if raw[0] == '"' {
		left, right, ok = strings.Cut(unquote(raw), " ")
		return left, right, ok && !strings.Contains(right, " ")
	}
	var parts [2]string
	n := 0
	w := walker{text: raw}
	ok = raw[0] == '[' && w.array(func() bool {
		part, _ := w.value()
		if part[0] != '"' || n == len(parts) {
			return false
		}
		parts[n] = unquote(part)
		n++
		return true
	})
	return parts[0], parts[1], ok && n == len(parts)
}
