package record

import (
	"strconv"
	"time"
)

// IsCut reports whether an error type is that of an answer that was cut off.
func IsCut(errorType string) bool { return errorType == ErrorTruncated || errorType == ErrorReset }

// Cuts sums up after which times answers were cut off. The zero value has none.
type Cuts struct {
	Count      int
	last, ends between
}

// between holds the shortest and the longest of several times.
type between struct{ shortest, longest time.Duration }

func (b *between) add(after time.Duration, first bool) {
	if first || after < b.shortest {
		b.shortest = after
	}
	b.longest = max(b.longest, after)
}

// Add counts an answer that was cut off: its last chunk came, and it ended, so long after its request was sent.
// Without a chunk last is 0.
func (c *Cuts) Add(last, end time.Duration) {
	c.last.add(last, c.Count == 0)
	c.ends.add(end, c.Count == 0)
	c.Count++
}

// Answers cut off after times that differ by no more than an eighth, at least so many of them, were cut by a clock, if
// they had some time: where all answers are short, all ends are near each other.
const (
	leastCuts   = 3
	leastCutoff = 400 * time.Millisecond
)

// Alike reports whether the answers were cut off after the same time, and returns it, such as "60.0 s". Some proxies
// close the connection a while after they have stopped sending, so that the last chunk tells the time better.
func (c *Cuts) Alike() (after string, alike bool) {
	if c.Count < leastCuts {
		return "", false
	}
	limit := c.last.longest
	if !c.last.alike() {
		limit, alike = c.ends.shortest, c.ends.alike()
		if !alike {
			return "", false
		}
	}
	return strconv.FormatFloat(limit.Seconds(), 'f', 1, 64) + " s", true
}

func (b *between) alike() bool {
	return b.shortest >= leastCutoff && b.longest-b.shortest <= b.shortest/8
}
