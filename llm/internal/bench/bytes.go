//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.k6.io/k6/v2/lib"
	k6metrics "go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// bytesCost prints the cost of writing records, of making a report of them, and of counting tokens, as ratios to
// reading the same bytes line by line.
func bytesCost(rounds int) error {
	for _, part := range []func(int) error{recordCost, converterCost, tokenizerCost} {
		if err := part(rounds); err != nil {
			return err
		}
	}
	return nil
}

// recordCost prints the cost of records of 200 tokens.
func recordCost(rounds int) error {
	const tokens, times = 200, 10_000
	r := answer(tokens)
	line, err := record.Append(nil, r)
	if err != nil {
		return err
	}
	registry := k6metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		return err
	}
	text := bytes.Repeat(append(line, '\n'), times)
	vu := k6metrics.TagsAndMeta{Tags: registry.RootTagSet()}
	return compareToReading(rounds, "record of an answer of 200 tokens, its samples and its line",
		"ns of CPU per token",
		tokens*times, text, func() error {
			for range times {
				c := m.Request(r, r.Counts(), vu, samples.ITLRequest)
				if line, err = c.AppendText(line[:0]); err != nil {
					return err
				}
			}
			return nil
		})
}

// converterCost prints the cost of a report of answers of 100 tokens.
func converterCost(rounds int) error {
	const tokens, requests = 100, 20_000
	text, err := manyRecords(requests, tokens)
	if err != nil {
		return err
	}
	return compareToReading(rounds, "converter, answers of 100 tokens", "ns of CPU per token", tokens*requests, text,
		func() error { return makeReport(text) })
}

// compareToReading prints the cost of a unit, and its ratio to reading the lines of a text.
func compareToReading(rounds int, name, unit string, units float64, text []byte, do func() error) error {
	var cost, ratio []float64
	for range rounds {
		read, err := cpuOf(func() error { return readLines(text) })
		if err != nil {
			return err
		}
		used, err := cpuOf(do)
		if err != nil {
			return err
		}
		cost, ratio = append(cost, float64(used.Nanoseconds())/units), append(ratio, float64(used)/float64(read))
	}
	fmt.Printf("\n%s: %s\n", name, unit)
	row("cost", cost)
	row("ratio to reading the lines", ratio)
	return nil
}

// readLines reads lines in the way of the bare client.
func readLines(text []byte) error {
	for r := bufio.NewReaderSize(bytes.NewReader(text), 4096); ; {
		switch _, err := r.ReadSlice('\n'); err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// cpuOf returns the CPU time that a function takes.
func cpuOf(do func() error) (time.Duration, error) {
	begun := cpuTime()
	err := do()
	return cpuTime() - begun, err
}

// tokenizerCost prints the cost of counting the tokens of the sample conversations, with a byte-level and a metaspace
// vocabulary.
func tokenizerCost(rounds int) error {
	data, err := os.ReadFile("scripts/data/sharegpt-sample.json")
	if err != nil {
		return err
	}
	var items []struct{ Conversations []struct{ Value string } }
	if err := json.Unmarshal(data, &items); err != nil {
		return err
	}
	var texts []string
	for _, item := range items {
		for _, turn := range item.Conversations {
			texts = append(texts, turn.Value)
		}
	}
	all := []byte(strings.Repeat(strings.Join(texts, "\n"), 10))
	for _, name := range []string{"bpe-llama3", "bpe-llama2"} {
		file, err := os.ReadFile("llm/tokenizer/testdata/" + name + ".json")
		if err != nil {
			return err
		}
		t, err := tokenizer.Parse(file)
		if err != nil {
			return err
		}
		err = compareToReading(rounds, "tokenizer, "+name, "ns of CPU per byte", float64(len(all)), all, func() error {
			for range 10 {
				for _, text := range texts {
					t.Count(text)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeReport makes the report of a text of records.
func makeReport(text []byte) error {
	run, err := run.Read(run.Options{}, run.Source{Name: "run.jsonl", Reader: bytes.NewReader(text)})
	if err == nil {
		convert.Summarize(run, convert.Options{})
	}
	return err
}

// answer returns a record with a number of tokens.
func answer(tokens int) *record.Request {
	r := &record.Request{
		ID: "bench-1", API: "completion", Model: "sim", Streaming: true, Start: 1,
		Usage: fmt.Appendf(nil, `{"prompt_tokens":3,"completion_tokens":%d}`, tokens),
	}
	for i := range int64(tokens) {
		r.Chunks = append(r.Chunks, 50_000+10_000*i)
	}
	r.End = r.Start + 3e9
	return r
}

// manyRecords returns the records of a run of n different requests as text.
func manyRecords(n, tokens int) (text []byte, err error) {
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "bench", Instance: "1", Segment: "0:1", Start: 1}}
	for i := range n {
		r := answer(tokens)
		r.ID, r.Index, r.Start = fmt.Sprint("bench-", i), int64(i), int64(1+i)*1e6
		r.End += r.Start
		for k := range r.Chunks {
			r.Chunks[k] += int64(i*k) % 977
		}
		lines = append(lines, r)
	}
	for _, line := range append(lines, &record.End{Status: "finished", Requests: int64(n)}) {
		if text, err = record.Append(text, line); err != nil {
			return nil, err
		}
		text = append(text, '\n')
	}
	return text, nil
}
