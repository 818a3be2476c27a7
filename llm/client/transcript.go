package client

import "bytes"

// transcript puts the text of an answer together from its chunks. Most servers send what is new with each chunk; some
// send all the text so far, which is known only when the answer is over.
type transcript struct {
	text []byte
	ends []int // end of each chunk in text; nil once neither counts nor a look back need them
	last int   // where the newest chunk begins in text

	plain bool // the chunks do not all repeat the ones before
	grown int  // how many began with all of the one before and went on
	twice int  // bytes of text that came again in those
}

// What chunks that repeat the text so far must show, so that no loop of a model is taken for them.
const (
	minGrown = 2  // chunks after the first that were longer than the one before
	minTwice = 8  // bytes repeated
	allTwice = 12 // bytes repeated by a single chunk
)

// add takes the text of one chunk. keepEnds says that the ends of the chunks are wanted at the end.
func (t *transcript) add(content []byte, keepEnds bool) {
	if len(t.text) > 0 && !t.plain {
		t.compare(content, t.text[t.last:], keepEnds)
	}
	t.last = len(t.text)
	t.text = append(t.text, content...)
	if keepEnds || !t.plain {
		t.ends = append(t.ends, len(t.text))
	}
}

// compare looks whether a chunk repeats the one before it.
func (t *transcript) compare(content, before []byte, keepEnds bool) {
	if !bytes.HasPrefix(content, before) || t.grown == 0 && len(content) == len(before) {
		t.plain = true // or the same token again and again
		if !keepEnds {
			t.ends = nil
		}
		return
	}
	if len(content) > len(before) {
		t.grown++
	}
	t.twice += len(before)
}

// cutTo takes back what came after the first n chunks, which have so many bytes.
func (t *transcript) cutTo(bytes, n int) {
	t.text, t.last, t.grown, t.twice = t.text[:bytes], 0, 0, 0
	t.plain = n > 1
	if t.ends != nil {
		t.ends = t.ends[:min(n, len(t.ends))]
	}
}

// repeats says whether a content is all the text so far once more, as some servers send it with the finish reason.
func (t *transcript) repeats(content []byte) bool {
	return t.plain && len(content) >= minTwice && bytes.Equal(content, t.text)
}

// settle says whether each chunk held all the text so far. If so it leaves the text once, and of the chunks' times
// those that brought something new.
func (t *transcript) settle(times []int64) (kept []int64, cumulative bool) {
	certain := t.grown >= minGrown && t.twice >= minTwice || t.grown > 0 && t.twice >= allTwice
	if t.plain || !certain || len(times) != len(t.ends) {
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
	t.text, t.ends = t.text[t.last:], t.ends[:n]
	return times[:n], true
}
