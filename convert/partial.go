package convert

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// partialReport returns the partial benchmark report of a stage. Its ids are derived from the run's, so that the same
// records give the same report.
func partialReport(g *subset, stage int) *benchreport.Report {
	id := g.run.ID()
	run := benchreport.Run{
		UID:  fmt.Sprintf("inference-perf-stage-%d-%s", stage, hexID(fmt.Sprint(id, " ", stage))),
		EID:  "inference-perf-experiment-" + hexID(id),
		Time: stageWindow(g, stage),
	}
	return benchreport.New(run, benchreport.Aggregate{
		Requests: benchreport.Requests{
			Total: len(g.all), Failures: len(g.failed),
			InputLength:  statistics(g.values(g.ok, inputTokens), benchreport.Count),
			OutputLength: statistics(g.values(g.ok, outputTokens), benchreport.Count),
		},
		Latency: &benchreport.Latency{
			TTFT:    statistics(g.values(g.ok, ttft), benchreport.Seconds),
			NTPOT:   statistics(g.values(g.ok, ntpotOfTokens), benchreport.SecondsPerToken),
			TPOT:    statistics(g.values(g.ok, tpot), benchreport.SecondsPerToken),
			ITL:     benchreport.NewStatistics(g.tokenGaps, benchreport.SecondsPerToken),
			Request: statistics(g.values(g.ok, requestLatency), benchreport.Seconds),
		},
		Throughput: partialThroughput(g),
	})
}

// statistics sums values up for a partial report. It computes the mean over the sorted values.
func statistics(values []float64, units string) *benchreport.Statistics {
	stats.Sort(values)
	return benchreport.NewStatistics(stats.NewList(values), units)
}

// ntpotOfTokens is [ntpot], but unknown for answers without tokens.
func ntpotOfTokens(g *subset, q *run.Request) float64 {
	if outputTokens(g, q) == 0 {
		return unknown
	}
	return ntpot(g, q)
}

// partialThroughput returns nil without a success or if the group took no time.
func partialThroughput(g *subset) *benchreport.Throughput {
	if len(g.ok) == 0 || g.time == 0 {
		return nil
	}
	t := g.throughput(mediaFigures{})
	return &benchreport.Throughput{
		InputTokens:  benchreport.Rate(float64(t.InputTokens), benchreport.TokensPerSecond),
		OutputTokens: benchreport.Rate(float64(t.OutputTokens), benchreport.TokensPerSecond),
		TotalTokens:  benchreport.Rate(float64(t.TotalTokens), benchreport.TokensPerSecond),
		Requests:     benchreport.Rate(float64(t.Requests), benchreport.QueriesPerSecond),
	}
}

// stageWindow returns when the stage ran: from the start that the executors recorded, else the first request's start,
// to the last end.
func stageWindow(g *subset, stage int) benchreport.Window {
	start, end := g.all[0].Start, g.all[0].End
	for _, q := range g.all {
		start, end = min(start, q.Start), max(end, q.End)
	}
	for _, s := range g.run.Stages { // one for each instance
		if s.Index == stage && s.Start > 0 && s.End >= s.Start {
			start, end = min(start, s.Start), max(end, s.End)
		}
	}
	return benchreport.Between(time.Unix(0, start).UTC(), time.Unix(0, end).UTC())
}

// hexID returns a hash of text as eight hex digits.
func hexID(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // writing to a hash never fails
	return fmt.Sprintf("%08x", h.Sum32())
}
