package command

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// tenant is a class of users whose requests come at random.
type tenant struct {
	label    string
	priority int
	rate     float64       // requests per second
	mean     float64       // of the exponential number of tokens, one a millisecond
	within   time.Duration // bound of the TTFT
}

// demand is what was drawn of a tenant, of which theory tells what must become. Times are seconds.
type demand struct {
	rate          float64 // requests per second
	every, square float64 // means of the service and of its square
}

// draw returns the instants of a tenant's requests and their tokens.
func (u tenant) draw(seed uint64, span float64) (at []time.Duration, tokens []int, drawn demand) {
	rng := rand.New(rand.NewPCG(1, seed))
	for x := rng.ExpFloat64() / u.rate; x < span; x += rng.ExpFloat64() / u.rate {
		n := 1 + int(rng.ExpFloat64()*u.mean)
		at, tokens = append(at, time.Duration(x*1e9)), append(tokens, n)
		service := float64(n) * token
		drawn.every, drawn.square = drawn.every+service, drawn.square+service*service
	}
	n := float64(len(at))
	return at, tokens, demand{n / span, drawn.every / n, drawn.square / n}
}

// token is the time of a token, in seconds.
const token = 0.001

// simulated returns a simulator, which the caller closes, and a client of it.
func simulated(t *testing.T, query string) (*sim.Server, *client.Client) {
	t.Helper()
	o, err := sim.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	options := client.DefaultOptions()
	options.BaseURL, options.Model = "http://server", "sim"
	c, err := client.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return server, c
}

// share sends the requests of tenants to a simulator with one place, and returns the report on them.
func share(t *testing.T, query string, tenants []tenant, span float64) (*convert.Report, []demand) {
	t.Helper()
	server, c := simulated(t, "ttft=1ms&itl=1ms&max-num-seqs=1&"+query)
	defer func() { _ = server.Close() }()
	var mu sync.Mutex
	var lines []byte
	var sent atomic.Int64
	var group sync.WaitGroup
	drawn := make([]demand, len(tenants))
	for i, u := range tenants {
		at, tokens, d := u.draw(uint64(i), span)
		drawn[i] = d
		start := time.Now()
		for k := range at {
			group.Go(func() {
				time.Sleep(time.Until(start.Add(at[k])))
				a, err := c.Do(t.Context(), through{server}, &client.Request{Messages: []byte(`[{"content":"a"}]`),
					MaxTokens: tokens[k], Headers: map[string]string{"X-Priority": fmt.Sprint(u.priority)}})
				if err != nil {
					t.Error(err)
					return
				}
				a.Record.Scenario, a.Record.Index, a.Record.Label = "load", sent.Add(1), u.label
				a.Record.SLO = &record.Bounds{TTFT: float64(u.within.Milliseconds())}
				mu.Lock()
				defer mu.Unlock()
				lines, _ = record.Append(lines, a.Record)
				lines = append(lines, '\n')
			})
		}
	}
	group.Wait()
	r, err := run.Read(run.Options{}, run.Source{Name: "run.jsonl", Reader: bytes.NewReader(lines)})
	if err != nil {
		t.Fatal(err)
	}
	return convert.NewReport(r, convert.Options{}), drawn
}

// through answers requests by a handler.
type through struct{ http.Handler }

func (h through) RoundTrip(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	answer := &written{PipeWriter: w, header: http.Header{}, status: make(chan int, 1)}
	go func() {
		h.ServeHTTP(answer, r)
		answer.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	return &http.Response{StatusCode: <-answer.status, Header: answer.header, Body: body, Request: r}, nil
}

// written is the answer of a handler.
type written struct {
	*io.PipeWriter
	header http.Header
	status chan int // the first
	begun  bool
}

func (a *written) Header() http.Header { return a.header }
func (a *written) Flush()              {}

func (a *written) WriteHeader(status int) {
	if !a.begun {
		a.begun = true
		a.status <- status
	}
}

func (a *written) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.PipeWriter.Write(b)
}

// What a report tells of two classes on one place is what queueing theory tells of the traffic that was drawn. Service
// is exponential of rate μ, and chat has priority over rag. The mean waits are Pollaczek's and Khinchine's under FIFO,
// Cobham's with strict priority (llm/sim has the formulas). Under FIFO, P(W ≤ t) = 1 − ρ·exp(−(μ − λ)t) for both; with
// strict priority 1 − ρ·exp(−(μ − λ₁)t) for chat, where ρ is 1 if rag asks for more than there is, and then rag has
// nothing. The TTFT is the wait and a token.
func TestReportsOfClassesAgreeWithTheory(t *testing.T) {
	t.Parallel()
	chat, rag := tenant{"chat", 0, 16, 20, 20 * time.Millisecond}, tenant{"rag", 1, 8, 20, 100 * time.Millisecond}
	flood := rag
	flood.rate = 60
	for _, tt := range []struct {
		scheduling string
		rag        tenant
		span       float64
	}{{"fifo", rag, 600}, {"priority", rag, 600}, {"priority", flood, 200}} {
		synctest.Test(t, func(t *testing.T) {
			report, drawn := share(t, "scheduling="+tt.scheduling, []tenant{chat, tt.rag}, tt.span)
			near := func(what string, got, want float64) {
				what = fmt.Sprintf("%s, %g rag/s: %s", tt.scheduling, tt.rag.rate, what)
				t.Logf("%s: %.4g, theory %.4g (%+.1f %%)", what, got, want, 100*(got/want-1))
				if !(math.Abs(got/want-1) <= 0.05) {
					t.Errorf("%s: got %v, want %v to within 5 %%", what, got, want)
				}
			}
			rho0 := drawn[0].rate * drawn[0].every
			lambda, rho := drawn[0].rate+drawn[1].rate, rho0+drawn[1].rate*drawn[1].every
			mu, residual := lambda/rho, (drawn[0].rate*drawn[0].square+drawn[1].rate*drawn[1].square)/2
			kept := func(lambda float64, bound time.Duration) float64 {
				return 1 - min(1, rho)*math.Exp(-(mu-lambda)*(bound.Seconds()-token))
			}
			fair, groups := report.Summary.Additions.Fairness, report.Groups.By("label")
			a, b := float64(fair.Attained["chat"]), float64(fair.Attained["rag"])
			var ttft [2]float64
			for i, g := range groups {
				ttft[i] = float64(g.Additions.Latency.TTFT.Mean)
			}
			switch {
			case tt.scheduling == "fifo":
				wantA, wantB := kept(lambda, chat.within), kept(lambda, rag.within)
				near("attained by chat", a, wantA)
				near("attained by rag", b, wantB)
				near("Jain's index", float64(fair.Jain), (wantA+wantB)*(wantA+wantB)/2/(wantA*wantA+wantB*wantB))
				near("TTFT of chat", ttft[0], token+residual/(1-rho))
				near("TTFT of rag", ttft[1], token+residual/(1-rho))
			case rho < 1:
				near("attained by chat", a, kept(drawn[0].rate, chat.within))
				near("TTFT of chat", ttft[0], token+residual/(1-rho0))
				near("TTFT of rag", ttft[1], token+residual/(1-rho0)/(1-rho))
			default:
				near("attained by chat", a, kept(drawn[0].rate, chat.within))
				near("Jain's index", float64(fair.Jain), 0.5)
			}
		})
	}
}
