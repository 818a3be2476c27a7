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
	gjson.ParseBytes(usage).ForEach(func(name, value gjson.Result) bool {
		dropped = impossibleCount(name.Str, value, output, chunks)
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
		if zeroTotal || impossibleCount(name, value, output, chunks) {
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

// impossibleCount reports whether a member of a usage map is a token count that cannot be true.
func impossibleCount(name string, value gjson.Result, output bool, chunks int) bool {
	if value.Type != gjson.Number {
		return false
	}
	switch name {
	case "prompt_tokens", "input_tokens":
		return value.Num == 0
	case "completion_tokens", "output_tokens":
		return output && (value.Num == 0 || value.Num == 1 && chunks >= manyChunks)
	}
	return false
}
