package validation

import (
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
)

// agreement compares a partial report with the report of its stage in the figures that are about the same requests.
// Prompt and output lengths are not compared: one report leaves out successes without response metrics, the other may
// use the server's counts.
type agreement struct {
	scope
	part  *benchreport.Aggregate
	stage gjson.Result
}

const stageAgreement = "lifecycle_agreement"

func (a agreement) check() {
	a.number("requests.total", float64(a.part.Requests.Total), a.stage.Get("load_summary.count").Num)
	a.number("requests.failures", float64(a.part.Requests.Failures), a.stage.Get("failures.count").Num)
	for _, l := range latencies(a.part.Latency) {
		d, fault := readDistribution(a.stage.Get("successes.latency." + l.path))
		if fault != "" {
			d = nil // null, or said of the stage's file
		}
		if l.path == ntpot && d != nil && d.min == 0 {
			a.withoutEmpty(l, *d)
			continue
		}
		a.latency(l, d)
	}
	a.throughput()
}

func (a agreement) number(path string, got, want float64) {
	if !equal(got, want) {
		a.errorf(stageAgreement, "%s is %v, in the stage's report %v", path, got, want)
	}
}

func (a agreement) latency(got named, want *distribution) {
	path := "latency." + got.path
	switch {
	case got.Statistics == nil && want == nil:
		return
	case got.Statistics == nil:
		a.errorf(stageAgreement, "%s is missing", path)
		return
	case want == nil:
		a.errorf(stageAgreement, "%s is not in the stage's report", path)
		return
	}
	a.number(path+".mean", got.Mean, want.mean)
	if d, whole := ofStatistics(got.Statistics); whole {
		a.number(path+".min", d.min, want.min)
		a.number(path+".max", d.max, want.max)
	}
}

// withoutEmpty compares the latency per token where some successes have no token: the stage's report counts them as 0,
// the partial report leaves them out, so that its mean is higher. The maximum is the same in both.
func (a agreement) withoutEmpty(got named, want distribution) {
	if got.Statistics == nil {
		if want.max > 0 {
			a.errorf(stageAgreement, "latency.%s is missing", got.path)
		}
		return
	}
	if above(want.mean, got.Mean) {
		a.errorf(stageAgreement, "latency.%s.mean is %v, below the stage's report's %v", got.path, got.Mean, want.mean)
	}
	if d, whole := ofStatistics(got.Statistics); whole {
		a.number("latency."+got.path+".max", d.max, want.max)
	}
}

// throughput requires the rates, unless the stage has no success or no time.
func (a agreement) throughput() {
	names := [...]string{"input_tokens_per_sec", "output_tokens_per_sec", "total_tokens_per_sec", "requests_per_sec"}
	for i, t := range throughputs(a.part.Throughput) {
		want, known := finite(a.stage.Get("successes.throughput." + names[i]))
		switch {
		case !known:
		case t.Statistics != nil:
			a.number("throughput."+t.path+".mean", t.Mean, want)
		case want != 0:
			a.errorf(stageAgreement, "throughput.%s is missing", t.path)
		}
	}
}
