package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// MergeUsage appends to dst[:0] the members of old and next, as inference-perf merges the usage maps of several
// chunks, except that no worse value replaces a better one: counts only grow during an answer, so the larger of two
// numbers stays, and a number stays where the later map has none. Of other values the later one counts. The parts of
// a prompt's tokens go together; see divides. Neither map may overlap dst, unless old is dst. MergeUsage allocates
// nothing when next has all names of old and no smaller number, which is the case for servers that report usage with
// every chunk.
func MergeUsage(dst, old, next []byte) []byte {
	if len(old) == 0 || !losesTo(old, next) {
		return append(dst[:0], next...)
	}
	merged, later := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(old, &merged) != nil || json.Unmarshal(next, &later) != nil {
		return append(dst[:0], next...) // unreachable with what decode returns
	}
	anew := divides(later, merged)
	for name, value := range later {
		if before, had := merged[name]; !had || anew && slices.Contains(inputParts[:], name) || !worse(value, before) {
			merged[name] = value
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return append(dst[:0], next...)
	}
	return append(dst[:0], text...)
}

// inputParts are Anthropic's names of parts of a prompt's tokens: those that the cache had no part in, those read
// from it and those written to it.
var inputParts = [...]string{"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}

// divides reports whether a later map divides the prompt's tokens into parts of which the map before knows less: vLLM
// tells the sum alone, as input_tokens, when the answer begins, and the parts when it ends.
func divides(later, before map[string]json.RawMessage) bool {
	total := func(usage map[string]json.RawMessage) (sum float64) {
		for _, name := range inputParts {
			n, _ := count(usage[name])
			sum += n
		}
		return sum
	}
	_, read := later[inputParts[1]]
	_, written := later[inputParts[2]]
	return (read || written) && total(later) >= total(before)
}

// losesTo reports whether a value of old would be lost if next replaced old.
func losesTo(old, next []byte) bool {
	lost := false
	s := scanner{b: old}
	if !s.open('{') {
		return false
	}
	for first := true; s.more('}', first) && !lost; first = false {
		key := s.key()
		value := s.skip()
		later := find(next, key)
		lost = later == nil || worse(later, value)
	}
	return lost
}

// worse reports whether a later value of a usage map is worse than the one before.
func worse(later, before []byte) bool {
	if isEmpty(later) {
		return !isEmpty(before)
	}
	b, isNumber := count(before)
	if !isNumber {
		return false
	}
	l, isNumber := count(later)
	return !isNumber || l < b
}

// count reads a number. It allocates nothing for a whole number.
func count(value []byte) (n float64, isNumber bool) {
	if len(value) == 0 || len(value) > 32 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			n, err := strconv.ParseFloat(string(value), 64)
			return n, err == nil
		}
		n = 10*n + float64(c-'0')
	}
	return n, true
}

// find returns the value of an object's member, or nil if the object has no such member.
func find(object, key []byte) []byte {
	s := scanner{b: object}
	if !s.open('{') {
		return nil
	}
	for first := true; s.more('}', first); first = false {
		if bytes.Equal(s.key(), key) {
			return s.skip()
		}
		s.skip()
	}
	return nil
}
