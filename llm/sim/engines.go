package sim

import (
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// engine is a set of names that the metrics page can have.
type engine struct {
	name   string
	labels func(o *Options) prometheus.Labels
	add    func(p *page)
}

// engines returns all engines, in the order in which messages list them.
func engines() []engine {
	return []engine{
		{"vllm", func(o *Options) prometheus.Labels { return prometheus.Labels{"model_name": o.Model, "engine": "0"} },
			addVLLM},
		{"sglang", func(o *Options) prometheus.Labels { return prometheus.Labels{"model_name": o.Model} }, addSGLang},
		{"tgi", func(*Options) prometheus.Labels { return nil }, addTGI},
		{"dcgm", func(*Options) prometheus.Labels { return nil }, addDCGM},
	}
}

func engineNames() (names []string) {
	for _, e := range engines() {
		names = append(names, e.name)
	}
	return names
}

// page adds the metrics of one engine.
type page struct {
	m      *serverMetrics
	labels prometheus.Labels
	opts   *Options
}

func (p *page) gauge(name, help string, value func() float64) {
	p.m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help,
		ConstLabels: p.labels}, value))
}

func (p *page) counter(name, help string, value func() float64) {
	p.m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help,
		ConstLabels: p.labels}, value))
}

// counters adds a counter for each value of a label.
func (p *page) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: p.labels},
		[]string{label})
	p.m.registry.MustRegister(c)
	list := map[string]prometheus.Counter{}
	for _, v := range values {
		list[v] = c.WithLabelValues(v)
	}
	return list
}

func (p *page) histogram(name, help string, bounds []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, ConstLabels: p.labels,
		Buckets: bounds})
	p.m.registry.MustRegister(h)
	return h
}

// answered adds a histogram over the requests that were answered to their end.
func (p *page) answered(name, help string, bounds []float64, figure func(f *finished) float64) {
	p.m.done = append(p.m.done, doneObserver{p.histogram(name, help, bounds), figure})
}

// alias shows a histogram under a second name.
type alias struct {
	desc *prometheus.Desc
	prometheus.Metric
}

func (a alias) Desc() *prometheus.Desc              { return a.desc }
func (a alias) Describe(ch chan<- *prometheus.Desc) { ch <- a.desc }
func (a alias) Collect(ch chan<- prometheus.Metric) { ch <- a }
func (p *page) alias(name, help string, h prometheus.Metric) {
	p.m.registry.MustRegister(alias{prometheus.NewDesc(name, help, nil, p.labels), h})
}

func count(n interface{ Load() int64 }) func() float64 {
	return func() float64 { return float64(n.Load()) }
}

// Figures of a request, in seconds and tokens.
func queueTime(f *finished) float64     { return f.queue }
func prefillTime(f *finished) float64   { return f.prefill }
func decodeTime(f *finished) float64    { return f.decode }
func inferenceTime(f *finished) float64 { return f.prefill + f.decode }
func e2eTime(f *finished) float64       { return f.e2e }
func promptLength(f *finished) float64  { return float64(f.prompt) }
func outputLength(f *finished) float64  { return float64(f.output) }
func askedLength(f *finished) float64   { return float64(f.asked) }

// meanGap is 0 for one token, as in vLLM.
func meanGap(f *finished) float64 { return f.decode / float64(max(f.output-1, 1)) }

func meanTokenTime(f *finished) float64 { return (f.prefill + f.decode) / float64(max(f.output, 1)) }

// addVLLM adds the names and bounds of vLLM 0.11; the bounds of lengths are those for a model of 131,072 tokens.
func addVLLM(p *page) {
	const v = "vllm:"
	ttft := []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
		2560}
	gaps := []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	times := []float64{.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680}
	lengths := []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000}
	l := &p.m.load
	p.gauge(v+"num_requests_running", "Requests being worked on.", count(&l.running))
	p.gauge(v+"num_requests_waiting", "Requests waiting to be worked on.", count(&l.waiting))
	p.gauge(v+"kv_cache_usage_perc", "Tokens of the requests worked on, over kv-cache-tokens; 1 is full.", l.cacheUsage)
	p.counter(v+"num_preemptions_total", "Preemptions: the simulator has none.", func() float64 { return 0 })
	if p.opts.PrefixCacheTokens != 0 {
		p.counter(v+"prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", count(&l.looked))
		p.counter(v+"prefix_cache_hits_total", "Of them, those that it held.", count(&l.cached))
	}
	p.counter(v+"prompt_tokens_total", "Prompt tokens worked through.", count(&l.prompt))
	p.counter(v+"generation_tokens_total", "Tokens generated.", count(&l.output))
	p.m.succeeded = append(p.m.succeeded, p.counters(v+"request_success_total", "Requests answered to their end.",
		"finished_reason", "stop", "length", "abort"))
	p.m.ttft = append(p.m.ttft, p.histogram(v+"time_to_first_token_seconds", "From arrival to the first token.", ttft))
	itl := p.histogram(v+"inter_token_latency_seconds", "Between chunks.", gaps)
	p.m.gap = append(p.m.gap, itl)
	p.alias(v+"time_per_output_token_seconds", "Older name of inter_token_latency_seconds.", itl)
	p.answered(v+"request_time_per_output_token_seconds", "Mean time per token after the first.", gaps, meanGap)
	p.answered(v+"e2e_request_latency_seconds", "From arrival to the end.", times, e2eTime)
	p.answered(v+"request_queue_time_seconds", "From arrival to admission.", times, queueTime)
	p.answered(v+"request_prefill_time_seconds", "From admission to the first token.", times, prefillTime)
	p.answered(v+"request_decode_time_seconds", "From the first token to the last.", times, decodeTime)
	p.answered(v+"request_inference_time_seconds", "From admission to the last token.", times, inferenceTime)
	p.answered(v+"request_prompt_tokens", "Prompt tokens of a request.", lengths, promptLength)
	p.answered(v+"request_generation_tokens", "Tokens generated for a request.", lengths, outputLength)
	p.answered(v+"request_max_num_generation_tokens", "The most of its n answers: there is one.", lengths, outputLength)
	p.answered(v+"request_params_n", "Answers asked for: the simulator gives one.", []float64{1, 2, 5, 10, 20},
		func(*finished) float64 { return 1 })
	p.answered(v+"request_params_max_tokens", "Limit asked for.", lengths, askedLength)
}

// addSGLang adds the names and bounds of SGLang 0.5; time_per_output_token_seconds comes from versions before 0.5.
func addSGLang(p *page) {
	const s = "sglang:"
	ttft := []float64{.1, .2, .4, .6, .8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400}
	gaps := []float64{.002, .004, .006, .008, .01, .015, .02, .025, .03, .035, .04, .06, .08, .1, .2, .4, .6, .8, 1, 2,
		4, 6, 8}
	e2e := append(ttft[:len(ttft):len(ttft)], 600, 1200, 1800, 2400)
	queue := []float64{0, .1, .2, .5, 1, 2, 3, 4, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 300, 400, 500,
		600, 700, 800, 900, 1000, 1200, 1400, 1600, 1800, 2000, 2500, 3000}
	lengths := []float64{
		100, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 12000, 15000, 20000,
		22000, 25000, 30000, 35000,
		40000, 66000, 99000, 132000, 300000, 600000, 900000, 1100000,
	}
	l := &p.m.load
	p.gauge(s+"num_running_reqs", "Requests being worked on.", count(&l.running))
	p.gauge(s+"num_queue_reqs", "Requests waiting to be worked on.", count(&l.waiting))
	p.gauge(s+"num_used_tokens", "Tokens of the requests worked on.", count(&l.held))
	p.gauge(s+"max_total_num_tokens", "Tokens that fit: kv-cache-tokens.", func() float64 { return l.capacity })
	p.gauge(s+"token_usage", "Share of them in use, 0 to 1.", l.cacheUsage)
	p.counter(s+"prompt_tokens_total", "Prompt tokens worked through.", count(&l.prompt))
	p.counter(s+"generation_tokens_total", "Tokens generated.", count(&l.output))
	p.counter(s+"num_aborted_requests_total", "Requests whose client went away.", count(&l.gone))
	p.counter(s+"num_requests_total", "Requests answered to their end.", count(&l.answered))
	p.m.ttft = append(p.m.ttft, p.histogram(s+"time_to_first_token_seconds", "From arrival to the first token.", ttft))
	itl := p.histogram(s+"inter_token_latency_seconds", "Between tokens; those of a chunk share its gap.", gaps)
	p.m.tokenGap = append(p.m.tokenGap, itl)
	p.answered(s+"time_per_output_token_seconds", "Mean time per token after the first.", gaps, meanGap)
	p.answered(s+"e2e_request_latency_seconds", "From arrival to the end.", e2e, e2eTime)
	p.answered(s+"queue_time_seconds", "From arrival to admission.", queue, queueTime)
	p.answered(s+"prompt_tokens_histogram", "Prompt tokens of a request.", lengths, promptLength)
	p.answered(s+"generation_tokens_histogram", "Tokens generated for a request.", lengths, outputLength)
}

// addTGI adds the names and bounds of TGI 3; the bounds of lengths are those for --max-input-tokens 4000 and
// --max-total-tokens 8000.
func addTGI(p *page) {
	const t = "tgi_"
	times := prometheus.ExponentialBuckets(.00015, 1.5, 35)
	inputs, totals := prometheus.LinearBuckets(40, 40, 100), prometheus.LinearBuckets(80, 80, 100)
	l := &p.m.load
	p.gauge(t+"batch_current_size", "Requests being worked on.", count(&l.running))
	p.gauge(t+"queue_size", "Requests waiting to be worked on.", count(&l.waiting))
	p.counter(t+"request_count", "Requests that came.", count(&l.received))
	p.counter(t+"request_success", "Requests answered to their end.", count(&l.answered))
	p.m.failed = append(p.m.failed,
		p.counters(t+"request_failure", "Requests that failed.", "err", "generation")["generation"])
	p.answered(t+"request_duration", "From arrival to the end.", times, e2eTime)
	p.answered(t+"request_queue_duration", "From arrival to admission.", times, queueTime)
	p.answered(t+"request_inference_duration", "From admission to the last token.", times, inferenceTime)
	p.answered(t+"request_mean_time_per_token_duration", "The same, per token.", times, meanTokenTime)
	p.answered(t+"request_input_length", "Prompt tokens of a request.", inputs, promptLength)
	p.answered(t+"request_generated_tokens", "Tokens generated for a request.", totals, outputLength)
	p.answered(t+"request_max_new_tokens", "Limit asked for.", totals, askedLength)
}

// The two devices that addDCGM simulates.
const (
	devices     = 2
	idlePower   = 100 // watts
	loadPower   = 300 // watts more when every sequence is in use
	deviceUsed  = 72 << 10
	idleDegrees = 35
	loadDegrees = 40
	idleClock   = 345 // MHz
	loadClock   = 1980
)

// addDCGM adds names of NVIDIA's exporter, for devices whose load is the share of the sequences in use.
func addDCGM(p *page) {
	l := &p.m.load
	for i := range devices {
		number := strconv.Itoa(i)
		p.labels = prometheus.Labels{"gpu": number, "UUID": "GPU-simulated-" + number, "device": "nvidia" + number,
			"modelName": "simulated"}
		p.gauge("DCGM_FI_DEV_GPU_UTIL", "Share of the sequences in use, percent.", func() float64 {
			return math.Round(100 * l.share())
		})
		p.gauge("DCGM_FI_DEV_FB_USED", "Memory in use, MiB; a server takes it all at its start.", func() float64 {
			return deviceUsed
		})
		p.gauge("DCGM_FI_DEV_POWER_USAGE", "Power, watts.", func() float64 { return idlePower + loadPower*l.share() })
		p.counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Energy since the start, mJ.", l.energy)
		p.gauge("DCGM_FI_DEV_GPU_TEMP", "Temperature, degrees Celsius.", func() float64 {
			return math.Round(idleDegrees + loadDegrees*l.share())
		})
		p.gauge("DCGM_FI_DEV_SM_CLOCK", "Clock, MHz.", func() float64 {
			if l.running.Load() > 0 {
				return loadClock
			}
			return idleClock
		})
	}
}
