package sim

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serverMetrics is what GET /metrics shows. What all engines report is counted once, whatever they call it; histograms
// differ in their bounds, so each engine has its own.
type serverMetrics struct {
	registry *prometheus.Registry
	load     load

	ttft, gap, tokenGap []prometheus.Observer           // for chunks, as they are written
	done                []doneObserver                  // for requests answered to their end
	succeeded           []map[string]prometheus.Counter // by reason
	failed              []prometheus.Counter
}

// doneObserver observes one figure of a request.
type doneObserver struct {
	prometheus.Observer
	figure func(f *finished) float64
}

// finished is a request that was answered to its end. Times are seconds.
type finished struct {
	queue   float64 // from arrival to admission
	prefill float64 // to the first token
	decode  float64 // from there to the last
	e2e     float64 // from arrival to the end
	prompt  int     // tokens
	output  int
	asked   int // max_tokens
}

// load is what the server is doing and has done. A chunk costs two additions.
type load struct {
	waiting, running atomic.Int64 // requests
	held             atomic.Int64 // tokens of the requests in progress
	prompt, output   atomic.Int64 // tokens since the start
	looked, cached   atomic.Int64 // prompt tokens looked up in the prefix cache, and found there
	received         atomic.Int64 // requests since the start
	answered, gone   atomic.Int64 // of those requests
	capacity         float64      // tokens that fit
	places           atomic.Int64 // requests that fit
	started          time.Time

	mu    sync.Mutex
	since time.Time
	busy  float64 // integral of share over the seconds until since
}

func newServerMetrics(o *Options) *serverMetrics {
	m := &serverMetrics{registry: prometheus.NewRegistry()}
	m.load.capacity = float64(o.KVCacheTokens)
	m.load.places.Store(int64(o.MaxNumSeqs))
	m.load.started = time.Now()
	m.load.since = m.load.started
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "process_start_time_seconds",
		Help: "When the server started, or came back, since the Unix epoch."},
		func() float64 { return float64(m.load.started.UnixMilli()) / 1000 }))
	for _, engine := range engines() {
		if slices.Contains(o.Metrics, engine.name) {
			engine.add(&page{m, engine.labels(o), o})
		}
	}
	return m
}

// handler serves the text format, or OpenMetrics to clients that accept it.
func (m *serverMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// work changes the number of requests in progress by n.
func (l *load) work(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.busy += l.share() * now.Sub(l.since).Seconds()
	l.since = now
	l.running.Add(n)
}

// resize changes the number of requests that fit.
func (l *load) resize(places int) {
	l.work(0)
	l.places.Store(int64(places))
}

// share returns the share of the sequences in use, 0 to 1.
func (l *load) share() float64 { return float64(l.running.Load()) / float64(l.places.Load()) }

// busySeconds returns the integral of share since the start.
func (l *load) busySeconds() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy + l.share()*time.Since(l.since).Seconds()
}

// energy returns what each simulated device has used, in mJ.
func (l *load) energy() float64 {
	return 1000 * (idlePower*time.Since(l.started).Seconds() + loadPower*l.busySeconds())
}

// cacheUsage returns the share of the cache in use, at most 1: the simulator never preempts.
func (l *load) cacheUsage() float64 { return min(1, float64(l.held.Load())/l.capacity) }

// admit counts a request whose processing begins.
func (m *serverMetrics) admit(prompt, cached int) {
	m.load.work(1)
	m.load.held.Add(int64(prompt))
	m.load.looked.Add(int64(prompt))
	m.load.cached.Add(int64(cached))
}

// leave undoes admit, and releases the tokens that the request held.
func (m *serverMetrics) leave(tokens int) {
	m.load.work(-1)
	m.load.held.Add(-int64(tokens))
}

// first counts a request's first token, which came the given time after the request: its prompt has been processed.
func (m *serverMetrics) first(prompt int, since time.Duration) {
	m.load.prompt.Add(int64(prompt))
	observe(m.ttft, since.Seconds())
}

// tokens counts n generated tokens.
func (m *serverMetrics) tokens(n int) {
	m.load.output.Add(int64(n))
	m.load.held.Add(int64(n))
}

// next counts the time from one chunk to the next, which holds the given number of tokens. SGLang divides that time
// among them.
func (m *serverMetrics) next(gap time.Duration, tokens int) {
	observe(m.gap, gap.Seconds())
	for range tokens {
		observe(m.tokenGap, gap.Seconds()/float64(tokens))
	}
}

// finish counts a request that was answered to its end.
func (m *serverMetrics) finish(reason string, f *finished) {
	m.load.answered.Add(1)
	for _, c := range m.succeeded {
		if reason == finishTools {
			reason = finishStop // as in vLLM
		}
		c[reason].Inc()
	}
	for _, o := range m.done {
		o.Observe(o.figure(f))
	}
}

// fail counts a request that was not answered to its end.
func (m *serverMetrics) fail(reason string) {
	if reason == clientGone {
		m.load.gone.Add(1)
		for _, c := range m.succeeded {
			c[finishAbort].Inc()
		}
		return
	}
	for _, c := range m.failed {
		c.Inc()
	}
}

func observe(list []prometheus.Observer, value float64) {
	for _, o := range list {
		o.Observe(value)
	}
}
