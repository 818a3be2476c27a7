package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// latencyNames are the latencies that can have a bound.
var latencyNames = []string{"ttft", "tpot", "ntpot", "itl", "request_latency", "first_audio", "rtf"}

// otherLatencyNames maps what reports and other tools call these latencies to their names here.
var otherLatencyNames = map[string]string{
	"time_to_first_token": "ttft", "time_per_output_token": "tpot", "normalized_time_per_output_token": "ntpot",
	"inter_token_latency": "itl", "latency": "request_latency", "e2e": "request_latency", "e2el": "request_latency",
	"e2e_latency": "request_latency", "end_to_end_latency": "request_latency",
	"time_to_first_audio": "first_audio", "ttfa": "first_audio", "real_time_factor": "rtf",
}

// KnownLatency returns nil if a bound can be put on the named latency. Otherwise it returns an error that lists the
// known names, beginning with the one that was probably meant; also are further names that the caller takes.
func KnownLatency(name string, also ...string) error {
	if slices.Contains(latencyNames, name) {
		return nil
	}
	near, found := meantLatency(name)
	list := slices.Concat(latencyNames, also)
	if !found {
		return fmt.Errorf("unknown latency %q, known are %s", name, strings.Join(list, ", "))
	}
	list = append([]string{near}, slices.DeleteFunc(list, func(n string) bool { return n == near })...)
	return fmt.Errorf("unknown latency %q: did you mean %q? Known are %s", name, near, strings.Join(list, ", "))
}

// meantLatency returns the latency that was probably meant by a name that is misspelt, has a unit, or is one of
// otherLatencyNames.
func meantLatency(name string) (string, bool) {
	plain := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
	for _, unit := range []string{"_milliseconds", "_seconds", "_sec", "_ms", "_us", "_s"} {
		plain = strings.TrimSuffix(plain, unit)
	}
	all := slices.Concat(latencyNames, slices.Sorted(maps.Keys(otherLatencyNames)))
	near, found := plain, slices.Contains(all, plain)
	if !found {
		near, found = spelling.Nearest(plain, all)
		found = found && near != "rtf" // too many words are as near to it
	}
	if other, ok := otherLatencyNames[near]; ok {
		near = other
	}
	return near, found
}

// Concerns reports whether requests of an API can have the named latency. generates says that they ask for text.
func Concerns(latency, api string, generates bool) bool {
	switch latency {
	case "request_latency":
		return true
	case "first_audio":
		return api == APISpeech
	case "rtf":
		return api == APISpeech || api == APITranscription
	}
	return generates
}

// Concern reports whether any of the bounds is on a latency that the request can have.
func (b Bounds) Concern(r *Request) bool {
	text := r.Generates()
	return b.Latency > 0 || text && (b.TTFT > 0 || b.TPOT > 0 || b.NTPOT > 0 || b.ITL > 0) ||
		b.FirstAudio > 0 && Concerns("first_audio", r.API, text) || b.RTF > 0 && Concerns("rtf", r.API, text)
}

// Set puts an upper bound on the named latency: ttft, tpot, ntpot, itl (the mean gap of a request), request_latency,
// first_audio, or rtf, whose limit is the time for a second of sound.
func (b *Bounds) Set(name string, limit time.Duration) error {
	if err := KnownLatency(name); err != nil {
		return err
	}
	if limit <= 0 {
		return fmt.Errorf("the bound on %s must be positive, got %v", name, limit)
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
	case "first_audio":
		b.FirstAudio = ms
	case "rtf":
		b.RTF = limit.Seconds()
	}
	return nil
}

// Meets reports whether the request succeeded within all bounds. A latency that has a bound but no value is out of
// bounds, except the TPOT and ITL of an answer of one token, which has none. A bound on what requests of the API cannot
// have is none.
func (r *Request) Meets(b Bounds) bool {
	if r.Failed() {
		return false
	}
	if !meetsOfSound(r, b) || !meets(r.Latency(), true, b.Latency) {
		return false
	}
	if !r.Generates() {
		return true
	}
	ttft, hasTTFT := r.TTFT()
	counts := r.Counts()
	tpot, hasTPOT := r.TPOT(counts)
	ntpot, hasNTPOT := r.NTPOT(counts)
	itl, hasITL := r.MeanITL()
	if hasTTFT && counts.Completion == 1 {
		hasTPOT, hasITL = true, true
	}
	return meets(ttft, hasTTFT, b.TTFT) && meets(tpot, hasTPOT, b.TPOT) && meets(ntpot, hasNTPOT, b.NTPOT) &&
		meets(itl, hasITL, b.ITL)
}

// meetsOfSound reports whether a success is within the bounds that only sounds have.
func meetsOfSound(r *Request, b Bounds) bool {
	if b.FirstAudio > 0 && Concerns("first_audio", r.API, false) {
		if first, has := FirstAudio(r); !meets(first, has, b.FirstAudio) {
			return false
		}
	}
	if b.RTF > 0 && Concerns("rtf", r.API, false) {
		factor, has := RealTimeFactor(r)
		return has && factor <= b.RTF
	}
	return true
}

func meets(d time.Duration, known bool, limitMS float64) bool {
	return limitMS == 0 || known && float64(d)/float64(time.Millisecond) <= limitMS
}
