package validation

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// run holds the files that have to agree with each other. A missing or broken file is the zero Result.
type run struct {
	summary  gjson.Result
	stages   map[int]gjson.Result
	requests *int // the number in the file of requests; nil means unknown
}

// check compares the files with each other.
func (r run) check(s scope, c Config) {
	numbers := slices.Sorted(maps.Keys(r.stages))
	if len(numbers) > 0 {
		r.sums(s, numbers)
		stageNumbers(s, numbers, c)
		r.rates(s, numbers)
	}
	if n := r.summary.Get("load_summary.count"); r.requests != nil && n.Exists() && n.Num != float64(*r.requests) {
		s.errorf("per_request_count", "the file of requests has %d, the summary %v", *r.requests, n.Num)
	}
}

// summed lists the figures whose sum over the stages must be the summary's figure.
var summed = [...]string{
	"load_summary.count", "successes.count", "failures.count", "successes.prompt_tokens.total",
	"successes.output_tokens.total",
}

// sums compares the summary with the sums over its stages. A figure that one of the files lacks is not compared.
func (r run) sums(s scope, numbers []int) {
	for _, path := range summed {
		want, known := finite(r.summary.Get(path))
		sum := 0.0
		for _, n := range numbers {
			v, ok := finite(r.stages[n].Get(path))
			sum, known = sum+v, known && ok
		}
		if known && !equal(sum, want) {
			s.errorf("stage_totals", "%s: the stages' sum is %v, the summary has %v", path, sum, want)
		}
	}
}

// stageNumbers checks for missing and surplus stages; numbers must ascend.
func stageNumbers(s scope, numbers []int, c Config) {
	if c.Stages > 0 && len(numbers) > c.Stages {
		s.errorf("configured_stages", "%d stages have reports, %d are configured", len(numbers), c.Stages)
	}
	for i, n := range numbers[1:] {
		if n != numbers[i]+1 {
			s.warnf("stage_indices", "no stage between %d and %d has a report", numbers[i], n)
		}
	}
	var missing []string
	for n := range c.Stages {
		if _, there := slices.BinarySearch(numbers, n); !there {
			missing = append(missing, strconv.Itoa(n))
		}
	}
	if len(missing) > 0 {
		s.warnf("configured_stages", "configured stages have no report: %s", strings.Join(missing, ", "))
	}
}

// rates warns about stages with less load than the stage before. Stages for which no rate was requested are not
// compared: a stage of fixed concurrency reports its number of requests as its rate, a stage of free-running users the
// achieved rate.
func (r run) rates(s scope, numbers []int) {
	if r.summary.Get("xk6_llm.search").Exists() {
		return // a search goes back and forth
	}
	last, lastStage, some := 0.0, 0, false
	for _, n := range numbers {
		load := r.stages[n].Get("load_summary")
		rate, known := finite(load.Get("requested_rate"))
		if achieved, _ := finite(load.Get("achieved_rate")); !known || rate == achieved ||
			load.Get("concurrency").Exists() {
			some = false
			continue
		}
		if some && rate < last {
			s.warnf("stage_rates", "requested_rate falls from %v in stage %d to %v in stage %d", last, lastStage, rate,
				n)
		}
		last, lastStage, some = rate, n, true
	}
}
