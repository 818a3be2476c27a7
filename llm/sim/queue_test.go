package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// with returns options from a query.
func with(t testing.TB, query string) Options {
	t.Helper()
	o, err := ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// newFrom returns a server with the options of a query.
func newFrom(t testing.TB, query string) *Server {
	t.Helper()
	s, err := New(with(t, query))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// comer is a request to come at an instant.
type comer struct {
	at       time.Duration
	priority int
	tokens   int
	stay     time.Duration // until its client goes away; 0 is forever
}

// serveAll sends requests at their instants, and returns the truths in the order of their arrival.
func serveAll(t *testing.T, s *Server, comers []comer) []Truth {
	t.Helper()
	return serveAllAs(t, s, true, comers)
}

func serveAllAs(t *testing.T, s *Server, streamed bool, comers []comer) []Truth {
	t.Helper()
	var group sync.WaitGroup
	start := time.Now()
	for i, c := range comers {
		time.Sleep(time.Until(start.Add(c.at)))
		group.Go(func() {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if c.stay > 0 {
				ctx, cancel = context.WithTimeout(ctx, c.stay)
			}
			defer cancel()
			r := post(t, "/v1/completions", fmt.Sprintf(
				`{"model":"sim","prompt":"","max_tokens":%d,"stream":%t,"priority":%d}`, c.tokens, streamed, c.priority))
			r.Header.Set("X-Request-Id", fmt.Sprint(i))
			s.ServeHTTP(&sink{header: http.Header{}}, r.WithContext(ctx))
		})
	}
	group.Wait()
	list := s.Truths()
	slices.SortFunc(list, func(a, b Truth) int { return int(a.Number - b.Number) })
	return list
}

// admitted returns the ids of the requests in the order of their admission.
func admitted(list []Truth) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Truth) int { return int(a.Admitted - b.Admitted) })
	var ids []string
	for _, r := range list {
		if r.Admitted != 0 {
			ids = append(ids, r.ID)
		}
	}
	return strings.Join(ids, " ")
}

func TestOrderOfAdmission(t *testing.T) {
	t.Parallel()
	const ten = 10 // tokens: 100 ms
	burst := []comer{{0, 5, ten, 0}, {1 * ms, 1, ten, 0}, {2 * ms, 0, ten, 0}, {3 * ms, 1, ten, 0},
		{4 * ms, -2, ten, 0}, {5 * ms, 0, ten, 0}, {150 * ms, -2, ten, 0}}
	for _, tt := range []struct {
		query  string
		comers []comer
		want   string
	}{
		{"scheduling=fifo", burst, "0 1 2 3 4 5 6"},
		{"scheduling=priority", burst, "0 4 6 2 5 1 3"}, // none interrupts the first
		{"scheduling=priority&priority-order=high", burst, "0 1 3 2 5 4 6"},
		{"scheduling=fair", burst, "0 4 2 1 6 5 3"}, // in turn; equal ones by their priority
		{"scheduling=fair&weights=1=2", []comer{{0, 0, ten, 0}, {1 * ms, 0, ten, 0}, {2 * ms, 1, ten, 0},
			{3 * ms, 1, ten, 0}, {4 * ms, 1, ten, 0}, {5 * ms, 1, ten, 0}, {6 * ms, 0, ten, 0}}, "0 2 3 1 4 5 6"},
		{"scheduling=fair", []comer{{0, 0, ten, 0}, {1 * ms, 0, 3 * ten, 0}, {2 * ms, 0, ten, 0},
			{3 * ms, 1, ten, 0},
			{4 * ms, 1, ten, 0}, {5 * ms, 1, ten, 0}, {6 * ms, 1, ten, 0}}, "0 3 1 4 5 6 2"}, // by tokens
		// Those that leave are not in the way, nor does their line count them.
		{"scheduling=fair", []comer{{0, 0, ten, 0}, {1 * ms, 0, 9 * ten, 50 * ms}, {2 * ms, 0, ten, 0},
			{3 * ms, 1, ten, 0}, {4 * ms, 1, ten, 60 * ms}, {5 * ms, 2, ten, 70 * ms}}, "0 3 2"},
		{"scheduling=priority", []comer{{0, 0, ten, 0}, {1 * ms, 0, ten, 50 * ms}, {2 * ms, 7, ten, 0}}, "0 2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newFrom(t, "ttft=10ms&itl=10ms&max-num-seqs=1&"+tt.query)
			if got := admitted(serveAll(t, s, tt.comers)); got != tt.want {
				t.Errorf("%s: admitted %s, want %s", tt.query, got, tt.want)
			}
			if q := s.life.Load().queue; q.free != 1 || q.waiting != 0 {
				t.Errorf("%s: %d places free and %d waiting at the end, want 1 and 0", tt.query, q.free, q.waiting)
			}
		})
	}
}

func TestPriorityIsOfTheBodyOrTheHeader(t *testing.T) {
	t.Parallel()
	s := newFrom(t, "ttft=0s")
	for _, tt := range []struct {
		body, header string
		status, want int
	}{
		{`,"priority":-3`, "7", 0, -3}, {"", "7", 0, 7}, {"", "", 0, 0}, {`,"priority":0`, "7", 0, 0},
		{`,"priority":null`, "7", 0, 7}, {"", "high", 400, 0}, {`,"priority":"low"`, "", 400, 0},
		{`,"priority":1.5`, "", 400, 0},
	} {
		w := &sink{header: http.Header{}}
		r := post(t, "/v1/completions", `{"model":"sim","prompt":"a","max_tokens":1,"stream":true`+tt.body+`}`)
		r.Header.Set("X-Priority", tt.header)
		before := len(s.Truths())
		s.ServeHTTP(w, r)
		if w.status != tt.status {
			t.Errorf("%+v: status %d: %s", tt, w.status, w.body.String())
		}
		if list := s.Truths(); tt.status == 0 && list[before].Priority != tt.want {
			t.Errorf("%+v: priority %d", tt, list[before].Priority)
		}
	}
}

// A client goes away 25 ms after its request: two tokens of ten have come.
func TestOnCancel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value            string
		freed            time.Duration // after the arrival
		tokens, wasted   int
		second           time.Duration // when the next one in line is admitted
		aborted, stopped string        // of the page
		streamed         bool
	}{
		{"free", 25 * ms, 2, 0, 25 * ms, "1", "2", true},
		{"free", 25 * ms, 2, 0, 25 * ms, "1", "2", false},
		{"33ms", 58 * ms, 5, 3, 58 * ms, "1", "2", true},
		{"33ms", 58 * ms, 5, 3, 58 * ms, "1", "2", false},
		{"never", 100 * ms, 10, 8, 100 * ms, "0", "3", true},
		{"never", 100 * ms, 10, 8, 100 * ms, "0", "3", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newFrom(t, "ttft=10ms&itl=10ms&max-num-seqs=1&on-cancel="+tt.value)
			list := serveAllAs(t, s, tt.streamed, []comer{{0, 0, 10, 25 * ms}, {1 * ms, 0, 10, 0}, {2 * ms, 0, 10, 0}})
			r := list[0]
			if r.Error != clientGone || time.Duration(r.Gone-r.Received) != 25*ms ||
				time.Duration(r.Freed-r.Received) != tt.freed || r.CompletionTokens != tt.tokens ||
				r.Wasted != tt.wasted {
				t.Errorf("%s: %+v", tt.value, r)
			}
			if got := time.Duration(list[1].Admitted - r.Received); got != tt.second || list[1].Error != "" {
				t.Errorf("%s: the next is admitted after %v, want %v", tt.value, got, tt.second)
			}
			text, families := scrape(t, s)
			check(t, families, map[string]string{"vllm:num_requests_running": "0", "vllm:kv_cache_usage_perc": "0",
				"vllm:generation_tokens_total": fmt.Sprint(20 + tt.tokens)})
			for reason, want := range map[string]string{"abort": tt.aborted, "length": tt.stopped} {
				if !strings.Contains(text, fmt.Sprintf(`finished_reason=%q,model_name="sim"} %s`, reason, want)) {
					t.Errorf("%s: want %s requests that ended by %s in\n%s", tt.value, want, reason, text)
				}
			}
		})
	}
}

// Those who wait stay in line, too, under on-cancel=never.
func TestOnCancelWhileWaiting(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"free": "0 2", "50ms": "0 2", "99ms": "0 1 2", "never": "0 1 2"} {
		synctest.Test(t, func(t *testing.T) {
			s := newFrom(t, "ttft=10ms&itl=10ms&max-num-seqs=1&on-cancel="+value)
			list := serveAll(t, s, []comer{{0, 0, 10, 0}, {1 * ms, 0, 10, 20 * ms}, {2 * ms, 0, 10, 0}})
			if got := admitted(list); got != want {
				t.Errorf("%s: admitted %s, want %s", value, got, want)
			}
			if r := list[1]; r.Error != clientGone || r.Gone-r.Received != int64(20*ms) ||
				r.Wasted != r.CompletionTokens {
				t.Errorf("%s: %+v", value, r)
			}
		})
	}
}

// The server notices at once that a connection was closed or a stream was reset, be the request in line, before its
// first token or between two.
func TestServerNoticesThatAClientLeaves(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		for _, query := range []string{"max-num-seqs=2", "max-num-seqs=2&on-cancel=7ms"} {
			synctest.Test(t, func(t *testing.T) {
				s := newFrom(t, query)
				n := newNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.ProtoMajor != version {
						t.Errorf("HTTP/%d, want HTTP/%d", r.ProtoMajor, version)
					}
					s.ServeHTTP(w, r)
				}))
				n.Protocols.SetHTTP1(version == 1)
				n.Protocols.SetUnencryptedHTTP2(version == 2)
				var group sync.WaitGroup
				for i, stay := range []time.Duration{33 * ms, 75 * ms, 20 * ms} { // the third waits for a place
					time.Sleep(ms)
					group.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), stay)
						defer cancel()
						n.read(t, ctx, fmt.Sprintf(`{"model":"sim","prompt":"%d","max_tokens":99,"stream":true}`, i))
					})
				}
				group.Wait()
				time.Sleep(time.Second)
				list := s.Truths()
				slices.SortFunc(list, func(a, b Truth) int { return int(a.Number - b.Number) })
				for i, want := range []time.Duration{33 * ms, 75 * ms, 20 * ms} {
					r := list[i]
					got := time.Duration(r.Gone - r.Received)
					if got != want || i < 2 && time.Duration(r.Freed-r.Gone) != s.opts.OnCancel {
						t.Errorf("HTTP/%d, %s: request %d gone after %v, want %v: %+v", version, query, i, got, want, r)
					}
				}
			})
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, query := range []string{
		"scheduling=fair&weights=0=3,1=1", "weights=-1=.5", "weights=0=1,0=1", "weights=0=Inf&scheduling=fair",
		"on-cancel=never", "on-cancel=1e9s", "proxy-delay=5ms&proxy-merge=4&proxy-cancel=keep", "%", "a;b",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		o, err := ParseQuery(query)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: more than a line: %v", query, err)
			}
			return
		}
		for priority, weight := range o.Weights {
			if !(weight > 0 && weight <= maxWeight) {
				t.Errorf("%q: weight %v of %d", query, weight, priority)
			}
		}
		if o.OnCancel < Never || o.Proxy.Delay < 0 || o.Proxy.Merge < 0 {
			t.Errorf("%q: %+v", query, o)
		}
	})
}

// The cost of a request in a line of 10,000, of which a tenth leaves before its turn.
func BenchmarkQueue(b *testing.B) {
	for _, query := range []string{"scheduling=fifo", "scheduling=priority", "scheduling=fair&weights=0=3"} {
		b.Run(query, func(b *testing.B) {
			o := with(b, "max-num-seqs=1&"+query)
			q, n := newQueue(&o), 0
			line := make([]*waiter, 10_000)
			join := func() *waiter {
				n++
				return q.join(n%5, 1)
			}
			join()
			for i := range line {
				line[i] = join()
			}
			b.ReportAllocs()
			for b.Loop() {
				w := &line[n%len(line)]
				select {
				case <-(*w).turn:
				default:
					if n%10 == 0 {
						q.quit(*w)
						*w = join()
						continue
					}
				}
				q.leave()
				*w = join()
			}
		})
	}
}
