package audit

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// Verdicts.
const (
	Freed     = "FREED"     // those who left are gone
	Leaked    = "LEAKED"    // the server goes on to work for them
	Undecided = "UNDECIDED" // nothing tells
)

// How something was seen.
const (
	byTTFT = "ttft" // a request found a place
	byPage = "page" // the server's page of metrics showed it
)

// Result is what an audit found out. Times are milliseconds, unless their names say something else.
type Result struct {
	Verdict    string  `json:"verdict"`
	Text       string  `json:"text"` // the verdict in a line
	Why        string  `json:"why,omitempty"`
	Fix        string  `json:"fix,omitempty"`
	Within     *Within `json:"within,omitempty"`            // of those who were answered and of those who waited
	ForNobody  *int64  `json:"tokens_for_nobody,omitempty"` // generated after the users left; nil if unknown
	Answers    Leaving `json:"answers"`                     // of those who were being answered
	Queue      Leaving `json:"queue"`                       // of those who waited
	Places     int     `json:"places"`                      // requests that were answered at once
	Full       bool    `json:"full"`                        // no more had a place
	Refused    int     `json:"refused"`                     // instead of having to wait
	IdleTTFT   float64 `json:"idle_ttft_ms"`                // median
	IdleSpread float64 `json:"idle_ttft_spread_ms"`         // how far the others were from it

	Endpoint    string  `json:"endpoint,omitempty"`
	Model       string  `json:"model,omitempty"`
	MetricsPage string  `json:"metrics_page,omitempty"`
	Engine      string  `json:"metrics_of,omitempty"`
	Requests    int     `json:"requests"`
	Seconds     float64 `json:"seconds"`
}

// Within is how long it took until those who left were gone.
type Within struct {
	MS    float64 `json:"ms"`
	Bound float64 `json:"plus_minus_ms"`
}

// Leaving is what became of some users who left at one instant.
type Leaving struct {
	Verdict string   `json:"verdict"`
	Users   int      `json:"users"`
	By      string   `json:"by,omitempty"` // one of ttft and page
	Within  *Within  `json:"within,omitempty"`
	Page    *float64 `json:"page_ms,omitempty"` // until the page showed nobody else
	Stale   bool     `json:"page_late,omitempty"`
	Left    int      `json:"still_there,omitempty"` // after waited_s
	Waited  float64  `json:"waited_s,omitempty"`
	Why     string   `json:"why,omitempty"`
}

func (l *Leaving) undecided(why string) { l.Verdict, l.Within, l.Why = Undecided, nil, why }

func (l *Leaving) leaked(left int, wait time.Duration) {
	l.Verdict, l.Left, l.Waited = Leaked, left, wait.Seconds()
}

// freed notes that users who left at an instant were gone between two others.
func (l *Leaving) freed(by string, at, since, until time.Time) {
	if since.Before(at) {
		since = at
	}
	l.freedAfter(by, until.Sub(at), until.Sub(since))
}

func (l *Leaving) freedAfter(by string, took, bound time.Duration) {
	l.Verdict, l.By, l.Within = Freed, by, &Within{milliseconds(max(took, 0)), milliseconds(bound)}
}

// undecided ends an audit without a verdict.
func (r *Result) undecided(why, fix string) (goOn bool) {
	r.Verdict, r.Why, r.Fix = Undecided, why, fix
	r.Answers.Verdict, r.Queue.Verdict = Undecided, Undecided
	r.write()
	return false
}

// conclude makes one verdict of those about the two kinds of users.
func (a *auditor) conclude() {
	r := a.result
	g, q := &r.Answers, &r.Queue
	if q.Verdict == Undecided && q.Users > 0 && g.Verdict == Freed && g.By == byTTFT && r.Refused == 0 {
		*q = Leaving{Verdict: Freed, Users: q.Users, By: byTTFT, Within: g.Within} // who came after them had a place
	}
	switch {
	case g.Verdict == Leaked || q.Verdict == Leaked:
		r.Verdict, r.Fix = Leaked, advice
	case g.Verdict == Undecided:
		r.undecided(g.Why, "audit the server while nobody else uses it, with a longer --wait or a longer context")
		return
	default:
		r.Verdict, r.Within = Freed, g.Within
		if q.Within != nil && q.Within.MS > g.Within.MS {
			r.Within = q.Within
		}
	}
	r.write()
}

const advice = "audit the server without what is between: a gateway that reads answers to their ends does not pass " +
	"on that the client has gone (nginx: proxy_ignore_client_abort must be off). If it is the server, see whether " +
	"its front end watches the connection, also of requests in the queue and of answers that are not streamed"

// write makes the text of the verdict.
func (r *Result) write() {
	switch r.Verdict {
	case Freed:
		r.Text = fmt.Sprintf("%s within %s", Freed, r.Within)
	case Undecided:
		r.Text = Undecided + ": " + r.Why
	default:
		r.Text = Leaked + ": " + r.leak()
	}
}

// leak says what is still there.
func (r *Result) leak() string {
	var parts []string
	if g := &r.Answers; g.Verdict == Leaked {
		parts = append(parts, fmt.Sprintf("%s still taken after %.4g s", count(g.Left, "place"), g.Waited))
	}
	if q := &r.Queue; q.Verdict == Leaked {
		parts = append(parts, fmt.Sprintf("%d of those who left the queue still in it after %.4g s", q.Left, q.Waited))
	}
	if r.ForNobody != nil && *r.ForNobody > 0 {
		parts = append(parts, tokens(*r.ForNobody)+" generated for nobody")
	}
	return strings.Join(parts, ", ")
}

// String returns the time with its bound.
func (w *Within) String() string { return short(w.MS) + " (±" + short(w.Bound) + ")" }

func short(ms float64) string {
	if ms < 1 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func tokens(n int64) string {
	if n == 1 {
		return "1 token"
	}
	return plain.Grouped(strconv.FormatInt(n, 10), ",") + " tokens"
}

// WriteText writes the verdict, and what it comes from.
func (r *Result) WriteText(w io.Writer, columns int) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(plain.Terminal(r.Text) + "\n") // Flush reports the error
	for _, l := range [][2]string{
		{"what to do", r.Fix},
		{"server", r.Endpoint}, {"model", r.Model}, {"page", r.MetricsPage},
		{"idle TTFT", r.idle()}, {"places", r.places()},
		{"answered", r.Answers.text("place", r.Places)}, {"queue", r.Queue.text("user", r.Places)},
		{"for nobody", r.nobody()},
	} {
		if l[1] != "" {
			probe.WriteLine(out, l[0], l[1], columns)
		}
	}
	return out.Flush()
}

func (r *Result) idle() string {
	if r.IdleTTFT == 0 {
		return ""
	}
	return fmt.Sprintf("%s (±%s)", short(r.IdleTTFT), short(r.IdleSpread))
}

func (r *Result) places() string {
	switch {
	case r.Places == 0:
		return ""
	case r.Refused > 0:
		return fmt.Sprintf("%d, all taken: the server refused %d further requests", r.Places, r.Refused)
	case r.Full:
		return fmt.Sprintf("%d, all taken", r.Places)
	}
	return fmt.Sprintf("more than the %d that were taken", r.Places)
}

func (r *Result) nobody() string {
	if r.ForNobody == nil {
		return ""
	}
	return tokens(*r.ForNobody) + " generated after the users left"
}

// text says what became of users; noun is what those who stay take.
func (l *Leaving) text(noun string, places int) string {
	if places == 0 {
		return ""
	}
	users := count(l.Users, "user") + " left: "
	switch l.Verdict {
	case Leaked:
		return users + fmt.Sprintf("%s still there after %.4g s", count(l.Left, noun), l.Waited)
	case Freed:
		return users + "gone within " + l.Within.String() + l.how()
	}
	return users + "undecided, " + l.Why
}

func (l *Leaving) how() string {
	text := ", by the page"
	if l.By == byTTFT {
		text = ", by the TTFT of who came next"
	}
	switch {
	case l.Stale:
		return text + "; the page is late"
	case l.By == byTTFT && l.Page != nil:
		return text + fmt.Sprintf("; the page shows it after %s", short(*l.Page))
	}
	return text
}
