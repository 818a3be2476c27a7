package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Timeline holds what happened in each second of the run, from the first start on. Runs longer than [maxIntervals]
// seconds have longer intervals. Times are seconds; lists that nothing is known about are nil.
type Timeline struct {
	Interval Float `json:"interval_seconds"`
	Start    int64 `json:"start_ns"` // since the Unix epoch; 0 for an imported run, whose clock is another
	Stage    []int `json:"stage"`    // of the latest request that was due, or sent if nobody knows when it was due

	Due       []int `json:"due"` // 0 if due instants are unknown
	Sent      []int `json:"sent"`
	Ended     []int `json:"ended"`
	Failed    []int `json:"failed"` // of those that ended
	Dropped   []int `json:"dropped"`
	Abandoned []int `json:"abandoned,omitempty"` // whose users left; nil if none did
	InFlight  []int `json:"in_flight"`           // at the interval's end

	TTFT50 []*Float `json:"ttft_p50"` // of the requests sent in the interval; null without any
	TTFT90 []*Float `json:"ttft_p90"`
	TTFT99 []*Float `json:"ttft_p99"`
	ITL50  []Maybe  `json:"itl_p50"` // of the gaps between tokens that end in the interval
	ITL90  []Maybe  `json:"itl_p90"`
	ITL99  []Maybe  `json:"itl_p99"`

	Prompt     []Float `json:"prompt_tokens_per_sec"`     // of requests whose answers begin in the interval
	Completion []Float `json:"completion_tokens_per_sec"` // that arrive in it

	Late    []Maybe `json:"client_late_max,omitempty"` // how late the load generator got to run
	Running []Maybe `json:"server_running,omitempty"`  // on the server's pages, at the interval's last sample
	Waiting []Maybe `json:"server_waiting,omitempty"`
	KVCache []Maybe `json:"server_kv_cache_usage,omitempty"` // 0 to 1

	Violated []int `json:"objectives_violated,omitempty"` // how many of the SLO's; nil without an SLO
}

const timelineDefinition = "per second from the first start: due, sent, ended, failed and dropped requests and those " +
	"in " +
	"flight at its end; TTFT of the requests sent in it; gaps between tokens that end in it, within 1.6 %; prompt " +
	"tokens of the requests whose answers begin in it; completion tokens that arrive in it, those of an answer " +
	"spread " +
	"evenly over its chunks; how late the load generator got to run at most; the last sample of the server's pages"

// timelineMaker gathers what a timeline has beyond the series of the same intervals.
type timelineMaker struct {
	itl                []stats.Octaves // in microseconds
	micro              []int64         // the arrivals of the request that is being added, if its clock is another
	prompt, completion []float64       // tokens
	ttft90             []*Float
	stage              []int32

	last int64 // arrival of the last token of the request that is being added
	any  bool  // there is one
}

func newTimelineMaker(n int) timelineMaker {
	m := timelineMaker{itl: make([]stats.Octaves, n), prompt: make([]float64, n), completion: make([]float64, n),
		ttft90: make([]*Float, n), stage: make([]int32, n)}
	for i := range m.stage {
		m.stage[i] = noStage
	}
	return m
}

// noStage is the stage of an interval without requests.
const noStage = math.MinInt32

// begin begins a request, which is due in one interval and whose answer begins, or comes whole, in another.
func (m *timelineMaker) begin(r *run.Run, q *run.Request, chunks []int64, due, answered int) {
	m.any = false
	if m.micro = chunks; r.Clock.Chunk != run.RecordTick.Chunk {
		m.micro = slices.Clone(chunks)
		toMicroseconds(r, m.micro)
	}
	hasChunks := len(chunks) > 0
	m.stage[due] = max(m.stage[due], q.Stage)
	if q.InputSource != record.NoSource && (hasChunks || !q.Failed()) {
		m.prompt[answered] += float64(q.PromptTokens)
	}
	if !hasChunks && !q.Failed() && q.OutputSource != record.NoSource && !q.Textless {
		m.completion[answered] += float64(q.CompletionTokens)
	}
}

// arrived adds the chunks from one index to another of a request, which arrived in an interval.
func (m *timelineMaker) arrived(k int, q *run.Request, rec *record.Request, from, to int) {
	if q.OutputSource != record.NoSource {
		m.completion[k] += float64(q.CompletionTokens) * float64(to-from) / float64(len(rec.Chunks))
	}
	if q.LeftOut || q.Failed() {
		return
	}
	gaps, chunks := &m.itl[k], m.micro
	if len(rec.ChunkTokens) == 0 {
		gaps.AddGaps(chunks[max(from-1, 0):to])
		return
	}
	together := uint32(0) // tokens that came with the one before
	for i := from; i < to; i++ {
		n := rec.ChunkTokens[i]
		if n <= 0 {
			continue
		}
		if m.any {
			gaps.Add(chunks[i] - m.last)
		}
		together += uint32(n - 1)
		m.last, m.any = chunks[i], true
	}
	if together > 0 {
		gaps.AddTimes(0, together)
	}
}

// timeline returns the timeline of the run, whose series is complete. It returns nil for a nil maker.
func (s *seriesMaker) timeline() *Timeline {
	if s == nil {
		return nil
	}
	n := len(s.Sent)
	t := &Timeline{
		Interval: s.Interval, Start: s.Start, Stage: make([]int, n), Due: s.Due, Sent: s.Sent, Ended: s.Ended,
		Failed: s.Failed, Abandoned: s.Left, InFlight: s.InFlight, Dropped: s.dropped(),
		TTFT50: s.TTFT50, TTFT90: s.more.ttft90, TTFT99: s.TTFT99,
		ITL50: make([]Maybe, n), ITL90: make([]Maybe, n), ITL99: make([]Maybe, n),
		Prompt: make([]Float, n), Completion: make([]Float, n),
	}
	stage := int32(0)
	for i := range n {
		if s.more.stage[i] != noStage {
			stage = s.more.stage[i]
		}
		t.Stage[i] = int(stage)
		itl := s.more.itl[i].Percentiles(50, 90, 99)
		t.ITL50[i], t.ITL90[i], t.ITL99[i] = Maybe(itl[0]/1e6), Maybe(itl[1]/1e6), Maybe(itl[2]/1e6)
		t.Prompt[i], t.Completion[i] = Float(s.more.prompt[i]/s.step), Float(s.more.completion[i]/s.step)
	}
	t.addLateness(s)
	t.addServers(s)
	return t
}

// dropped counts the dropped arrivals that were due in each interval.
func (s *seriesMaker) dropped() []int {
	list := make([]int, len(s.Sent))
	for _, d := range s.run.Dropped {
		if d.Due != nil {
			list[s.at(*d.Due)] += int(d.Count)
		}
	}
	return list
}

// at returns the interval of an instant.
func (s *seriesMaker) at(instant int64) int { return s.slot(s.run.Seconds(instant - s.zero)) }

// within returns the interval of an instant, and false if the instant is not in the run's time.
func (s *seriesMaker) within(instant int64) (int, bool) {
	seconds := s.run.Seconds(instant - s.zero)
	return s.slot(seconds), seconds >= 0 && seconds < s.step*float64(len(s.Sent))
}

// unknowns returns a list of unknown figures.
func unknowns(n int) []Maybe { return slices.Repeat([]Maybe{Maybe(unknown)}, n) }

// addLateness sets how late the load generators got to run at most. What a heartbeat says beyond its late spans holds
// for all of its time.
func (t *Timeline) addLateness(s *seriesMaker) {
	r := s.run
	if len(r.Beats) == 0 || r.Clock != run.RecordTick {
		return
	}
	t.Late = unknowns(len(t.Sent))
	widen := func(from, to, late int64) {
		first, inside := s.within(from)
		last, ends := s.within(max(from, to-1))
		if !inside && !ends && (from >= s.zero || to <= s.zero) {
			return
		}
		for i := first; i <= last; i++ {
			if seconds := Maybe(r.Seconds(late)); !(t.Late[i] >= seconds) {
				t.Late[i] = seconds
			}
		}
	}
	for _, b := range r.Beats {
		widen(b.Start, b.End, min(b.Max, run.ShortestLateness))
	}
	for _, spans := range r.Late {
		for _, span := range spans {
			widen(span.From, span.To, span.To-span.From)
		}
	}
}

// mostStale is how old the sample of one page may be when that of another is taken, in ticks.
const mostStale = 30_000_000_000

// addServers sets what the server's pages showed. Requests of several pages are added up, their shares averaged.
func (t *Timeline) addServers(s *seriesMaker) {
	r := s.run
	if len(r.Servers) == 0 || r.Clock != run.RecordTick {
		return
	}
	lists := map[string][]Maybe{}
	newest := map[string]*record.Server{}
	for _, line := range r.Servers {
		if len(line.Values) == 0 {
			delete(newest, line.Source)
			continue
		}
		newest[line.Source] = line
		i, inside := s.within(line.Time)
		if !inside {
			continue
		}
		for _, name := range []string{record.ServerRunning, record.ServerWaiting, record.ServerKVCacheUsage} {
			if value, known := overPages(newest, name, line.Time); known {
				if lists[name] == nil {
					lists[name] = unknowns(len(t.Sent))
				}
				lists[name][i] = Maybe(value)
			}
		}
	}
	t.Running, t.Waiting, t.KVCache = lists[record.ServerRunning], lists[record.ServerWaiting],
		lists[record.ServerKVCacheUsage]
}

// overPages returns a figure over the newest samples of all pages, and false if none has it.
func overPages(newest map[string]*record.Server, name string, now int64) (sum float64, known bool) {
	n := 0.0
	for _, source := range sortedKeys(newest) {
		line := newest[source]
		if value, has := line.Values[name]; has && now-line.Time <= mostStale {
			sum, n = sum+value, n+1
		}
	}
	if slices.Contains(averaged, name) && n > 0 {
		sum /= n
	}
	return sum, n > 0
}
