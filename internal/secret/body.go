package secret

import "strings"

// Body returns a body of JSON or of events with its secrets replaced. It also finds a secret that the values of one
// field hold piece by piece, as the deltas of a stream do: its first piece becomes [Mark], and the other pieces are
// removed.
func (m *Mask) Body(body string) string {
	if m == nil || body == "" {
		return body
	}
	var found []span
	begin := 0
	// no secret has a line break, and a single line takes little memory
	for line := range strings.SplitAfterSeq(body, "\n") {
		for _, s := range m.spans(line) {
			found = append(found, span{begin: begin + s.begin, end: begin + s.end})
		}
		begin += len(line)
	}
	for _, pieces := range textsByField(body) {
		found = append(found, m.pieced(body, pieces)...)
	}
	return cover(body, found)
}

// textsByField returns the strings in a body, without their quotes, grouped by the names of their fields.
func textsByField(body string) map[string][]span {
	all := map[string][]span{}
	name := ""
	for i := 0; i < len(body); i++ {
		if body[i] != '"' {
			continue
		}
		end := closing(body, i+1)
		text := span{begin: i + 1, end: end}
		i = end
		after := strings.TrimLeft(body[min(end+1, len(body)):min(end+8, len(body))], " \t")
		switch {
		case strings.HasPrefix(after, ":"):
			name = body[text.begin:text.end]
		case name != "":
			all[name] = append(all[name], text)
			name = ""
		}
	}
	return all
}

// closing returns the index of the quote that ends the string with content from i on, or the end of its line if the
// string is cut.
func closing(body string, i int) int {
	for ; i < len(body) && body[i] != '"' && body[i] != '\n'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return min(i, len(body))
}

// pieced returns the parts of the secrets that the strings of one field hold when they are joined.
func (m *Mask) pieced(body string, pieces []span) (found []span) {
	if len(pieces) < 2 {
		return nil
	}
	var joined strings.Builder
	for _, p := range pieces {
		joined.WriteString(body[p.begin:p.end])
	}
	at, i := 0, 0 // piece i begins at this index of the joined text
	for _, s := range m.spans(joined.String()) {
		if s.begin < at {
			at, i = 0, 0 // spans are not in order
		}
		for first := true; i < len(pieces); i++ {
			p, length := pieces[i], pieces[i].end-pieces[i].begin
			if s.begin < at+length {
				found = append(found, span{begin: p.begin + max(0, s.begin-at), end: p.begin + min(length, s.end-at),
					rest: !first})
				first = false
			}
			if s.end <= at+length {
				break
			}
			at += length
		}
	}
	return found
}
