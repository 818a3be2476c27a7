package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ServerState sums up what the server's own metrics pages reported during the run. If there are several pages, as with
// replicas, requests and tokens are added up and shares averaged.
type ServerState struct {
	Sources []ServerSource `json:"sources"`
	Failed  int64          `json:"failed_scrapes"` // failed attempts to read a page
	// Restarts is how often a page's counters began anew between the samples of Counts.
	Restarts int `json:"restarts"`
	// Samples counts the samples from the first start to the last end. Running, Waiting and KVCache sum these up.
	Samples int           `json:"samples"`
	Running *Level        `json:"running"`
	Waiting *Level        `json:"waiting"`
	KVCache *Level        `json:"kv_cache_usage"` // 0 to 1
	Counts  *ServerCounts `json:"counts"`         // null if there are fewer than two samples
	GPUs    *Accelerators `json:"accelerators"`   // null if no page shows any
}

// ServerSource is a metrics page that was read.
type ServerSource struct {
	URL    string `json:"url"`
	Engine string `json:"engine"` // "" for a page that shows devices alone
}

// Level sums up a gauge over the samples.
type Level struct {
	Mean Float `json:"mean"`
	Max  Float `json:"max"`
}

// ServerCounts compares how much the server's counters grew between two samples with the client's counts of the
// requests that ended between them. The negated difference of the TTFT is the share of the network and the client.
type ServerCounts struct {
	From        Float       `json:"from_seconds"` // the earlier sample, since the first start of the run
	To          Float       `json:"to_seconds"`   // the later sample
	Requests    *Reconciled `json:"requests"`     // requests answered to the end
	Prompt      *Reconciled `json:"prompt_tokens"`
	Generated   *Reconciled `json:"generation_tokens"`
	TTFT        *Reconciled `json:"time_to_first_token_mean"` // seconds, to the first output of any kind
	Preemptions *Float      `json:"preemptions"`
	PrefixHits  *Float      `json:"prefix_cache_hit_share"` // of the tokens looked up, 0 to 1

	unknown int // requests that the server gave up, of which the client does not know
}

// Reconciled is a figure of the server beside the client's. The client's figure and the difference are null if requests
// were left out of the report.
type Reconciled struct {
	Server     Float  `json:"server"`
	Client     *Float `json:"client"`
	Difference *Float `json:"difference"` // server minus client
}

// Accelerators sums up the devices that the pages show.
type Accelerators struct {
	Devices     Float  `json:"devices"`
	Utilization *Level `json:"utilization"` // 0 to 1, the mean of the devices
	Memory      *Level `json:"memory_used_bytes"`
	Power       *Level `json:"power_watts"`   // of all devices together
	Energy      *Float `json:"energy_joules"` // used between the samples of the counts
	Temperature *Level `json:"temperature_celsius"`
	Clock       *Level `json:"sm_clock_mhz"`
}

// serverState returns nil if no page was read.
func serverState(g *subset) *ServerState {
	if len(g.run.Servers) == 0 || len(g.all) == 0 || g.run.Clock != run.RecordTick {
		return nil
	}
	w := &serverWindow{run: g.run, start: g.all[0].Start, end: g.all[0].End, levels: map[string]*level{}}
	for _, q := range g.all {
		w.start, w.end = min(w.start, q.Start), max(w.end, q.End)
	}
	w.findSources()
	w.findRestarts()
	w.sample()
	s := &ServerState{
		Sources: w.sources, Failed: w.failed(), Restarts: w.restarts(), Samples: w.samples,
		Running: w.level(record.ServerRunning), Waiting: w.level(record.ServerWaiting),
		KVCache: w.level(record.ServerKVCacheUsage),
		Counts:  w.counts(), GPUs: w.accelerators(),
	}
	return s
}

// serverWindow evaluates the samples within and around a span of time.
type serverWindow struct {
	run              *run.Run
	start, end       int64
	sources          []ServerSource
	ends             [][2]*record.Server // by source, the samples just before and after the span, or the nearest
	restartsBySource []int               // by source, how often its counters began anew between the ends
	samples          int
	levels           map[string]*level
}

type level struct {
	sum, most float64
	n         int
}

// findSources lists the pages that were read, with the samples around the span: between these a counter has counted
// everything within the span.
func (w *serverWindow) findSources() {
	for _, line := range w.run.Servers {
		if len(line.Values) == 0 {
			continue
		}
		at := slices.IndexFunc(w.sources, func(s ServerSource) bool { return s.URL == line.Source })
		if at < 0 {
			at = len(w.sources)
			w.sources = append(w.sources, ServerSource{line.Source, line.Engine})
			w.ends = append(w.ends, [2]*record.Server{line, line})
		}
		pair := &w.ends[at]
		if line.Time <= w.start {
			pair[0] = line
		}
		if pair[1].Time < w.end {
			pair[1] = line
		}
	}
	if w.sources == nil {
		w.sources = []ServerSource{}
	}
}

// counters lists the figures that only grow while a server lives.
var counters = []string{
	record.ServerPreemptions, record.ServerRequests, record.ServerGivenUp, record.ServerPromptTokens,
	record.ServerGenerationTokens,
	record.ServerPrefixCacheQueries,
	record.ServerPrefixCacheHits, record.ServerTTFTSum, record.ServerTTFTCount, record.ServerGPUEnergy,
}

// findRestarts looks for counters that fall, or a server start that moves, between two neighbouring samples of a page.
// It compares only samples that one instance read, because the clocks of instances differ.
func (w *serverWindow) findRestarts() {
	type reading struct {
		source   int
		instance string
	}
	w.restartsBySource = make([]int, len(w.sources))
	before, falls := map[reading]*record.Server{}, map[reading]int{}
	for _, line := range w.run.Servers {
		at := slices.IndexFunc(w.sources, func(s ServerSource) bool { return s.URL == line.Source })
		if len(line.Values) == 0 || line.Time < w.ends[at][0].Time || line.Time > w.ends[at][1].Time {
			continue
		}
		by := reading{at, w.run.InstanceOf(line)}
		if last := before[by]; last != nil && wasRestarted(last.Values, line.Values) {
			falls[by]++
			w.restartsBySource[at] = max(w.restartsBySource[at], falls[by])
		}
		before[by] = line
	}
}

// restartGap is by how many seconds a server's start has to move to count as a restart. Some metrics clients compute
// the start each time, from a clock that is adjusted.
const restartGap = 0.5

// wasRestarted reports whether a server was restarted between two samples.
func wasRestarted(before, after map[string]float64) bool {
	was, had := before[record.ServerProcessStart]
	is, has := after[record.ServerProcessStart]
	return had && has && math.Abs(is-was) > restartGap || anyCounterFell(before, after)
}

// anyCounterFell reports whether any counter is lower than before. A counter that is not on the page is 0.
func anyCounterFell(before, after map[string]float64) bool {
	return slices.ContainsFunc(counters, func(name string) bool { return after[name] < before[name] })
}

func (w *serverWindow) restarts() (n int) {
	for _, times := range w.restartsBySource {
		n += times
	}
	return n
}

// averaged lists the figures that are averaged over several pages, not added up.
var averaged = []string{record.ServerKVCacheUsage, record.ServerGPUUtilization, record.ServerGPUClock}

// sample evaluates the gauges at each sample within the span, taking the newest sample of each page. It begins once
// every page has one.
func (w *serverWindow) sample() {
	newest := map[string]*record.Server{}
	for _, line := range w.run.Servers {
		if len(line.Values) == 0 {
			continue
		}
		newest[line.Source] = line
		if line.Time < w.start || line.Time > w.end || len(newest) < len(w.sources) {
			continue
		}
		w.samples++
		for _, name := range []string{
			record.ServerRunning, record.ServerWaiting, record.ServerKVCacheUsage, record.ServerGPUs,
			record.ServerGPUUtilization, record.ServerGPUMemory,
			record.ServerGPUPower, record.ServerGPUTemperature, record.ServerGPUClock,
		} {
			w.add(name, newest)
		}
	}
}

func (w *serverWindow) add(name string, newest map[string]*record.Server) {
	sum, most, n := 0.0, 0.0, 0.0
	for _, source := range w.sources {
		if value, ok := newest[source.URL].Values[name]; ok {
			sum, most, n = sum+value, max(most, value), n+1
		}
	}
	switch {
	case n == 0:
		return
	case slices.Contains(averaged, name):
		sum /= n
	case name == record.ServerGPUTemperature:
		sum = most
	}
	l := w.levels[name]
	if l == nil {
		l = &level{most: sum}
		w.levels[name] = l
	}
	l.sum, l.most, l.n = l.sum+sum, max(l.most, sum), l.n+1
}

func (w *serverWindow) level(name string) *Level {
	l := w.levels[name]
	if l == nil {
		return nil
	}
	return &Level{Mean: Float(l.sum / float64(l.n)), Max: Float(l.most)}
}

// span returns the time between the samples around the window.
func (w *serverWindow) span() (from, to int64) {
	for i, pair := range w.ends {
		if i == 0 {
			from, to = pair[0].Time, pair[1].Time
		}
		from, to = min(from, pair[0].Time), max(to, pair[1].Time)
	}
	return from, to
}

func (w *serverWindow) failed() (n int64) {
	from, to := w.span()
	for _, line := range w.run.Servers {
		if len(w.ends) == 0 || line.Time >= from && line.Time <= to || len(line.Values) == 0 && line.Time >= w.start {
			n += line.Failed
		}
	}
	return n
}

// increase returns by how much a counter grew, over all pages that have it. A counter that is missing in the first
// sample is 0: some engines show it only once it has counted. It returns nil if a server was restarted, because what it
// counted after the last sample before the restart is unknown.
func (w *serverWindow) increase(name string) *Float {
	total, known := 0.0, false
	for i, pair := range w.ends {
		last, ok := pair[1].Values[name]
		first, had := pair[0].Values[name]
		switch {
		case w.restartsBySource[i] > 0 && (ok || had), ok && last < first:
			return nil
		case ok:
			total, known = total+last-first, true
		}
	}
	if !known {
		return nil
	}
	return new(Float(total))
}

// counts returns nil if no time lies between two samples.
func (w *serverWindow) counts() *ServerCounts {
	from, to := w.span()
	if from == to {
		return nil
	}
	client := w.client(from, to)
	zero := run.FirstStart(w.run)
	return &ServerCounts{
		unknown: w.unknown(from, to),
		From:    Float(w.run.Seconds(from - zero)), To: Float(w.run.Seconds(to - zero)),
		Requests:    reconcile(w.increase(record.ServerRequests), client[0]),
		Prompt:      reconcile(w.increase(record.ServerPromptTokens), client[1]),
		Generated:   reconcile(w.increase(record.ServerGenerationTokens), client[2]),
		TTFT:        reconcile(share(w.increase(record.ServerTTFTSum), w.increase(record.ServerTTFTCount)), client[3]),
		Preemptions: w.increase(record.ServerPreemptions),
		PrefixHits:  share(w.increase(record.ServerPrefixCacheHits), w.increase(record.ServerPrefixCacheQueries)),
	}
}

// unknown returns how many more requests the servers gave up than the client has without an answer.
func (w *serverWindow) unknown(from, to int64) int {
	given := w.increase(record.ServerGivenUp)
	if given == nil || w.run.Cut.Requests > 0 {
		return 0
	}
	failed := 0
	for _, q := range w.run.Requests {
		if q.Failed() && q.End > from && q.Start <= to {
			failed++
		}
	}
	return max(0, int(*given)-failed)
}

// client returns the number of successes that ended within a span, their prompt and output tokens, and their mean time
// to the first output of any kind: an engine does not know which of its tokens are reasoning or tool calls. All are nil
// if requests were left out, because the server counts those, too.
func (w *serverWindow) client(from, to int64) (c [4]*Float) {
	if w.run.Cut.Requests > 0 {
		return c
	}
	var n, in, out, ttfo, first float64
	for _, q := range w.run.Requests {
		if q.Failed() || q.End <= from || q.End > to {
			continue
		}
		n, in, out = n+1, in+float64(q.PromptTokens), out+float64(orElse(q.ServerCompletion, q.CompletionTokens))
		if own := q.TTFO(); !math.IsNaN(own) {
			ttfo, first = ttfo+own, first+1
		}
	}
	c[0], c[1], c[2] = new(Float(n)), new(Float(in)), new(Float(out))
	c[3] = share(new(Float(ttfo)), new(Float(first)))
	return c
}

func reconcile(server, client *Float) *Reconciled {
	if server == nil {
		return nil
	}
	r := &Reconciled{Server: *server, Client: client}
	if client != nil {
		r.Difference = new(*server - *client)
	}
	return r
}

// share returns part / whole, or nil if either is unknown or the whole is 0.
func share(part, whole *Float) *Float {
	if part == nil || whole == nil || *whole == 0 {
		return nil
	}
	return new(*part / *whole)
}

func (w *serverWindow) accelerators() *Accelerators {
	devices := w.level(record.ServerGPUs)
	if devices == nil {
		return nil
	}
	return &Accelerators{
		Devices: devices.Max, Utilization: w.level(record.ServerGPUUtilization),
		Memory: w.level(record.ServerGPUMemory),
		Power:  w.level(record.ServerGPUPower), Energy: w.increase(record.ServerGPUEnergy),
		Temperature: w.level(record.ServerGPUTemperature),
		Clock:       w.level(record.ServerGPUClock),
	}
}
