package record

import (
	"bytes"
	"encoding/json"

	"github.com/tidwall/gjson"
)

// manyChunks is a number of chunks that one token cannot make, even if each of its bytes comes alone.
const manyChunks = 5

// PlausibleUsage returns a server's usage map without the counts that cannot be true, and reports whether it dropped
// any: a prompt of no tokens, a completion of no tokens beside output, and a completion of one token in many chunks,
// which is the count of each chunk and not of all. Servers and tools write a 0 where they did not count. A total of 0
// goes with the dropped counts. The map is nil if nothing is left of it.
func PlausibleUsage(usage []byte, output bool, chunks int) (kept []byte, dropped bool) {
	if !doubtful(usage, chunks) { // as nearly always
		return usage, false
	}
	a := evidence{output: output, chunks: chunks, cached: cachedInput(usage) > 0}
	gjson.ParseBytes(usage).ForEach(func(name, value gjson.Result) bool {
		dropped = a.impossible(name.Str, value)
		return !dropped
	})
	if !dropped {
		return usage, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(usage, &members) != nil {
		return usage, false
	}
	for name, raw := range members {
		value := gjson.ParseBytes(raw)
		zeroTotal := name == "total_tokens" && value.Type == gjson.Number && value.Num == 0
		if zeroTotal || a.impossible(name, value) {
			delete(members, name)
		}
	}
	if len(members) == 0 {
		return nil, true
	}
	kept, err := json.Marshal(members)
	if err != nil {
		return usage, false
	}
	return kept, true
}

// doubtful reports whether a usage map may have a count that cannot be true. Whatever it does not understand is
// doubtful.
func doubtful(usage []byte, chunks int) bool {
	suffix := []byte(`_tokens"`)
	for rest := usage; ; {
		name, after, found := bytes.Cut(rest, suffix)
		if !found {
			return bytes.IndexByte(usage, '\\') >= 0 // a name may have escapes
		}
		rest = bytes.TrimLeft(after, " \t\r\n:")
		switch string(name[bytes.LastIndexByte(name, '"')+1:]) {
		case "prompt", "completion", "input", "output":
			n, digits := integer(rest)
			if digits == 0 || n == 0 || n == 1 && chunks >= manyChunks {
				return true
			}
		}
	}
}

// evidence is what an answer shows of its own length.
type evidence struct {
	output bool // there is some
	chunks int
	cached bool // usage tells of a part of the prompt that was in the cache, or went there
}

// impossible reports whether a member of a usage map is a token count that cannot be true.
func (e *evidence) impossible(name string, value gjson.Result) bool {
	if value.Type != gjson.Number {
		return false
	}
	switch name {
	case "prompt_tokens":
		return value.Num == 0
	case "input_tokens":
		return value.Num == 0 && !e.cached // of Anthropic's Messages, it leaves those parts out
	case "completion_tokens", "output_tokens":
		return e.output && (value.Num == 0 || value.Num == 1 && e.chunks >= manyChunks)
	}
	return false
}

// The parts of a prompt that input_tokens of Anthropic's Messages leaves out.
const (
	cacheRead    = "cache_read_input_tokens"
	cacheWritten = "cache_creation_input_tokens"
)

// cachedInput returns the tokens of those parts.
func cachedInput(usage []byte) int {
	read, written := 0, 0
	readCount(&read, gjson.GetBytes(usage, cacheRead))
	readCount(&written, gjson.GetBytes(usage, cacheWritten))
	return read + written
}
