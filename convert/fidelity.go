package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Fidelity tells how close a replay was to what its trace asked.
type Fidelity struct {
	Score  Maybe          `json:"score"`  // 0 to 100; null if nothing can be judged
	Reason string         `json:"reason"` // which part lowers the score most, "" of a score of 95 and more
	Parts  []FidelityPart `json:"parts"`
	// GapError is the kept gap less the one asked, in seconds; GapDeviation the same without its sign.
	GapError     *Distribution `json:"gap_error"`
	GapDeviation *Distribution `json:"gap_deviation"`
	// Violations counts calls that were sent before a call that they wait for had ended.
	Violations int       `json:"order_violations"`
	Shortened  Shortened `json:"waits_shortened"`
	Output     Lengths   `json:"output_tokens"`
	Prompt     Lengths   `json:"prompt_tokens"`
}

// FidelityPart is a part of the score.
type FidelityPart struct {
	Name   string `json:"name"`
	Weight Float  `json:"weight"`
	Kept   int    `json:"kept"` // of Judged
	Judged int    `json:"judged"`
}

// Shortened tells which waits of the trace were not kept because the replay was to shorten them. Gaps are judged by
// what was left of them.
type Shortened struct {
	Calls   int   `json:"calls"` // whose waits were shortened
	Waits   int   `json:"waits"` // calls with a wait in the trace
	Seconds Float `json:"seconds_left_out"`
}

// Lengths compares tokens with those of the trace, over successes that have both.
type Lengths struct {
	Calls  int   `json:"calls"`
	Asked  int64 `json:"asked_total"`
	Got    int64 `json:"got_total"`
	Ratio  Maybe `json:"median_ratio"`     // got / asked
	Within int   `json:"within_5_percent"` // calls
}

// The parts of the score with their weights, and how much each may be off. A part that nothing was judged of does not
// count.
const (
	gapsPart, orderPart, sentPart, outputPart, promptPart = "gaps", "order", "sent", "output_tokens", "prompt_tokens"

	gapSlack   = 0.010 // seconds
	gapShare   = 0.05  // of the gap asked, if that is more
	lengthBand = 0.05  // of the tokens asked
)

var partWeights = map[string]float64{gapsPart: 0.35, orderPart: 0.25, sentPart: 0.15, outputPart: 0.15,
	promptPart: 0.10}

// partWords tell what a part counts, in a sentence.
var partWords = map[string]string{
	gapsPart:   "calls keep the gap before them within 10 ms or 5 %",
	orderPart:  "calls began after those that they wait for had ended",
	sentPart:   "calls of the trace were sent",
	outputPart: "answers have the recorded length within 5 %",
	promptPart: "prompts have the recorded length within 5 %",
}

// scoreOfGood is the score from which no reason is given.
const scoreOfGood = 95

// fidelityTally compares calls with what was asked of them.
type fidelityTally struct {
	group          *subset
	parts          map[string]*FidelityPart
	worst          map[string]worstCall
	errors         []float64
	output, prompt lengthTally
	violations     int
	shortened      Shortened
}

// worstCall is what lowers a part most: a call of a session, or a session. Gaps are seconds.
type worstCall struct {
	by, got, asked float64
	session        *run.Session
	call           *run.Request
}

type lengthTally struct {
	Lengths
	ratios []float64
}

// fidelityOf returns the fidelity of some sessions.
func fidelityOf(g *subset, sessions []*run.Session) Fidelity {
	t := &fidelityTally{group: g, parts: map[string]*FidelityPart{}, worst: map[string]worstCall{}}
	for _, s := range sessions {
		t.session(s)
	}
	deviations := make([]float64, len(t.errors))
	for i, e := range t.errors {
		deviations[i] = math.Abs(e)
	}
	f := Fidelity{
		GapError:     NewDistribution(t.errors, g.opts.Percentiles),
		GapDeviation: NewDistribution(deviations, g.opts.Percentiles),
		Violations:   t.violations, Shortened: t.shortened,
		Output: t.output.sum(), Prompt: t.prompt.sum(), Parts: []FidelityPart{},
	}
	for _, name := range [...]string{gapsPart, orderPart, sentPart, outputPart, promptPart} {
		if part := t.parts[name]; part != nil {
			f.Parts = append(f.Parts, *part)
		}
	}
	f.Score, f.Reason = t.score(f.Parts)
	return f
}

func (t *fidelityTally) session(s *run.Session) {
	ends := s.Ends()
	for _, q := range s.Requests {
		t.call(s, q, ends)
	}
	if !s.Unfinished() { // something else kept its other calls from being sent
		t.judge(sentPart, s.Calls, s.Sent, worstCall{by: float64(s.Calls - s.Sent), session: s})
	}
}

func (t *fidelityTally) call(s *run.Session, q *run.Request, ends map[int]int64) {
	call := q.Call()
	asked, kept := float64(call.Wait)/1e6, t.group.run.Seconds(q.Start-s.Released(call, ends))
	if len(call.After) > 0 {
		t.judge(orderPart, 1, count(kept >= 0), worstCall{-kept, kept, asked, s, q})
		t.violations += count(kept < 0)
	}
	t.shortened.add(call)
	off := math.Abs(kept - asked)
	t.errors = append(t.errors, kept-asked)
	t.judge(gapsPart, 1, count(off <= max(gapSlack, gapShare*asked)), worstCall{off, kept, asked, s, q})
	if !q.Failed() {
		t.length(outputPart, &t.output, worstCall{0, reportedTokens(t.group, q), float64(call.OutputTokens), s, q})
		t.length(promptPart, &t.prompt, worstCall{0, inputTokens(t.group, q), float64(call.PromptTokens), s, q})
	}
}

func (s *Shortened) add(call *record.Call) {
	s.Waits += count(call.Wait+call.Held > 0)
	s.Calls += count(call.Held > 0)
	s.Seconds += Float(float64(call.Held) / 1e6)
}

// String says how many waits were shortened, "" if none was.
func (s *Shortened) String() string {
	if s.Calls == 0 {
		return ""
	}
	return fmt.Sprintf("waits shortened: %d of %d, %s s left out (max_wait_ms, maxWait)", s.Calls, s.Waits,
		Digits(float64(s.Seconds)))
}

// count is 1 of what holds.
func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// length compares a number of tokens with the one asked; 0 was not asked for.
func (t *fidelityTally) length(part string, l *lengthTally, w worstCall) {
	if w.asked <= 0 || math.IsNaN(w.got) {
		return
	}
	ratio := w.got / w.asked
	w.by = math.Abs(ratio - 1)
	within := count(w.by <= lengthBand)
	l.Calls, l.Within = l.Calls+1, l.Within+within
	l.Asked, l.Got = l.Asked+int64(w.asked), l.Got+int64(w.got)
	l.ratios = append(l.ratios, ratio)
	t.judge(part, 1, within, w)
}

// judge counts calls in a part, and keeps what is off most.
func (t *fidelityTally) judge(name string, judged, kept int, w worstCall) {
	part := t.parts[name]
	if part == nil {
		part = &FidelityPart{Name: name, Weight: Float(partWeights[name])}
		t.parts[name] = part
	}
	part.Judged, part.Kept = part.Judged+judged, part.Kept+kept
	if worst, any := t.worst[name]; kept < judged && (!any || w.by > worst.by) {
		t.worst[name] = w
	}
}

// text describes the worst of a part.
func (w worstCall) text(part string) string {
	if w.call == nil {
		return fmt.Sprintf("session %s, of whose %d calls %d were sent", w.session.ID, w.session.Calls,
			w.session.Sent)
	}
	what := fmt.Sprintf("%.0f tokens in place of %.0f", w.got, w.asked)
	switch part {
	case gapsPart:
		what = fmt.Sprintf("a gap of %s in place of %s", milli(w.got), milli(w.asked))
	case orderPart:
		what = milli(w.by) + " too early"
	}
	return fmt.Sprintf("call %s of session %s: %s", w.call.Call().ID, w.session.ID, what)
}

// score returns the score of some parts, and what lowers it most.
func (t *fidelityTally) score(parts []FidelityPart) (score Maybe, reason string) {
	sum, weights := 0.0, 0.0
	for _, p := range parts {
		sum, weights = sum+float64(p.Weight)*p.share(), weights+float64(p.Weight)
	}
	if weights == 0 {
		return Maybe(unknown), ""
	}
	score = Maybe(100 * sum / weights)
	if score >= scoreOfGood {
		return score, ""
	}
	low := slices.MaxFunc(parts, func(a, b FidelityPart) int { return cmp.Compare(a.lost(), b.lost()) })
	kept := "none"
	if low.Kept > 0 {
		kept = fmt.Sprintf("only %d", low.Kept)
	}
	return score, fmt.Sprintf("%s of %d %s; the worst is %s", kept, low.Judged, partWords[low.Name],
		t.worst[low.Name].text(low.Name))
}

func (p FidelityPart) share() float64 { return float64(p.Kept) / float64(p.Judged) }

// lost is by how much the part lowers the score, before all weights are made one.
func (p FidelityPart) lost() float64 { return float64(p.Weight) * (1 - p.share()) }

func (l *lengthTally) sum() Lengths {
	l.Ratio = Maybe(unknown)
	if len(l.ratios) > 0 {
		l.Ratio = Maybe(stats.PercentileOf(l.ratios, 50))
	}
	return l.Lengths
}

// milli writes seconds as milliseconds.
func milli(seconds float64) string { return Digits(seconds*1000) + " ms" }
