package audit

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/schematest"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// never is the keeps of a server that does not see that clients go.
const never = math.MaxInt64

// transport is a way to a handler in the same process, which hears so much later that a client has gone.
type transport struct {
	http.Handler
	keeps  time.Duration
	noPage bool
}

func (h transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if h.noPage && req.URL.Path == "/metrics" {
		return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody}, nil
	}
	body, w := io.Pipe()
	answer := &answer{pipe: w, header: http.Header{}, status: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(req.Context(), func() {
		_ = w.CloseWithError(req.Context().Err())
		switch h.keeps {
		case never:
		case 0: // many timers due at once break the race detector in a bubble of Go 1.26: they share one context of it
			cancel()
		default:
			time.AfterFunc(h.keeps, cancel)
		}
	})
	go func() {
		defer cancel()
		defer stop()
		defer func() {
			if problem := recover(); problem != nil && problem != http.ErrAbortHandler { // as net/http does
				panic(problem)
			}
		}()
		h.ServeHTTP(answer, req.WithContext(ctx))
		answer.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	select {
	case status := <-answer.status:
		return &http.Response{StatusCode: status, Header: answer.header, Body: body, Request: req}, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// answer is the answer of a handler, who does not hear that nobody reads it.
type answer struct {
	pipe   *io.PipeWriter
	header http.Header
	status chan int
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) Flush()              {}
func (a *answer) WriteHeader(n int) {
	select {
	case a.status <- n:
	default:
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	_, _ = a.pipe.Write(b)
	return len(b), nil
}

// audited audits a simulator in virtual time.
func audited(t *testing.T, options string, keeps time.Duration, page bool, o Options) (r *Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		so, err := sim.ParseQuery(options)
		if err != nil {
			t.Fatal(err)
		}
		server, err := sim.New(so)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = server.Close() }()
		o.URL, o.Transport = "http://server", transport{Handler: server, keeps: keeps, noPage: !page}
		if r, err = Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if r.Seconds > 60 {
			t.Errorf("%s: the audit took %.1f s, want less than a minute", options, r.Seconds)
		}
	})
	return r
}

// Each way in which a server deals with users who left is named, and how long it takes, with a page and without.
func TestEachBehaviourIsNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keeps   time.Duration
		verdict string
		within  float64
	}{
		{0, Freed, 0}, {500 * time.Millisecond, Freed, 500}, {3 * time.Second, Freed, 3000}, {never, Leaked, 0},
		{12 * time.Second, Leaked, 0},
	} {
		for _, page := range []bool{true, false} {
			r := audited(t, "max-num-seqs=5", tt.keeps, page, Options{})
			if r.Verdict != tt.verdict {
				t.Errorf("kept for %v, page %v: got %s, want %s\n%+v", tt.keeps, page, r.Text, tt.verdict, r)
				continue
			}
			if r.Places != 5 || !r.Full {
				t.Errorf("kept for %v, page %v: %d places, full %v, want 5 and true", tt.keeps, page, r.Places, r.Full)
			}
			if w := r.Answers.Within; tt.verdict == Freed && math.Abs(w.MS-tt.within) > 1 {
				t.Errorf("kept for %v, page %v: the places are free within %v, want %v ms", tt.keeps, page, w,
					tt.within)
			}
			if tt.verdict == Freed && (r.Queue.Verdict != Freed || math.Abs(r.Within.MS-tt.within) > 10) {
				t.Errorf("kept for %v, page %v: %s, queue %+v; want %v ms", tt.keeps, page, r.Text, r.Queue, tt.within)
			}
			if page && tt.keeps == 500*time.Millisecond && (*r.ForNobody < 240 || *r.ForNobody > 260) {
				t.Errorf("%d tokens for nobody, want 250: 5 users, 500 ms, 10 ms a token", *r.ForNobody)
			}
			if page && tt.keeps == 0 && *r.ForNobody != 0 {
				t.Errorf("%d tokens for nobody of a server that ends at once, want 0", *r.ForNobody)
			}
		}
	}
}

// Places that cannot all be taken are seen to be free by the page alone.
func TestMorePlacesThanStreams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keeps time.Duration
		page  bool
		want  string
	}{
		{0, true, Freed}, {500 * time.Millisecond, true, Freed}, {never, true, Leaked}, {0, false, Undecided},
	} {
		r := audited(t, "max-num-seqs=2000&itl=100ms", tt.keeps, tt.page, Options{})
		if r.Verdict != tt.want || r.Full || r.Places != mostStreams {
			t.Errorf("kept for %v, page %v: got %s with %d places, want %s with %d", tt.keeps, tt.page, r.Text,
				r.Places, tt.want, mostStreams)
		}
		if tt.keeps > 0 && tt.want == Freed && math.Abs(r.Within.MS-500) > 10 {
			t.Errorf("kept for %v: got %s", tt.keeps, r.Text)
		}
	}
}

// Nothing is said of a server that is not idle, or whose answers are too short.
func TestUndecided(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ options, want string }{
		{"failure-rate=1", "answered with status 500"},
		{"api-key=k", "refused a request without a key"},
	} {
		r := audited(t, tt.options, 0, true, Options{})
		if r.Verdict != Undecided || !strings.Contains(r.Text, tt.want) {
			t.Errorf("%s: got %s, want UNDECIDED with %q", tt.options, r.Text, tt.want)
		}
	}
}

// A server that somebody else uses is not audited.
func TestNotIdle(t *testing.T) {
	t.Parallel()
	server, err := sim.Listen("127.0.0.1:0", sim.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	const body = `{"model":"sim","messages":[{"role":"user","content":"x"}],"max_tokens":4000,"stream":true}`
	other, err := http.Post(server.URL()+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Body.Close() })
	r, err := Run(t.Context(), Options{Options: probe.Options{URL: server.URL()}})
	if err != nil || !strings.Contains(r.Text, "UNDECIDED: the server is not idle: its page shows 1 requests running") {
		t.Errorf("got %+v, %v", r, err)
	}
}

// The schema allows what is written, and nothing else.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema, err := schematest.Load("../../../docs/schema/audit.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range schema.Compare("", reflect.TypeFor[Result](), schematest.Types{}) {
		t.Error(fault)
	}
	for _, keeps := range []time.Duration{0, never} {
		text, err := json.Marshal(audited(t, "max-num-seqs=2", keeps, true, Options{Wait: time.Second}))
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := schema.Accepted(text, schematest.Loose{Optional: []string{"fix", "within", "tokens_for_nobody",
			"endpoint", "model", "metrics_page", "metrics_of", "by", "page_ms", "still_there", "waited_s"}})
		if err != nil || len(accepted) > 0 {
			t.Errorf("%v; accepted are %q in %s", err, accepted, text)
		}
	}
}

// A result is told in lines.
func TestText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keeps time.Duration
		want  []string
	}{
		{500 * time.Millisecond, []string{"FREED within 50", "places      2, all taken", "100 tokens generated"}},
		{never, []string{"LEAKED: 2 places still taken after 1 s, 6 of those who left the queue still in it after 1 s",
			"nginx: proxy_ignore_client_abort", "answered    2 users left: 2 places still there after 1 s"}},
	} {
		var out strings.Builder
		r := audited(t, "max-num-seqs=2", tt.keeps, true, Options{Wait: time.Second})
		if err := r.WriteText(&out, 80); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("kept for %v: no %q in\n%s", tt.keeps, want, out.String())
			}
		}
	}
}

// Answers that end by themselves free places that nobody left.
func TestAnswersEndByThemselves(t *testing.T) {
	t.Parallel()
	r := audited(t, "max-num-seqs=3&itl=100us", never, true, Options{})
	if r.Verdict != Undecided || !strings.Contains(r.Text, "tokens ended before their users left") {
		t.Errorf("got %s", r.Text)
	}
}

// Wrong options are misuse.
func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Places: -1}, "places must be from 1 to 4096, got -1"},
		{Options{Wait: time.Minute}, "wait must be from 1s to 15s, got 1m0s"},
		{Options{Options: probe.Options{URL: "ftp://host"}}, "only http and https"},
		{Options{Options: probe.Options{URL: "sim:?ttft=x"}}, "simulator option ttft"},
	} {
		if _, err := Run(t.Context(), tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Options: probe.Options{URL: "sim:"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("an audit that is given up: got %v, want context.Canceled", err)
	}
}
