package sim

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestEventTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "",
		" ; ":                                    "",
		"10s stop 5s":                            "10s stop 5s",
		"20s slow x2 10s":                        "20s slow x2 10s",
		"20s  slow x0.5":                         "20s slow x0.5",
		"1m places 8,0 gone 5ms":                 "0s gone 5ms; 1m0s places 8",
		"45s cold x4 20s\n1s stop 1s;2s stop 1s": "1s stop 1s; 2s stop 1s; 45s cold x4 20s",
	} {
		o, err := ParseQuery("events=" + text)
		var got []string
		for _, e := range o.Events {
			got = append(got, e.String())
		}
		if err != nil || strings.Join(got, "; ") != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestHostileEvents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"stop":                               `"stop" is no time since the first request such as 10s`,
		"10s":                                "expected a time and then stop, slow, cold, places or gone",
		"10 stop 5s":                         `"10" is no time`,
		"10s halt 5s":                        "expected a time and then stop,",
		"10s stop":                           "expected AT stop LENGTH such as 10s stop 5s",
		"10s stop 0s":                        "expected AT stop LENGTH",
		"10s stop 5s 5s":                     "expected AT stop LENGTH",
		"10s stop -5s":                       "times must be from 0s to 1000h0m0s",
		"-10s stop 5s":                       "times must be from",
		"10s stop 900000h":                   "times must be from",
		"10s stop 9999999h":                  "expected AT stop LENGTH",
		"1s slow 2 10s":                      "expected AT slow xFACTOR [LENGTH]",
		"1s slow x 10s":                      "expected AT slow",
		"1s slow xNaN 10s":                   "a factor must be from 0.001 to 1000",
		"1s slow xInf":                       "a factor must be from",
		"1s slow x0":                         "a factor must be from",
		"1s slow x-2":                        "a factor must be from",
		"1s cold x2":                         "expected AT cold xFACTOR LENGTH",
		"1s places":                          "expected AT places NUMBER",
		"1s places 0":                        "places must be from 1 to 10000000",
		"1s places 99999999999999":           "places must be from 1 to 10000000",
		"1s places 2 5s":                     "expected AT places NUMBER",
		"1s places 1e3":                      "expected AT places",
		"1s gone":                            "expected AT gone LENGTH",
		"1s stop 5s; 3s gone 1s":             `"3s gone 1s" begins before "1s stop 5s" is over`,
		"1s slow x2 5s; 3s slow x3 1s":       `"3s slow x3 1s" begins before`,
		strings.Repeat("1s stop 1ms;", 1001): "more than 1000 events",
		strings.Repeat("x", 1<<20):           "is no time since the first request",
	} {
		_, err := ParseQuery("events=" + text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
		}
	}
	if _, err := New(Options{Events: []Event{{At: 2}, {At: 1}}}); err == nil {
		t.Error("the zero options are valid")
	}
	o := DefaultOptions()
	o.Events = []Event{{At: 2, Kind: EventPlaces, Places: 1}, {At: 1, Kind: EventPlaces, Places: 1}}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "in the order of their times") {
		t.Errorf("events without order: %v", err)
	}
}

func FuzzEvents(f *testing.F) {
	for _, text := range []string{"10s stop 5s; 20s slow x2 10s; 30s places 8; 40s gone 5s; 45s cold x4 20s", "x",
		"0 slow x9,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := DefaultOptions()
		if setEvents(&o, text) != nil || o.Validate() != nil {
			return
		}
		zero := time.Unix(1e9, 0)
		p, last := newPace(zero, o.Events), zero
		for d := range time.Duration(20) { // more work is never done earlier
			if at := p.after(zero, d*time.Second); at.Before(last) {
				t.Fatalf("%q: %v of work is done before less", text, d*time.Second)
			} else {
				last = at
			}
		}
		again := DefaultOptions()
		var list []string
		for _, e := range o.Events {
			list = append(list, e.String())
		}
		if err := setEvents(&again, strings.Join(list, ";")); err != nil || !slices.Equal(again.Events, o.Events) {
			t.Fatalf("%q: spelled %q, %v", text, list, err)
		}
	})
}

// scripted runs requests of some tokens at given instants after the first, and returns when their chunks were written.
func scripted(t *testing.T, events string, change func(*Options), tokens int, at ...time.Duration) [][]time.Duration {
	t.Helper()
	s := mustNew(t, func(o *Options) {
		if err := setEvents(o, events); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(o)
		}
	})
	start, out := time.Now(), make([][]time.Duration, len(at))
	var all sync.WaitGroup
	for i, d := range at {
		all.Go(func() {
			time.Sleep(d)
			w := stream(t, s, 0, tokens)
			out[i] = w.offsets(start)[:tokens]
		})
	}
	all.Wait()
	return out
}

// TTFT is 50 ms and ITL 10 ms.
func TestScriptedTimes(t *testing.T) {
	t.Parallel()
	one := func(o *Options) { o.MaxNumSeqs = 1 }
	for _, tt := range []struct {
		name, events string
		opts         func(*Options)
		tokens       int
		at           []time.Duration
		want         [][]time.Duration
	}{
		{"a stop shifts what is being generated", "65ms stop 5s", nil, 4, []time.Duration{0},
			[][]time.Duration{{50 * ms, 60 * ms, 5070 * ms, 5080 * ms}}},
		{"what is due at the stop is done after it", "60ms stop 5s", nil, 3, []time.Duration{0},
			[][]time.Duration{{50 * ms, 5060 * ms, 5070 * ms}}},
		{"nobody is admitted during a stop", "65ms stop 1s", nil, 2, []time.Duration{0, 100 * ms, 1065 * ms},
			[][]time.Duration{{50 * ms, 60 * ms}, {1115 * ms, 1125 * ms}, {1115 * ms, 1125 * ms}}},
		{"a place that becomes free by the stop", "60ms stop 1s", one, 2, []time.Duration{0, 10 * ms},
			[][]time.Duration{{50 * ms, 1060 * ms}, {1110 * ms, 1120 * ms}}},
		{"slow for a time", "40ms slow x2 30ms", nil, 4, []time.Duration{0}, // 10 ms of work need 20 until 70 ms
			[][]time.Duration{{60 * ms, 75 * ms, 85 * ms, 95 * ms}}},
		{"slow from then on, and no more", "0s slow x3; 200ms slow x1", nil, 3, []time.Duration{0, 200 * ms},
			[][]time.Duration{{150 * ms, 180 * ms, 203333333}, {250 * ms, 260 * ms, 270 * ms}}},
		{"faster", "0s slow x0.5", nil, 2, []time.Duration{0}, [][]time.Duration{{25 * ms, 30 * ms}}},
		{"more places", "20ms places 3", one, 2, []time.Duration{0, 0, 0, 0},
			[][]time.Duration{{50 * ms, 60 * ms}, {70 * ms, 80 * ms}, {70 * ms, 80 * ms}, {110 * ms, 120 * ms}}},
		{"fewer places", "20ms places 1", func(o *Options) { o.MaxNumSeqs = 2 }, 2,
			[]time.Duration{0, 0, 30 * ms, 30 * ms},
			[][]time.Duration{{50 * ms, 60 * ms}, {50 * ms, 60 * ms}, {110 * ms, 120 * ms}, {170 * ms, 180 * ms}}},
		{"places at once", "0s places 1", nil, 2, []time.Duration{0, 1 * ms},
			[][]time.Duration{{50 * ms, 60 * ms}, {110 * ms, 120 * ms}}},
		{"a cold start", "0s cold x16 100ms", nil, 2, []time.Duration{0, 25 * ms, 50 * ms, 100 * ms},
			[][]time.Duration{{800 * ms, 810 * ms}, {425 * ms, 435 * ms}, {250 * ms, 260 * ms}, {150 * ms, 160 * ms}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := scripted(t, tt.events, tt.opts, tt.tokens, tt.at...)
			slices.SortFunc(got, slices.Compare) // who is first of those that come at once is open
			slices.SortFunc(tt.want, slices.Compare)
			for i := range tt.want {
				for k, want := range tt.want[i] {
					if d := got[i][k] - want; d < -10 || d > 10 { // nanoseconds: thirds of a time are rounded
						t.Errorf("%s: written at %v, want %v", tt.name, got, tt.want)
						return
					}
				}
			}
		})
	}
}

// cutOff serves a request, and reports whether the connection would have been closed before the end of the answer.
func cutOff(s *Server, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	cut = true
	s.ServeHTTP(w, r)
	return false
}

func TestServerThatGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		truth := filepath.Join(t.TempDir(), "truth.jsonl")
		s := mustNew(t, func(o *Options) {
			o.MaxNumSeqs, o.Truth, o.PrefixCacheTokens, o.CacheBlock = 1, truth, Unlimited, 1
			if err := setEvents(o, "10ms places 2; 75ms gone 1s"); err != nil {
				t.Fatal(err)
			}
		})
		start, before := time.Now(), pageOf(s)
		body := `{"model":"sim","prompt":"a b c","max_tokens":9,"stream":true}`
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				cut := cutOff(s, &sink{header: http.Header{}}, post(t, "/v1/completions", body))
				if d := time.Since(start); !cut || d != 75*ms {
					t.Errorf("request %d: cut %t after %v, want after 75ms", i, cut, d)
				}
			})
		}
		all.Wait()
		for _, path := range []string{"/metrics", "/v1/models", "/health"} {
			if !cutOff(s, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)) {
				t.Errorf("%s is answered while the server is gone", path)
			}
		}
		time.Sleep(time.Until(start.Add(1075*ms)) + time.Nanosecond)
		after := pageOf(s)
		stream(t, s, 3, 2)
		for i, tr := range s.Truths() {
			want := serverGone
			if i == 3 {
				want = ""
			}
			if tr.Error != want || tr.Gone != 0 || i == 3 && tr.CachedTokens != 0 {
				t.Errorf("request %d: %+v, want the error %q and nothing cached", i, tr, want)
			}
		}
		if !strings.Contains(before, "process_start_time_seconds 9.466848e+08\n") ||
			!strings.Contains(after, "process_start_time_seconds 9.46684801075e+08\n") ||
			!strings.Contains(after, `prompt_tokens_total{engine="0",model_name="sim"} 0`) {
			t.Errorf("pages before and after:\n%s\n%s", before, after)
		}
		at := start.UnixNano()
		want := []Happening{{"10ms places 2", at + 1e7, 0}, {"75ms gone 1s", at + 75e6, at + 1075e6}}
		if got := s.Events(); !slices.Equal(got, want) {
			t.Errorf("events %+v, want %+v", got, want)
		}
		lines, err := os.ReadFile(truth)
		if read, _ := ReadTruths(truth); err != nil || len(read) != 4 ||
			!strings.Contains(string(lines), `{"event":"75ms gone 1s","at_ns":946684800075000000,"until_ns":946684801075000000}`) {
			t.Errorf("truth file, %d requests, %v:\n%s", len(read), err, lines)
		}
	})
}

// What falls into an absence holds for the process that follows, and one may end as the next begins.
func TestEventsAroundAnAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) {
			const events = "5ms stop 5ms; 10ms gone 10ms; 12ms places 1; 20ms stop 10ms; 30ms gone 1ms"
			if err := setEvents(o, events); err != nil {
				t.Fatal(err)
			}
		})
		start := time.Now()
		const body = `{"model":"sim","prompt":"a","max_tokens":9}`
		cutOff(s, &sink{header: http.Header{}}, post(t, "/v1/completions", body))
		if d := time.Since(start); d != 10*ms {
			t.Errorf("cut after %v, want 10ms", d)
		}
		time.Sleep(time.Until(start.Add(31 * ms)))
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { stream(t, s, 0, 1) })
		}
		all.Wait()
		if d := time.Since(start); d != 131*ms || len(s.Events()) != 5 {
			t.Errorf("two requests took until %v, %d events; want one place, 131ms, and 5", d, len(s.Events()))
		}
	})
}

// pageOf returns a server's /metrics.
func pageOf(s *Server) string {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// A stopped server shows no page until it goes on.
func TestPagesOfAStoppedServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) {
			o.Events = []Event{{At: 60 * ms, Kind: EventStop, For: time.Second}}
		})
		start := time.Now()
		stream(t, s, 0, 1)
		time.Sleep(20 * ms)
		if page := pageOf(s); page == "" || time.Since(start) != 1060*ms {
			t.Errorf("a page after %v, want 1060ms", time.Since(start))
		}
	})
}

// Over sockets, the connections are reset, and so are new ones. The address stays.
func TestListenerThatGoesAway(t *testing.T) {
	t.Parallel()
	o := DefaultOptions()
	o.TTFT, o.Events = time.Hour, []Event{{At: 100 * ms, Kind: EventGone, For: 300 * ms}}
	s, err := Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	start := time.Now()
	_, err = http.Post(s.URL()+"/v1/completions", "application/json",
		strings.NewReader(`{"model":"sim","prompt":"a","max_tokens":1}`))
	if d := time.Since(start); err == nil || d < 100*ms || d > 5*time.Second {
		t.Errorf("a request in progress: %v after %v", err, d)
	}
	failed := 0
	for {
		resp, err := http.Get(s.URL() + "/health")
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		if failed++; !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("a new connection: %v", err)
		}
		time.Sleep(10 * ms)
	}
	if d := time.Since(start); failed == 0 || d < 400*ms || d > 10*time.Second {
		t.Errorf("back after %v and %d failures, want 400ms", d, failed)
	}
	if truths := s.Truths(); len(truths) != 1 || truths[0].Error != serverGone {
		t.Errorf("truths %+v", truths)
	}
}
