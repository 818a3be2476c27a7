package convert

import (
	"bytes"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// serverLabel names the server in a benchmark report.
const serverLabel = "server"

// benchmarkReport returns the whole benchmark report of llm-d on a stage that has a partial one. What neither the
// records nor the configuration tell is left out, or "unknown" where the schema requires it.
func benchmarkReport(p *Report, stage int, requests []*run.Request, config []byte) *benchreport.Report {
	part, l := p.Partials[stage], p.Stages[stage]
	out := *part
	out.Run.Description = describedRun(p.run, requests)
	out.Scenario = &benchreport.Scenario{
		Stack: []benchreport.Component{serverComponent(p.run, l, requests)},
		Load:  benchmarkLoad(p, stage, requests, config),
	}
	counts := &out.Results.RequestPerformance.Aggregate.Requests
	counts.Incomplete = new(l.Additions.Requests.Canceled)
	counts.Size = statisticsOf(l.Successes.RequestSize, benchreport.Bytes)
	out.Results.RequestPerformance.TimeSeries = benchmarkSeries(p.Summary.Additions.Series, out.Run.Time)
	out.Results.SessionPerformance = benchmarkSessions(p.SessionStages[stage])
	out.Results.Observability = observed(l)
	return &out
}

// describedRun labels a run for readers of many reports: by its model and its ID.
func describedRun(r *run.Run, requests []*run.Request) string {
	return strings.TrimSpace(modelOf(requests) + " [" + r.ID() + "]")
}

// modelOf returns the model of the requests, and "" if they have several.
func modelOf(requests []*run.Request) string {
	for _, q := range requests {
		if q.Model != requests[0].Model {
			return ""
		}
	}
	return requests[0].Model
}

// statisticsOf returns a distribution as the schema has it.
func statisticsOf(d *Distribution, units string) *benchreport.Statistics {
	if d == nil {
		return nil
	}
	s := &benchreport.Statistics{Units: units, Mean: d.Mean, Min: new(d.Min), Max: new(d.Max)}
	for _, p := range stats.DefaultPercentiles() {
		if v, known := d.At(p); known {
			s.Percentiles = append(s.Percentiles, benchreport.Percentile{P: p, Value: v})
		}
	}
	return s
}

// benchmarkSeries returns what the series of the run has for a span of time; nil without an instant of it.
func benchmarkSeries(s *Series, of benchreport.Window) *benchreport.TimeSeries {
	if s == nil || s.Start == 0 {
		return nil
	}
	ttft := &benchreport.Series{Units: benchreport.Seconds}
	done := &benchreport.Series{Units: benchreport.QueriesPerSecond}
	for i := range s.Sent {
		at := time.Unix(0, s.Start).UTC().Add(time.Duration(float64(i) * float64(s.Interval) * float64(time.Second)))
		if at.Before(of.Start) || at.After(of.End) {
			continue
		}
		if s.TTFT50[i] != nil {
			ttft.Points = append(ttft.Points, benchreport.Point{Time: at, P50: (*float64)(s.TTFT50[i]),
				P99: (*float64)(s.TTFT99[i])})
		}
		ended := float64(s.Ended[i] - s.Failed[i])
		if s.Left != nil {
			ended -= float64(s.Left[i])
		}
		done.Points = append(done.Points, benchreport.Point{Time: at, Value: new(ended / float64(s.Interval))})
	}
	if len(done.Points) == 0 {
		return nil
	}
	out := &benchreport.TimeSeries{Throughput: &benchreport.SeriesThroughput{Requests: done}}
	if len(ttft.Points) > 0 {
		out.Latency = &benchreport.SeriesLatency{TTFT: ttft}
	}
	return out
}

// benchmarkSessions returns what the schema has of sessions; nil without any.
func benchmarkSessions(s *SessionLifecycle) *benchreport.SessionPerformance {
	if s == nil {
		return nil
	}
	return &benchreport.SessionPerformance{Sessions: benchreport.Sessions{
		Total: s.Sessions, Succeeded: s.Succeeded, Failed: s.Failed, Events: s.Events, Completed: s.Completed,
		Cancelled: s.Cancelled, Rate: benchreport.Rate(float64(s.Rate), benchreport.QueriesPerSecond),
		Duration: statisticsOf(s.Duration, benchreport.Seconds), Calls: statisticsOf(s.Calls, benchreport.Count),
		CallsLeft: statisticsOf(s.CancelledPer, benchreport.Count), Input: statisticsOf(s.Input, benchreport.Count),
		Output: statisticsOf(s.Output, benchreport.Count),
	}}
}

// observed returns what was seen of the server in a stage; nil if nothing was.
func observed(l *Lifecycle) *benchreport.Observability {
	o := new(benchreport.Observability)
	if c := l.Additions.Requests; c.Dropped > 0 {
		share := float64(c.Dropped) / float64(int64(c.Sent)+c.Dropped)
		o.DropRate = benchreport.Rate(share, benchreport.Fraction)
	}
	if s := l.Additions.Server; s != nil {
		o.Components = []benchreport.ComponentMetrics{{Label: serverLabel, Aggregate: resources(s)}}
	}
	if o.DropRate == nil && o.Components == nil {
		return nil
	}
	return o
}

// resources returns the gauges of the server's pages as the schema has them.
func resources(s *ServerState) benchreport.Resources {
	r := benchreport.Resources{
		KVCache: leveled(s.KVCache, benchreport.Fraction), Running: leveled(s.Running, benchreport.Count),
		Waiting: leveled(s.Waiting, benchreport.Count),
	}
	if s.Counts != nil {
		r.HitRate = single(s.Counts.PrefixHits, benchreport.Fraction)
		r.Preemptions = single(s.Counts.Preemptions, benchreport.Count)
	}
	if s.GPUs != nil {
		r.GPUMemory = leveled(s.GPUs.Memory, benchreport.Bytes)
		r.GPU = leveled(s.GPUs.Utilization, benchreport.Fraction)
		r.Power = leveled(s.GPUs.Power, benchreport.Watts)
	}
	return r
}

func leveled(l *Level, units string) *benchreport.Statistics {
	if l == nil {
		return nil
	}
	return &benchreport.Statistics{Units: units, Mean: float64(l.Mean), Max: new(float64(l.Max))}
}

func single(v *Float, units string) *benchreport.Statistics {
	if v == nil {
		return nil
	}
	return benchreport.Rate(float64(*v), units)
}

// benchmarkReports returns the text of each stage's benchmark report, in the order of the stages.
func (d *collector) benchmarkReports(p *Report) {
	config, err := p.configuration()
	d.fail(err)
	requests := run.ByStage(p.run, p.run.Requests)
	for _, stage := range sortedKeys(p.Partials) {
		var text bytes.Buffer
		d.fail(benchmarkReport(p, stage, requests[stage], config).Write(&text))
		d.list = append(d.list, Document{Name: reportdir.BenchmarkReport(stage), Text: text.Bytes()})
	}
}
