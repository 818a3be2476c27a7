package convert

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Verdicts on a server whose users left.
const (
	Freed     = "FREED"     // it freed their places
	Leaked    = "LEAKED"    // it went on to work for them
	Undecided = "UNDECIDED" // its page does not tell
)

// LeavingAudit says whether the server freed the places of users who left, by its own page of metrics. Times are
// milliseconds.
type LeavingAudit struct {
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"` // of UNDECIDED and of LEAKED
	// Within is until when the page showed that each of those who left was gone; it cannot be less than the time
	// between two looks. Longest is how long one was seen to stay, 0 if none was.
	Within     *Float `json:"within_ms"`
	Longest    Float  `json:"longest_seen_ms"`
	Resolution Float  `json:"resolution_ms"` // mean time between two looks at the page
	Looks      int    `json:"looks"`         // at the page while the load ran
	Most       int    `json:"most_still_there"`
	ForNobody  *int64 `json:"tokens_for_nobody"` // generated less received; null if unknown
}

// Bounds of the audit of a run.
const (
	lookSlack    = 25 * time.Millisecond // by which the page and the client may differ in time
	longestStay  = 10 * time.Second      // after which a place is leaked
	fewestLooks  = 3                     // after users left
	foreignShare = 0.05                  // of the looks, that may show requests of others
	unseenShare  = 0.5                   // of the requests in flight, that the page has to show
	wholeShare   = 0.8                   // of what was left of the answers: more of it for nobody is all of it
	leastLeft    = 8                     // tokens of an answer, below which it says nothing that all came
)

// leavingAuditor compares the page with the requests in flight.
type leavingAuditor struct {
	g                   *subset
	starts, ends, leave []int64 // of all that was sent; when users left
	perChunk            float64 // tokens
	audit               LeavingAudit
	foreign, after      int        // looks that show others; looks after a user left
	shown, own          float64    // sums over the looks
	clear               []pageLook // at which nobody else was there
	last                int        // still there at the last look
}

// auditLeaving returns nil if no user left, or no page was read that tells how many requests run.
func auditLeaving(g *subset) *LeavingAudit {
	looks := looksAt(g.run)
	if len(g.left) == 0 || len(looks) == 0 || g.run.Clock != run.RecordTick {
		return nil
	}
	a := &leavingAuditor{g: g, perChunk: 1}
	if d := g.sum(g.ok, tokensPerChunk); d != nil {
		a.perChunk = max(1, d.Mean)
	}
	for _, q := range g.sent {
		a.starts, a.ends = append(a.starts, q.Start), append(a.ends, q.End)
	}
	for _, q := range g.left {
		a.leave = append(a.leave, q.End)
	}
	for _, list := range [...][]int64{a.starts, a.ends, a.leave} {
		slices.Sort(list)
	}
	looks = slices.DeleteFunc(looks, func(l pageLook) bool { return l.at < a.starts[0] })
	for _, l := range looks {
		a.look(l)
	}
	if n := len(looks); n > 1 {
		a.audit.Resolution = Float(float64(looks[n-1].at-looks[0].at) / float64(n-1) / 1e6)
	}
	a.audit.Looks = len(looks)
	a.decide()
	return &a.audit
}

// pageLook is how many requests the pages of all servers showed. They were read one after the other.
type pageLook struct {
	from, at int64 // the first and the last read
	shown    float64
}

// looksAt returns the looks: each ends when every page that tells it has been read again.
func looksAt(r *run.Run) (looks []pageLook) {
	newest, sources := map[string]*record.Server{}, map[string]bool{}
	tells := func(s *record.Server) bool { _, ok := s.Values[record.ServerRunning]; return ok }
	for _, s := range r.Servers {
		sources[s.Source] = sources[s.Source] || tells(s)
	}
	pages := 0
	for _, told := range sources {
		pages += count(told)
	}
	for _, s := range r.Servers {
		if !tells(s) {
			continue
		}
		if newest[s.Source] = s; len(newest) < pages {
			continue
		}
		l := pageLook{from: s.Time, at: s.Time}
		for _, page := range newest {
			l.from = min(l.from, page.Time)
			l.shown += page.Values[record.ServerRunning] + page.Values[record.ServerWaiting]
		}
		looks = append(looks, l)
		clear(newest)
	}
	return looks
}

// before counts the instants of a sorted list until another.
func before(list []int64, at int64) int {
	return sort.Search(len(list), func(i int) bool { return list[i] > at })
}

// look takes a look at the page: what it shows beyond the requests that may be in flight are users who left, those who
// left last.
func (a *leavingAuditor) look(l pageLook) {
	slack := lookSlack.Nanoseconds()
	most := before(a.starts, l.at+slack) - before(a.ends, l.from-slack)
	gone := before(a.leave, l.from)
	a.shown, a.own = a.shown+l.shown, a.own+float64(before(a.starts, l.at)-before(a.ends, l.at))
	extra := int(l.shown) - most
	if gone > 0 {
		a.after++
	}
	switch {
	case extra > before(a.leave, l.at+slack):
		a.foreign++
	case extra > 0:
		stays := max(0, l.at-a.leave[max(0, before(a.leave, l.at+slack)-extra)])
		a.audit.Longest = max(a.audit.Longest, Float(float64(stays)/1e6))
		a.audit.Most = max(a.audit.Most, extra)
	default:
		a.clear = append(a.clear, l)
	}
	a.last = max(0, extra)
}

// decide makes the verdict.
func (a *leavingAuditor) decide() {
	d := &a.audit
	longest, most := d.Longest, d.Most
	d.Verdict, d.Longest, d.Most = Undecided, 0, 0
	switch looks := float64(d.Looks); {
	case a.g.run.Cut.Requests > 0:
		d.Why = "requests are left out of this report, and the page shows them"
	case a.g.run.Partial:
		d.Why = "the run is partial: the page may show requests of which no line is there"
	case a.after < fewestLooks:
		d.Why = fmt.Sprintf("the page was read %s after users left: set serverMetricsInterval lower",
			plural(a.after, "time"))
	case float64(a.foreign) > foreignShare*looks:
		d.Why = "the page shows requests that are not of this run: let nobody else use the server"
	case a.shown < unseenShare*a.own:
		d.Why = "the page shows fewer requests than were in flight: some were elsewhere"
	default:
		d.Longest, d.Most, d.ForNobody = longest, most, a.forNobody()
		a.conclude()
	}
}

// conclude makes the verdict by a page that tells.
func (a *leavingAuditor) conclude() {
	d := &a.audit
	left, most := a.remaining()
	within, known := a.within()
	switch {
	case float64(d.Longest) >= float64(longestStay.Milliseconds()):
		d.Verdict, d.Why = Leaked, fmt.Sprintf("%s still there %.3g s after they left", plural(d.Most, "user"),
			float64(d.Longest)/1000)
	case d.ForNobody != nil && most && float64(*d.ForNobody) >= wholeShare*float64(left):
		d.Verdict, d.Why = Leaked, "the answers were generated to their ends"
	case !known && a.last == 0:
		d.Why = "the page was not read after the last of them left"
	case !known:
		d.Why = fmt.Sprintf("the page still showed %d of them when it was read last", a.last)
	default:
		d.Verdict, d.Within = Freed, new(max(within, d.Longest))
	}
}

// within returns until when each user who left was seen to be gone.
func (a *leavingAuditor) within() (ms Float, known bool) {
	for _, left := range a.leave {
		i := sort.Search(len(a.clear), func(i int) bool { return a.clear[i].from > left })
		if i == len(a.clear) {
			return 0, false
		}
		ms = max(ms, Float(float64(a.clear[i].at-left)/1e6))
	}
	return ms, true
}

// remaining returns how many tokens of the answers were to come when their users left, and reports whether they are
// enough for a verdict.
func (a *leavingAuditor) remaining() (tokens int64, enough bool) {
	for _, q := range a.g.left {
		tokens += max(0, int64(q.MaxTokens)-a.received(q))
	}
	return tokens, tokens >= leastLeft*int64(len(a.g.left))
}

// received returns how many tokens came of a request whose answer was not over. Where nobody counts them, a chunk has
// as many as those of whole answers.
func (a *leavingAuditor) received(q *run.Request) int64 {
	if q.OutputSource == record.ContentChunks {
		return int64(math.Round(a.perChunk * float64(q.CompletionTokens)))
	}
	return receivedTokens(q)
}

// forNobody returns how many tokens the servers generated that no user received, nil if that is not known.
func (a *leavingAuditor) forNobody() *int64 {
	w := &serverWindow{run: a.g.run, start: a.starts[0], end: slices.Max(a.ends), levels: map[string]*level{}}
	w.findSources()
	w.findRestarts()
	generated := w.increase(record.ServerGenerationTokens)
	if generated == nil || a.g.run.WarmedUp() {
		return nil
	}
	received := int64(0)
	for _, q := range a.g.sent {
		switch {
		case q.Failed():
			received += a.received(q)
		case q.OutputSource == record.NoSource && !q.Textless:
			return nil
		default:
			received += int64(orElse(q.ServerCompletion, q.CompletionTokens))
		}
	}
	return new(max(0, int64(*generated)-received))
}

// String returns the verdict with what it rests on.
func (d *LeavingAudit) String() string {
	text := d.Verdict
	switch d.Verdict {
	case Freed:
		text += fmt.Sprintf(" within %s, by a page that was read every %s", span(*d.Within), span(d.Resolution))
		if d.Longest > 0 {
			text += fmt.Sprintf("; one stayed for %s or more", span(d.Longest))
		}
	default:
		text += ": " + d.Why
	}
	if d.ForNobody != nil {
		text += fmt.Sprintf("; %s generated for nobody", plural(int(*d.ForNobody), "token"))
	}
	return text
}

// span writes milliseconds.
func span(ms Float) string {
	if ms < 1000 {
		return fmt.Sprintf("%.0f ms", float64(ms))
	}
	return fmt.Sprintf("%.1f s", float64(ms)/1000)
}
