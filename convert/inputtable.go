package convert

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// generates reports whether any success of the group generates text.
func (l *Lifecycle) generates() bool {
	return l.texts() > 0 || !l.HasTextless()
}

// texts returns how many successes generate text.
func (l *Lifecycle) texts() int {
	n := l.Successes.Count - l.Additions.textless()
	for _, i := range l.Additions.Inputs {
		n -= i.Requests
	}
	return n
}

// inputCell returns the inputs per second of all APIs that have inputs.
func (l *Lifecycle) inputCell() string {
	if len(l.Additions.Inputs) == 0 {
		return noFigure
	}
	sum := 0.0
	for _, i := range l.Additions.Inputs {
		sum += float64(i.Rate)
	}
	return Digits(sum)
}

// inputHead returns what the inputs of the rows are called.
func inputHead(rows []row) string {
	name := ""
	for _, r := range rows {
		for api := range r.of.Additions.Inputs {
			if name != "" && name != inputName(api) {
				return "inputs/s"
			}
			name = inputName(api)
		}
	}
	return name + "s/s"
}

// throughputOf describes the rates of a run, without those that it cannot have.
func throughputOf(l *Lifecycle) string {
	tp := l.Successes.Throughput
	list := []string{rate(tp.Requests, 2) + " requests/s"}
	for _, api := range sortedKeys(l.Additions.Inputs) {
		list = append(list, rate(l.Additions.Inputs[api].Rate, 1)+" "+inputName(api)+"s/s")
	}
	for _, b := range l.Additions.blocks() {
		list = append(list, b.rates()...)
	}
	if !math.IsNaN(float64(tp.InputTokens)) || len(l.Additions.blocks()) == 0 {
		list = append(list, rate(tp.InputTokens, 1)+" prompt tokens/s")
	}
	if l.generates() {
		list = append(list, rate(tp.OutputTokens, 1)+" output tokens/s")
	}
	return strings.Join(list, ", ")
}

// inputs prints a sentence on the requests and answers of each API that has inputs.
func (t *table) inputs(all map[string]Inputs) {
	for _, api := range sortedKeys(all) {
		i := all[api]
		if i.Requests == 0 {
			continue
		}
		list := []string{fmt.Sprintf("p50 %s %ss a request", percentileCells(i.PerRequest, 1, 50)[0], inputName(api))}
		if i.Bytes != nil {
			list = append(list, percentileCells(i.Bytes, 1, 50)[0]+" bytes an answer")
		}
		switch len(i.VectorLengths) {
		case 0:
		case 1:
			list = append(list, fmt.Sprintf("vectors of length %d", i.VectorLengths[0].Length))
		default:
			list = append(list, fmt.Sprintf("vectors of %d lengths", len(i.VectorLengths)))
		}
		t.say("%s: %s", api, strings.Join(list, ", "))
	}
}

// batches prints the latency by the number of inputs if requests differ in it.
func (t *table) batches(all map[string]Inputs) {
	for _, api := range sortedKeys(all) {
		list := all[api].ByBatch
		if len(list) < 2 {
			continue
		}
		var labels []string
		count, latency := group{heads: []string{"requests"}}, group{heads: []string{"latency p50", "p90", "p99"}}
		for _, b := range list {
			label := fmt.Sprint(b.From)
			if b.To != b.From {
				label = fmt.Sprintf("%d-%d", b.From, b.To)
			}
			labels = append(labels, label)
			count.cells = append(count.cells, []string{fmt.Sprint(b.Requests)})
			latency.cells = append(latency.cells, percentileCells(b.Latency, 1000, 50, 90, 99))
		}
		t.grid(inputName(api)+"s", labels, []group{count, latency})
	}
}

// unitsOf says in what the figures of the rows are.
func unitsOf(rows []row) string {
	any := func(is func(row) bool) bool { return slices.ContainsFunc(rows, is) }
	var times []string
	if any(func(r row) bool { return r.of.generates() }) {
		times = append(times, "TTFT", "ITL")
	}
	if any(func(r row) bool { return r.of.Additions.Speech != nil }) {
		times = append(times, "first audio")
	}
	times = append(times, "latency")
	names := times[len(times)-1]
	if before := times[:len(times)-1]; len(before) > 0 {
		names = strings.Join(before, ", ") + " and " + names
	}
	if any(iterates) {
		return names + " in ms; iterations as asked for, sent and done in requests per second"
	}
	return names + " in ms; asked, sent and done in requests per second"
}
