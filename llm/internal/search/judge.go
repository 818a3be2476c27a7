package search

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Answer is what the judge needs to know of a request that ended. Latencies are seconds from the due instant on, from
// the start where none is known, and NaN where the answer has none.
type Answer struct {
	Failed, Unfinished              bool // Unfinished: the end of the probe cut it off; it does not count
	TTFT, TPOT, NTPOT, ITL, Latency float64
}

// AnswerOf returns the answer of a record.
func AnswerOf(r *record.Request, c record.Counts) Answer { return Answer{} }

// Judge decides whether the requests of one probe keep the objectives. All times are since the probe began. It may be
// used concurrently.
type Judge struct{}

// Sent counts a request that is about to be sent, and returns its number for Ended.
func (j *Judge) Sent(due time.Duration) int { return 0 }

// Dropped counts an arrival for which no VU was free.
func (j *Judge) Dropped(due time.Duration) {}

// Ended takes the answer of a request.
func (j *Judge) Ended(number int, at time.Duration, a Answer) {}

// Look reports whether the probe may end, because it is decided or ran out of time. It is called a few times a second.
func (j *Judge) Look(now time.Duration) (over bool) { return false }

// Settled reports whether the transient is over: requests due before it are in no figure.
func (j *Judge) Settled(now time.Duration) bool { return false }

// Outcome returns what became of the probe, except for the stage, the seconds and the verdict. It is called once, when
// the last request has ended.
func (j *Judge) Outcome(now time.Duration) record.SearchProbe { return record.SearchProbe{} }
