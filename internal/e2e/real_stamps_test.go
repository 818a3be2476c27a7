package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The client's stamps agree with those of a relay between it and the server, which knows nothing of the client's code.
func TestLlamaCPPStampsAgreeWithARelay(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow")
	checkRelayed(t, s.endpoint, "")
}

// stamps are differences between the client and the relay, in milliseconds.
type stamps struct{ first, gap, span []float64 }

// checkRelayed sends load through a relay, and compares its stamps with the client's in each request. On an idle
// machine the medians of the differences are some 0.02 ms. If the client waits for a processor it stamps late, and the
// load is sent again; of a client that is late by much the report must say so.
func checkRelayed(t *testing.T, s endpoint, options string) {
	t.Helper()
	r := newRelay(t, s.url)
	s.url = r.url
	for range 5 {
		if relayedOnce(t, s, r, options) {
			return
		}
	}
	t.Error("the client read late, or its stamps are wrong, in five runs")
}

// relayedOnce reports whether the client's stamps and the relay's agree. Bounds are on medians, because a single read
// may wait for a processor on either side; how late a waiting goroutine of this process runs adds to the bound.
func relayedOnce(t *testing.T, s endpoint, r *relay, options string) bool {
	t.Helper()
	late := lateness(t)
	o := s.run(t, "-e", "TOKENS=60", script(t, arrivals(8), s.client(options)))
	wait := late()
	var d stamps
	for _, q := range o.requests {
		if q.Failed() {
			t.Errorf("request %d: %s %q", q.Index, q.ErrorType, q.Error)
			continue
		}
		d.compare(t, q, r.of(q.ID))
	}
	if len(o.requests) != 8 || len(d.gap) < 100 {
		t.Fatalf("%d requests with %d gaps, want 8 with at least 100", len(o.requests), len(d.gap))
	}
	bound := 1 + 5*wait
	first, gap, span := median(d.first), median(d.gap), median(d.span)
	t.Logf("median differences of %d gaps: %.3f ms; of spans: %.3f ms; of times to the first output: %.3f ms; "+
		"a goroutine runs %.3f ms late", len(d.gap), gap, span, first, wait)
	if gap <= bound && span <= bound && first <= bound {
		return true
	}
	if gap <= 5*bound && span <= 5*bound && first <= 5*bound {
		return false
	}
	if said := slices.Concat(o.report.Extension.Health.Reasons, o.report.Extension.Warnings); !slices.ContainsFunc(said,
		func(reason string) bool { return strings.Contains(reason, "load generator read late") }) {
		t.Errorf("they are more than %.3f ms, and the report does not say that the client read late: %q", 5*bound,
			said)
		return true
	}
	return false
}

// compare adds the differences of one request. The client may see nothing before the relay passed it on, and everything
// that the relay passed on.
func (d *stamps) compare(t *testing.T, q *record.Request, seen *passage) {
	t.Helper()
	ours := slices.Concat(q.Reasoning, q.Chunks, q.ToolCalls)
	if seen == nil || len(seen.parts) != len(ours) || len(ours) == 0 {
		t.Errorf("request %d: %d chunks, which the relay did not see: %+v", q.Index, len(ours), seen)
		return
	}
	slices.Sort(ours)
	const ms = 1e6
	for i, us := range ours {
		// A microsecond is the unit of ours, and the two clocks of the operating system drift apart a little.
		if at := q.Start + us*1000; at < seen.parts[i]-ms/10 {
			t.Errorf("request %d: chunk %d is stamped %.3f ms before it came to the relay", q.Index, i,
				float64(seen.parts[i]-at)/ms)
		}
		if i > 0 {
			gap := float64(us-ours[i-1])/1000 - float64(seen.parts[i]-seen.parts[i-1])/ms
			d.gap = append(d.gap, math.Abs(gap))
		}
	}
	n := len(ours) - 1
	d.span = append(d.span, math.Abs(float64(ours[n]-ours[0])/1000-float64(seen.parts[n]-seen.parts[0])/ms))
	first := float64(q.Start-q.Written)/ms + float64(ours[0])/1000
	d.first = append(d.first, math.Abs(first-float64(seen.parts[0]-seen.asked)/ms))
	if q.Start > seen.asked+ms/10 {
		t.Errorf("request %d came to the relay %.3f ms before it began", q.Index, float64(q.Start-seen.asked)/ms)
	}
}

// lateness measures how late a goroutine runs that waits for a millisecond, until the function that it returns is
// called, which returns the median in milliseconds.
func lateness(t *testing.T) func() float64 {
	t.Helper()
	end, result := make(chan struct{}), make(chan float64, 1)
	go func() {
		var late []float64
		for {
			begun := time.Now()
			select {
			case <-end:
				result <- median(late)
				return
			case <-time.After(time.Millisecond):
				late = append(late, float64(time.Since(begun)-time.Millisecond)/1e6)
			}
		}
	}()
	return func() float64 {
		close(end)
		return <-result
	}
}
