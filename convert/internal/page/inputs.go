package page

import (
	"fmt"
	"math"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Figures of requests that have inputs and generate no text: embeddings and rerank.

// inputsOf calls f for each API of such requests.
func inputsOf(doc gjson.Result, f func(api string, of gjson.Result)) {
	doc.Get("xk6_llm.inputs").ForEach(func(api, of gjson.Result) bool {
		f(api.Str, of)
		return true
	})
}

// inputRate returns the inputs per second, or NaN if no request has inputs.
func inputRate(doc gjson.Result) float64 {
	sum := math.NaN()
	inputsOf(doc, func(_ string, of gjson.Result) {
		if rate := number(of.Get("inputs_per_sec")); math.IsNaN(sum) {
			sum = rate
		} else {
			sum += rate
		}
	})
	return sum
}

// generates reports whether a success of a report generates text, or it has no success.
func generates(doc gjson.Result) bool {
	texts, any := number(doc.Get("successes.count")), false
	inputsOf(doc, func(_ string, of gjson.Result) {
		texts, any = texts-number(of.Get("requests")), true
	})
	for _, api := range record.MediaAnswers {
		if n := doc.Get("xk6_llm." + api + ".requests"); n.Exists() {
			texts, any = texts-n.Num, true
		}
	}
	return texts != 0 || !any
}

// outputRate returns the output tokens per second, or NaN if no request generates text.
func outputRate(doc gjson.Result) float64 {
	if !generates(doc) {
		return math.NaN()
	}
	return throughput(doc, "output_tokens")
}

// gain is what a server delivers, as the x axis of charts: output tokens, or inputs if nothing generates text, or
// answers if nothing has inputs either.
type gain struct {
	label, unit string
	rate        func(gjson.Result) float64
}

func (all stages) gain() gain {
	for _, s := range all {
		if generates(s.doc) {
			return gain{"output tokens per second", "tok/s", outputRate}
		}
	}
	for _, s := range all {
		if !math.IsNaN(inputRate(s.doc)) {
			return gain{"inputs per second", "/s", inputRate}
		}
	}
	return gain{"successes per second", "/s", func(doc gjson.Result) float64 { return throughput(doc, "requests") }}
}

// inputs returns a chart of the inputs per second.
func (a axisKind) inputs(runs []Run) chart {
	c := a.base(runs, "inputs", "Inputs", axis{Label: "inputs per second", Unit: "/s"})
	c.Note = "Texts of embeddings, documents of a rerank."
	for i := range runs {
		s := a.series(&runs[i], func(s part) float64 { return inputRate(s.doc) })
		s.Name, s.Run = named(runs, i, "inputs"), i
		c.add(s)
	}
	return c
}

// inputLatencies is the distribution of the latencies of requests that have inputs.
func inputLatencies(c *curves) xy { return c.latency }

// batchTables returns, for each run and API, a table of the latency by the number of inputs of a request, if requests
// differ in it.
func batchTables(runs []Run) (list []*table) {
	for i, r := range runs {
		inputsOf(r.summary, func(api string, of gjson.Result) {
			batches := of.Get("by_batch").Array()
			if len(batches) < 2 {
				return
			}
			t := &table{ID: fmt.Sprintf("batches-%d-%s", i, api), Title: "Request latency of " + api +
				" by the " + inputWord(api) + " of a request"}
			if len(runs) > 1 {
				t.Title += ", " + r.Name
			}
			t.Head = append([]column{{Name: inputWord(api)}, {Name: "requests"}}, latencyStatistics...)
			for _, b := range batches {
				t.Rows = append(t.Rows, batchRow(b))
			}
			t.dropEmpty()
			list = append(list, t)
		})
	}
	return list
}

func inputWord(api string) string {
	switch api {
	case record.APIEmbeddings:
		return "texts"
	case record.APIRerank:
		return "documents"
	}
	return "inputs"
}

func batchRow(b gjson.Result) row {
	from, to := count(b.Get("inputs_from")), count(b.Get("inputs_to"))
	line := row{Name: from, Run: -1, Cells: numeric(count(b.Get("requests")))}
	if from != to {
		line.Name += "–" + to
	}
	of := figure{paths: []string{"request_latency"}}
	for _, s := range latencyStatistics {
		line.Cells = append(line.Cells, numeric(milliseconds(of.statistic(b, s.Name)))...)
	}
	return line
}
