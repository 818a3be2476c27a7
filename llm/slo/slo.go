// Package slo judges requests by a service level objective: upper bounds on their latencies.
package slo

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Names are the latencies a bound can be put on.
var names = []string{"ttft", "tpot", "ntpot", "itl", "request_latency"}

// Set puts an upper bound on the named latency: ttft, tpot, ntpot, itl (the mean gap of a request) or request_latency.
func Set(b *record.Bounds, name string, limit time.Duration) error {
	if limit <= 0 {
		return fmt.Errorf("bound on %q must be positive, got %v", name, limit)
	}
	ms := float64(limit) / float64(time.Millisecond)
	switch name {
	case "ttft":
		b.TTFT = ms
	case "tpot":
		b.TPOT = ms
	case "ntpot":
		b.NTPOT = ms
	case "itl":
		b.ITL = ms
	case "request_latency":
		b.Latency = ms
	default:
		return fmt.Errorf("unknown latency %q, known are %s", name, strings.Join(names, ", "))
	}
	return nil
}

// Good says whether a request succeeded within all bounds. A latency that has a bound and no value is out of bounds: an
// answer of one token does not meet a bound on TPOT.
func Good(r *record.Request, b record.Bounds) bool {
	if r.Failed() {
		return false
	}
	ttft, hasTTFT := r.TTFT()
	counts := r.Counts()
	tpot, hasTPOT := r.TPOT(counts)
	ntpot, hasNTPOT := r.NTPOT(counts)
	itl, hasITL := r.MeanITL()
	return within(ttft, hasTTFT, b.TTFT) && within(tpot, hasTPOT, b.TPOT) && within(ntpot, hasNTPOT, b.NTPOT) &&
		within(itl, hasITL, b.ITL) && within(r.Latency(), true, b.Latency)
}

func within(d time.Duration, known bool, limitMS float64) bool {
	return limitMS == 0 || known && float64(d)/float64(time.Millisecond) <= limitMS
}
