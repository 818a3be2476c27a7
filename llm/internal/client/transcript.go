package client

import "bytes"

// transcript assembles the text of an answer from its chunks. Most servers send what is new with each chunk; some send
// all the text so far, which becomes certain only when the answer is over. As long as each chunk repeats the one
// before, the newest chunk holds the texts of all, so that even of such an answer no more than its text is kept.
type transcript struct {
	text []byte // text of all chunks in a row if they are plain, else of the newest
	size int    // bytes of all chunks in a row
	ends []int  // end of each chunk in that row; nil once neither counting nor a look back needs them

	plain bool // the chunks do not all repeat the ones before
	grown int  // how many chunks began with all of the one before and went on
	twice int  // bytes of text that those chunks repeated
	over  bool // a chunk was left out: in a row, the chunks have more bytes than allowed
}

// Chunks that repeat the text so far are recognised by these minima, so that a model's loop is not mistaken for them.
const (
	minGrown = 2  // chunks after the first that were longer than the one before
	minTwice = 8  // bytes repeated
	allTwice = 12 // bytes repeated by a single chunk
)

// add adds the text of one chunk, and reports whether it could. keepEnds tells whether the ends of the chunks are
// wanted at the end; limit bounds the bytes that the chunks have in a row if they repeated the one before until now.
func (t *transcript) add(content []byte, keepEnds bool, limit int) bool {
	if t.size > 0 && !t.plain && !t.compare(content) {
		if t.over = t.size > limit; t.over {
			return false
		}
		t.unfold()
		t.plain = true // otherwise the same token may simply have come repeatedly
	}
	if !t.plain {
		t.text = t.text[:0]
	}
	t.text = append(t.text, content...)
	t.size += len(content)
	switch {
	case keepEnds || !t.plain:
		t.ends = append(t.ends, t.size)
	default:
		t.ends = nil
	}
	return true
}

// held returns how many bytes the text has so far.
func (t *transcript) held() int {
	if t.plain || t.over {
		return t.size
	}
	return len(t.text)
}

// compare reports whether a chunk repeats the one before it.
func (t *transcript) compare(content []byte) bool {
	if !bytes.HasPrefix(content, t.text) || t.grown == 0 && len(content) == len(t.text) {
		return false
	}
	if len(content) > len(t.text) {
		t.grown++
	}
	t.twice += len(t.text)
	return true
}

// unfold puts chunks that each repeat the one before in a row.
func (t *transcript) unfold() {
	if t.plain || len(t.ends) < 2 {
		return
	}
	row, from := make([]byte, 0, t.size), 0
	for _, end := range t.ends {
		row = append(row, t.text[:end-from]...)
		from = end
	}
	t.text = row
}

// cutTo removes what came after the first n chunks, which have size bytes in a row.
func (t *transcript) cutTo(size, n int) {
	if !t.plain {
		t.ends, t.size = t.ends[:n], size
		t.unfold()
	}
	t.text, t.size, t.grown, t.twice = t.text[:size], size, 0, 0
	t.plain = n > 1
	switch {
	case n == 0:
		t.ends = nil
	case n == 1:
		t.ends = append(t.ends[:0], size)
	case t.ends != nil:
		t.ends = t.ends[:n]
	}
}

// repeats reports whether a content is all the text so far once more, which some servers send with the finish reason.
func (t *transcript) repeats(content []byte) bool {
	return t.plain && len(content) >= minTwice && bytes.Equal(content, t.text)
}

// settle reports whether each chunk held all the text so far. If so, it keeps the text once, and of the chunks' times
// those that brought something new.
func (t *transcript) settle(times []int64) (kept []int64, cumulative bool) {
	certain := t.grown >= minGrown && t.twice >= minTwice || t.grown > 0 && t.twice >= allTwice
	if t.plain || !certain || len(times) != len(t.ends) {
		t.unfold()
		return times, false
	}
	from, had, n := 0, 0, 0
	for i, end := range t.ends {
		if size := end - from; size > had {
			times[n], t.ends[n] = times[i], size
			had = size
			n++
		}
		from = end
	}
	t.ends = t.ends[:n]
	return times[:n], true
}
