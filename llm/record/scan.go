package record

import (
	"bytes"
	"encoding/json"
	"math"
	"math/bits"
	"strconv"

	"github.com/tidwall/gjson"
)

// quoted reads a string of plain ASCII without escapes.
func (s *scan) quoted() ([]byte, bool) {
	if !s.is('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.data, '"')
	if end < 0 {
		return nil, false
	}
	text := s.data[:end]
	for _, c := range text {
		if c < ' ' || c >= 0x80 || c == '\\' {
			return nil, false
		}
	}
	s.data = s.data[end+1:]
	return text, true
}

// fresh reads a string that no other line is likely to have.
func (s *scan) fresh(dst *string) bool {
	text, ok := s.quoted()
	*dst = string(text)
	return ok
}

// maxNames bounds the number of texts that are kept.
const maxNames = 1 << 12

// name reads a string that other lines are likely to have too.
func (s *scan) name(dst *string) bool {
	text, ok := s.quoted()
	if !ok {
		return false
	}
	known, ok := s.d.names[string(text)]
	if !ok {
		known = string(text)
		if s.d.names == nil {
			s.d.names = map[string]string{}
		}
		if len(s.d.names) < maxNames {
			s.d.names[known] = known
		}
	}
	*dst = known
	return true
}

func (s *scan) bool(dst *bool) bool {
	rest, yes := bytes.CutPrefix(s.data, []byte("true"))
	if !yes {
		var no bool
		if rest, no = bytes.CutPrefix(s.data, []byte("false")); !no {
			return false
		}
	}
	s.data, *dst = rest, yes
	return true
}

func (s *scan) int(dst *int) bool {
	var n int64
	ok := s.int64(&n)
	*dst = int(n)
	return ok && int64(*dst) == n
}

// int64 reads a whole number.
func (s *scan) int64(dst *int64) bool {
	n, used := integer(s.data)
	*dst = n
	s.data = s.data[used:]
	return used > 0
}

// integer reads a whole number from the front of data, and returns how many bytes it has: 0 if there is no number, or
// one that is too large or written in another form.
func integer(data []byte) (n int64, used int) {
	i := 0
	negative := len(data) > 0 && data[0] == '-'
	if negative {
		i++
	}
	first := i
	var sum uint64
	for ; i < len(data); i++ {
		c := data[i] - '0'
		if c > 9 {
			break
		}
		sum = sum*10 + uint64(c)
	}
	digits := i - first
	switch {
	// 19 digits fit into a uint64
	case digits == 0, digits > 19, sum > math.MaxInt64, digits > 1 && data[first] == '0', negative && sum == 0:
		return 0, 0
	case i < len(data) && (data[i] == '.' || data[i] == 'e' || data[i] == 'E'):
		return 0, 0
	}
	if n = int64(sum); negative {
		n = -n
	}
	return n, i
}

// decimal reads a number without an exponent and without a sign.
func (s *scan) decimal(dst *float64) bool {
	points, n := 0, 0
	for ; n < len(s.data) && (s.data[n]-'0' <= 9 || s.data[n] == '.'); n++ {
		if s.data[n] == '.' {
			points++
		}
	}
	text := s.data[:n]
	if n == 0 || points > 1 || text[0] == '.' || text[n-1] == '.' || n > 1 && text[0] == '0' && text[1] != '.' ||
		n < len(s.data) && s.data[n]|0x20 == 'e' {
		return false
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*dst, s.data = v, s.data[n:]
	return err == nil
}

// list reads whole numbers, none of them negative, into buf, which is reused, and assigns them to dst. Reading a run
// spends most of its time here.
func list[T int | int64](s *scan, buf, dst *[]T) bool {
	if !s.is('[') {
		return false
	}
	out := (*buf)[:0]
	if out == nil {
		out = []T{}
	}
	if s.is(']') {
		*buf, *dst = out, out
		return true
	}
	data := s.data
	for i := 0; i < len(data); i++ {
		first, n := i, T(0)
		for i < len(data) && data[i]-'0' <= 9 {
			n = n*10 + T(data[i]-'0')
			i++
		}
		digits := i - first
		if digits == 0 || digits > maxDigits || i == len(data) || digits > 1 && data[first] == '0' {
			return false
		}
		out = append(out, n)
		if data[i] == ']' {
			s.data, *buf, *dst = data[i+1:], out, out
			return true
		}
		if data[i] != ',' {
			return false
		}
	}
	return false
}

// maxDigits is the number of digits that cannot overflow an int of the machine.
const maxDigits = 9 * (bits.UintSize / 32)

// object reads a whole object.
func (s *scan) object() ([]byte, bool) {
	if len(s.data) == 0 || s.data[0] != '{' {
		return nil, false
	}
	depth, quoted := 0, false
	for i := 0; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '\\':
			return nil, false // rare in record lines
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				raw := s.data[:i+1]
				s.data = s.data[i+1:]
				return raw, gjson.ValidBytes(raw)
			}
		}
	}
	return nil, false
}

// bounds reads bounds, which are mostly the same as in the line before.
func (s *scan) bounds() bool {
	raw, ok := s.object()
	if !ok || bytes.Equal(raw, s.d.slo) {
		return ok
	}
	var b Bounds
	if json.Unmarshal(raw, &b) != nil {
		return false
	}
	s.d.slo, s.d.limit = append(s.d.slo[:0], raw...), b
	return true
}
