// Package slo is the language of objectives: what --slo and --gate say must hold over the requests of a stage or of a
// run. Parse reads it, and Judge decides from counts. Package record has the bounds on a single request.
//
// A text is a list of objectives, separated by commas:
//
//	p99(ttft)<500ms                          99 % of the requests have a TTFT below 500 ms
//	failures<1%                              fewer than 1 % of the requests fail
//	goodput(ttft<500ms,tpot<50ms)>=95%       95 % of the requests keep all the bounds
//	ttft=500ms,tpot=50ms                     bounds on each request, which 99 % of them are to keep
//	p99(first_audio)<300ms,p99(rtf)<1        99 % of the sounds begin by then, and come faster than they play
//	failures<1%; chat: ttft=300ms; rag: ttft=2s   the first of all requests, each other of those with its label
package slo

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Kind is what an objective is about.
type Kind int8

// Kinds of objectives.
const (
	Percentile Kind = iota // a share of the requests keeps a bound on one latency
	Goodput                // a share of the requests keeps several bounds
	Each                   // bounds on each request, which KeptFrom of the requests are to keep
	Failures               // no more than a share of the requests fails
)

// KeptFrom is the share of the requests that has to keep the bounds of kind Each.
const KeptFrom = 0.99

// Objective is something that is to hold over a group of requests. Parse and Of make objectives.
type Objective struct {
	Kind   Kind
	Bounds []Bound // what a request keeps; none for Failures
	// Share is the least share of the requests, from 0 to 1, that has to keep the bounds. For Failures it is the
	// largest share that may fail.
	Share  float64
	Strict bool   // the share itself does not do: failures<1%, goodput(…)>95%
	Label  string // of the requests that it is about; "" means all

	text string // without the label
}

// String returns the objective as it was written, without spaces, and with its label before it.
func (o Objective) String() string {
	if o.Label == "" || o.text == "" {
		return o.text
	}
	return o.Label + ": " + o.text
}

// Of returns the objective for the requests of a label alone.
func (o Objective) Of(label string) Objective {
	o.Label = label
	return o
}

// Concerns reports whether the objective is about the requests of a label.
func (o Objective) Concerns(label string) bool { return o.Label == "" || o.Label == label }

// Bound is an upper bound on a latency of a request.
type Bound struct {
	Latency string        // as package record names it: ttft, tpot, ntpot, itl, request_latency, first_audio, rtf
	Limit   time.Duration // of a factor the time for a second of sound
	Strict  bool          // a latency of exactly Limit is over it
}

// Keeps reports whether a latency in seconds, or a factor, is within the bound. NaN is not.
func (b Bound) Keeps(seconds float64) bool {
	limit := b.Limit.Seconds()
	return seconds < limit || !b.Strict && seconds == limit
}

// String returns the bound as it is written in an objective.
func (b Bound) String() string {
	if b.Strict {
		return b.Latency + "<" + b.limit()
	}
	return b.Latency + "<=" + b.limit()
}

func (b Bound) limit() string {
	if IsFactor(b.Latency) {
		return strconv.FormatFloat(b.Limit.Seconds(), 'f', -1, 64)
	}
	return b.Limit.String()
}

// IsFactor reports whether a latency of package record is a number without a unit: the real-time factor.
func IsFactor(latency string) bool { return latency == "rtf" }

// OnFactor reports whether the text is an objective on a factor alone, so that its figures have no unit.
func OnFactor(text string) bool {
	list, err := Parse(text)
	return err == nil && len(list) == 1 && len(list[0].Bounds) == 1 && IsFactor(list[0].Bounds[0].Latency)
}

// Name returns what people call a latency of package record.
func Name(latency string) string {
	switch latency {
	case "request_latency":
		return "latency"
	case "first_audio":
		return "first audio"
	}
	return strings.ToUpper(latency)
}

// Of returns the objective that 99 % of the requests keep the bounds, and false if there are no bounds.
func Of(b record.Bounds) (Objective, bool) {
	o := Objective{Kind: Each, Share: KeptFrom}
	var parts []string
	for _, one := range []struct {
		latency string
		ms      float64
	}{{"ttft", b.TTFT}, {"tpot", b.TPOT}, {"ntpot", b.NTPOT}, {"itl", b.ITL}, {"request_latency", b.Latency},
		{"first_audio", b.FirstAudio}, {"rtf", 1000 * b.RTF}} {
		if one.ms > 0 {
			limit := Bound{Latency: one.latency, Limit: time.Duration(math.Round(one.ms * float64(time.Millisecond)))}
			o.Bounds = append(o.Bounds, limit)
			parts = append(parts, one.latency+"="+limit.limit())
		}
	}
	o.text = strings.Join(parts, ",")
	return o, len(parts) > 0
}

// EachOf returns the bounds on each request of a label that the objectives contain; zero if they contain none. ""
// stands for the labels that no objective names. Of two bounds on a latency the tighter counts.
func EachOf(list []Objective, label string) (b record.Bounds) {
	least := map[string]time.Duration{}
	for _, o := range list {
		if o.Kind != Each || !o.Concerns(label) {
			continue
		}
		for _, bound := range o.Bounds {
			if limit, known := least[bound.Latency]; !known || bound.Limit < limit {
				least[bound.Latency] = bound.Limit
				_ = b.Set(bound.Latency, bound.Limit) // never fails: the latency is known and the limit positive
			}
		}
	}
	return b
}

// Labels returns the labels that objectives name, each once, in their order.
func Labels(list []Objective) (labels []string) {
	for _, o := range list {
		if o.Label != "" && !slices.Contains(labels, o.Label) {
			labels = append(labels, o.Label)
		}
	}
	return labels
}

// StreamFault returns why answers that are not streamed cannot be judged by the objectives, and nil if they can.
func StreamFault(list []Objective) error {
	for _, o := range list {
		for _, b := range o.Bounds {
			if b.Latency == "ttft" || b.Latency == "tpot" || b.Latency == "itl" {
				return fmt.Errorf("%s needs streaming: an answer in one piece has no TTFT, TPOT or ITL, only a "+
					"latency, as in p99(latency)<5s", o)
			}
		}
	}
	return nil
}

// APIFault returns why requests of an API cannot be judged by the objectives, and nil if they can. generates says that
// they ask for text.
func APIFault(list []Objective, api string, generates bool) error {
	for _, o := range list {
		for _, b := range o.Bounds {
			switch {
			case record.Concerns(b.Latency, api, generates):
			case b.Latency == "first_audio", b.Latency == "rtf":
				return fmt.Errorf("%s is about sounds: answers of api %q have a latency, as in p99(latency)<5s", o, api)
			case record.Concerns("first_audio", api, generates):
				return fmt.Errorf("%s is about tokens, which only text has: speech has first_audio, rtf and a "+
					"latency, as in p99(first_audio)<300ms", o)
			default:
				return fmt.Errorf("%s is about tokens, which only text has: other answers have a "+
					"latency, as in p99(latency)<500ms", o)
			}
		}
	}
	return nil
}

// mostNamed is how many labels a message lists.
const mostNamed = 20

// CheckNames returns an error if a name for the key, such as label, is none of the known ones, which are sorted.
func CheckNames(key string, named, known []string) error {
	for _, name := range named {
		near, ok := spelling.Nearest(name, known)
		switch {
		case slices.Contains(known, name):
		case ok:
			return fmt.Errorf("no request has the %s %q: did you mean %q?", key, name, near)
		case len(known) == 0:
			return fmt.Errorf("no request has the %s %q: none has any", key, name)
		case len(known) > mostNamed:
			return fmt.Errorf("no request has the %s %q: there are %d others, such as %q", key, name, len(known),
				known[0])
		default:
			return fmt.Errorf("no request has the %s %q: there are %s", key, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Join returns the texts of the objectives as one text, which Parse reads.
func Join(list []Objective) string {
	var text strings.Builder
	for i, o := range list {
		switch {
		case i == 0:
			text.WriteString(o.String())
		case o.Label == list[i-1].Label:
			text.WriteString("," + o.text)
		default:
			text.WriteString("; " + o.String())
		}
	}
	return text.String()
}

// Text is the value of a flag of objectives. Each use of the flag adds to those before.
type Text string

// Set adds objectives. They are parsed when all flags are read.
func (t *Text) Set(more string) error {
	if *t != "" {
		*t += "; "
	}
	*t += Text(more)
	return nil
}

// String returns the objectives, as Parse reads them.
func (t *Text) String() string { return string(*t) }

// Type names the value in help texts.
func (*Text) Type() string { return "objectives" }

// Outcome is what became of an objective.
type Outcome string

// Outcomes.
const (
	Kept       Outcome = "kept"
	Broken     Outcome = "broken"
	NoRequests Outcome = "no requests" // none that the objective could be judged by
)

// Counts is what an objective is judged by.
type Counts struct {
	// Judged counts the requests that the objective is about: those that ended, well or badly, and arrivals that were
	// dropped. Requests that the end of the run cut off are not among them, nor are answers that do not have the
	// latency, such as the ITL of one token.
	Judged int
	Kept   int // those of them that keep all bounds; for Failures those that did not fail
}

// nearly absorbs the rounding of a share times a count: 0.07 of 100 is 7.
const nearly = 1e-9

// Judge decides whether the objective is kept.
func (o Objective) Judge(c Counts) Outcome {
	if c.Judged == 0 {
		return NoRequests
	}
	n, over := float64(c.Judged), float64(c.Judged-c.Kept)
	room := o.Share*n - over // requests that could still fail
	if o.Kind != Failures {
		room = float64(c.Kept) - o.Share*n // requests beyond those that have to keep the bounds
	}
	if room > nearly || room >= -nearly && !o.Strict {
		return Kept
	}
	return Broken
}

// Rank returns which of n latencies in ascending order, from 0, decides an objective of kind Percentile: it is kept if
// that one is within the bound. n must be positive.
func (o Objective) Rank(n int) int {
	return min(max(int(math.Ceil(o.Share*float64(n)-nearly))-1, 0), n-1)
}
