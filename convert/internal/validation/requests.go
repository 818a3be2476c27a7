package validation

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/tidwall/gjson"
)

// early is how far a token time may lie outside its request, in seconds: records keep token times in whole microseconds
// and the ends of a request in nanoseconds.
const early = 2e-6

// diverging is the share of the larger of two token counts by which the counts may differ.
const diverging = 0.25

// tally counts the records with one fault and keeps the indices of the first of them.
type tally struct {
	n     int
	first []int
}

func (t *tally) add(index int) {
	if t.n++; t.n <= 5 {
		t.first = append(t.first, index)
	}
}

// String returns the end of a message, such as (record indices: 1, 2).
func (t *tally) String() string {
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(t.first), " ", ", "), "[]")
	if t.n > len(t.first) {
		list += ", ..."
	}
	return "(record indices: " + list + ")"
}

// requests checks the file of requests, record by record.
type requests struct {
	n                                               int
	incomplete, backward, unordered, outside, empty tally
	diverged                                        tally
}

// checkRequests checks a file of requests and returns their number, nil if the file is broken. Errors are those of the
// source.
func checkRequests(s scope, src io.Reader) (*int, error) {
	var q requests
	for list := newElements(src, maxElement); ; q.n++ {
		object, err := list.next()
		var broken *syntaxError
		if errors.As(err, &broken) {
			s.errorf("structure", "not a list of records: %v", broken)
			q.report(s)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if object == nil {
			q.report(s)
			return &q.n, nil
		}
		q.check(gjson.ParseBytes(object))
	}
}

func (q *requests) check(object gjson.Result) {
	info, failure := object.Get("info"), object.Get("error")
	start, hasStart := finite(object.Get("start_time"))
	end, hasEnd := finite(object.Get("end_time"))
	switch {
	case !hasStart || !hasEnd || !failure.Exists():
		q.incomplete.add(q.n)
		return
	case end < start:
		q.backward.add(q.n)
	}
	if !info.IsObject() { // the file may be asked for without
		return
	}
	response := info.Get("response_metrics")
	if failure.Type == gjson.Null && !response.IsObject() {
		q.empty.add(q.n)
	}
	q.times(response, start, end)
	if failure.Type == gjson.Null {
		q.tokens(response)
	}
}

// times checks the instants of tokens and chunks.
func (q *requests) times(response gjson.Result, start, end float64) {
	unordered, outside := false, false
	for _, key := range [...]string{"output_token_times", "chunk_times"} {
		last := math.Inf(-1)
		list := response.Get(key)
		if !list.IsArray() {
			continue
		}
		list.ForEach(func(_, value gjson.Result) bool {
			at, known := finite(value)
			unordered = unordered || !known || at < last
			outside = outside || known && (at < start-early || at > end+early)
			last = at
			return true
		})
	}
	if unordered {
		q.unordered.add(q.n)
	}
	if outside {
		q.outside.add(q.n)
	}
}

// tokens compares the two token counts of a record that has both.
func (q *requests) tokens(response gjson.Result) {
	client, counted := finite(response.Get("output_tokens"))
	server, reported := finite(response.Get("server_usage.completion_tokens"))
	if counted && reported && math.Abs(client-server) > diverging*max(client, server) {
		q.diverged.add(q.n)
	}
}

// report makes the findings, one for each kind of fault.
func (q *requests) report(s scope) {
	for _, e := range [...]struct {
		check, text string
		tally
	}{
		{"structure", "without start_time, end_time or error", q.incomplete},
		{"times", "with end_time before start_time", q.backward},
		{"token_times", "have token times that do not ascend", q.unordered},
		{"token_times", "have token times outside of start_time and end_time", q.outside},
	} {
		if e.n > 0 {
			s.errorf(e.check, "%d record(s) %s %v", e.n, e.text, &e.tally)
		}
	}
	if q.empty.n > 0 {
		s.warnf("response_presence", "%d successful record(s) have no response_metrics %v", q.empty.n, &q.empty)
	}
	if q.diverged.n > 0 {
		s.warnf("token_agreement",
			"%d record(s) have client output_tokens diverging from server completion_tokens by more than 25%% "+
				"(reasoning-channel tokens can account for some divergence) %v", q.diverged.n, &q.diverged)
	}
}
