// Package outcome tells what an experiment has shown: of each setting the figures with their intervals, which settings
// are on the Pareto front, what is best for what, and what each factor changes.
package outcome

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// Figure is a figure of a cell or of a setting. What is unknown is NaN.
type Figure struct {
	Value, Low, High float64
	Estimate         tradeoff.Estimate // of its logarithm
}

// Known returns a figure of which an interval is known by the standard error of its logarithm, or of which nothing but
// the value is known if this is NaN.
func Known(value, low, high, logError, freedom float64) Figure {
	if !(low <= value && value <= high) || low < 0 {
		low, high = math.NaN(), math.NaN()
	}
	f := Figure{value, low, high, tradeoff.Estimate{Log: math.Log(value), Error: logError, Freedom: freedom}}
	if !(value > 0) || math.IsInf(value, 0) {
		f.Estimate = tradeoff.Unknown()
	}
	return f
}

// times returns the figure in a unit that is smaller by a factor above zero.
func (f Figure) times(factor float64) Figure {
	f.Value, f.Low, f.High = f.Value*factor, f.Low*factor, f.High*factor
	f.Estimate.Log += math.Log(factor)
	return f
}

// over returns what divided by the figure, such as a price by a rate.
func (f Figure) over(what float64) Figure {
	e := f.Estimate.Reciprocal()
	e.Log += math.Log(what)
	low, high := what/f.High, what/f.Low
	if !(f.Low > 0) {
		low, high = math.NaN(), math.NaN()
	}
	return Figure{what / f.Value, low, high, e}
}

// of returns the figure of an estimate.
func of(e tradeoff.Estimate) Figure {
	c := e.Interval()
	return Figure{math.Exp(c.Log), math.Exp(c.Low), math.Exp(c.High), e}
}

// Names of figures that other packages make.
const (
	Output      = "output_tokens_per_sec"
	PerUnit     = "output_tokens_per_sec_per_unit"
	PerUser     = "tokens_per_sec_per_user"
	PerMoney    = "output_tokens_per_price"
	Capacity    = "capacity"
	Cost        = "cost_per_million_output_tokens"
	MedianTPOT  = "p50(tpot)"
	lateToken   = "p99(ttft)"
	medianToken = "p50(ttft)"
	requests    = "requests_per_sec"
	medianEnd   = "p50(request_latency)"
)

// Kind is what a figure is of.
type Kind struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Short  string  `json:"short"` // for a heading of a table
	Unit   string  `json:"unit"`
	Factor float64 `json:"factor"` // of the unit, 1000 where a time is shown in ms
	Higher bool    `json:"higher_is_better"`
	About  string  `json:"about"`
}

// kinds returns what there is, in the order of tables. The unit of a cost is that of the experiment.
func kinds(currency string) []Kind {
	return []Kind{
		{Output, "output tokens per second", "Output", "tokens/s", 1, true,
			"output tokens of all successes, over the time of the load"},
		{PerUnit, "output tokens per second and unit", "Per unit", "tokens/s", 1, true,
			"output tokens per second, over the units (such as GPUs) that the deployment occupies"},
		{PerUser, "tokens per second per user", "Per user", "tokens/s", 1, true,
			"one over the median time per output token (TPOT): how fast text comes to the median user"},
		{requests, "requests per second", "Requests", "1/s", 1, true, "successes, over the time of the load"},
		{"goodput", "good requests per second", "Goodput", "1/s", 1, true,
			"successes within the SLO's bounds on each request, over the time of the load"},
		{Capacity, "capacity", "Capacity", "", 1, true, "the highest load at which the SLO held, by a search"},
		{medianToken, "p50 TTFT", "TTFT p50", "ms", 1000, false, "time to first token, median of the successes"},
		{lateToken, "p99 TTFT", "TTFT p99", "ms", 1000, false,
			"time to first token, 99th percentile of the successes"},
		{MedianTPOT, "p50 TPOT", "TPOT p50", "ms", 1000, false,
			"time per output token after the first, median of the successes"},
		{"p99(tpot)", "p99 TPOT", "TPOT p99", "ms", 1000, false,
			"time per output token after the first, 99th percentile of the successes"},
		{medianEnd, "p50 request latency", "Latency p50", "ms", 1000, false, "whole request, median of the successes"},
		{"p99(request_latency)", "p99 request latency", "Latency p99", "ms", 1000, false,
			"whole request, 99th percentile of the successes"},
		{Cost, "cost of a million output tokens", "Cost", currency + " per 1M", 1, false,
			"price of the deployment, over its output tokens"},
	}
}

func kindOf(list []Kind, name string) Kind {
	for _, k := range list {
		if k.Name == name {
			return k
		}
	}
	return Kind{Name: name, Title: name, Short: name, Factor: 1}
}
