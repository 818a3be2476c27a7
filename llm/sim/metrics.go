package sim

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serverMetrics is what GET /metrics shows, in vLLM's names.
type serverMetrics struct {
	registry                     *prometheus.Registry
	running, waiting, cache      prometheus.Gauge
	places                       float64
	prompt, generated            prometheus.Counter
	succeeded                    *prometheus.CounterVec
	ttft, itl, tpot, e2e, queued prometheus.Observer
	promptLen, outputLen         prometheus.Observer
}

// Bucket bounds of vLLM's histograms.
var (
	ttftBuckets   = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	tokenBuckets  = []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	e2eBuckets    = []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
	lengthBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000}
)

func newServerMetrics(model string, places int) *serverMetrics {
	m := &serverMetrics{registry: prometheus.NewRegistry(), places: float64(places)}
	labels := prometheus.Labels{"model_name": model}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "vllm:" + name, Help: help, ConstLabels: labels})
		m.registry.MustRegister(g)
		return g
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "vllm:" + name, Help: help, ConstLabels: labels})
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Observer {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "vllm:" + name, Help: help, ConstLabels: labels, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	m.running = gauge("num_requests_running", "Requests being worked on.")
	m.waiting = gauge("num_requests_waiting", "Requests waiting to be worked on.")
	m.cache = gauge("kv_cache_usage_perc", "Share of the sequences in use, 0 to 1.")
	m.prompt = counter("prompt_tokens_total", "Prompt tokens of admitted requests.")
	m.generated = counter("generation_tokens_total", "Tokens generated.")
	m.succeeded = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vllm:request_success_total", Help: "Requests answered to their end.", ConstLabels: labels}, []string{"finished_reason"})
	m.registry.MustRegister(m.succeeded)
	m.ttft = histogram("time_to_first_token_seconds", "From arrival to the first token.", ttftBuckets)
	m.itl = histogram("inter_token_latency_seconds", "Between chunks.", tokenBuckets)
	m.tpot = histogram("time_per_output_token_seconds", "Mean time per token after the first.", tokenBuckets)
	m.e2e = histogram("e2e_request_latency_seconds", "From arrival to the end.", e2eBuckets)
	m.queued = histogram("request_queue_time_seconds", "From arrival to admission.", e2eBuckets)
	m.promptLen = histogram("request_prompt_tokens", "Prompt tokens per request.", lengthBuckets)
	m.outputLen = histogram("request_generation_tokens", "Generated tokens per request.", lengthBuckets)
	return m
}

func (m *serverMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// run counts requests being worked on up or down.
func (m *serverMetrics) run(n float64) {
	m.running.Add(n)
	m.cache.Add(n / m.places)
}

// whole counts an answer of n tokens that is not streamed.
func (m *serverMetrics) whole(first, rest time.Duration, n int) {
	m.ttft.Observe(first.Seconds())
	for range n - 1 {
		m.itl.Observe(rest.Seconds() / float64(n-1))
	}
}

// chunk counts a chunk that was written some time after the one before, the first after the request's arrival.
func (m *serverMetrics) chunk(since time.Duration, first bool) {
	if first {
		m.ttft.Observe(since.Seconds())
		return
	}
	m.itl.Observe(since.Seconds())
}

// observe counts a finished request.
func (m *serverMetrics) observe(r Request) {
	if r.Admitted == 0 {
		return
	}
	seconds := func(from, to int64) float64 { return time.Duration(to - from).Seconds() }
	m.queued.Observe(seconds(r.Received, r.Admitted))
	m.prompt.Add(float64(r.PromptTokens))
	m.generated.Add(float64(r.CompletionTokens))
	if r.Error != "" {
		return
	}
	m.succeeded.WithLabelValues(r.FinishReason).Inc()
	m.promptLen.Observe(float64(r.PromptTokens))
	m.outputLen.Observe(float64(r.CompletionTokens))
	m.e2e.Observe(seconds(r.Received, r.End))
	if n := len(r.Chunks); n > 1 {
		m.tpot.Observe(seconds(r.Chunks[0], r.Chunks[n-1]) / float64(r.CompletionTokens-1))
	}
}
