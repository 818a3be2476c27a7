package page

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// sessionColumn is a column of the table of sessions, with what a report on sessions has for it.
type sessionColumn struct {
	column
	value func(doc gjson.Result) string
}

// sessionColumns are the columns of the table of sessions.
var sessionColumns = []sessionColumn{
	{column{"Sessions", "", "sessions that ended"}, func(d gjson.Result) string {
		return grouped(d.Get("num_sessions").String())
	}},
	{column{"Failed", "", "sessions of which a call failed; the rest of their calls was not sent"},
		func(d gjson.Result) string { return grouped(d.Get("num_sessions_failed").String()) }},
	{column{"Cut", "", "sessions that the end of the load cut; they are in no other figure"},
		func(d gjson.Result) string { return grouped(d.Get("xk6_llm.unfinished.sessions").String()) }},
	{column{"Duration", "p50, s", "from the instant at which the first call could go to the end of the last"},
		atSeconds("session_duration_sec.median")},
	{column{"Duration", "p99, s", "the same, of the slowest sessions"}, atSeconds("session_duration_sec.p99")},
	{column{"First answer", "p50, s", "from the start of a session to the first token of a call that answers the user"},
		atSeconds("tfut_sec.median")},
	{column{"Model", "%", "share of the sessions' time in which the critical path was with the server"},
		atPercent("xk6_llm.critical_path.model.share")},
	{column{"Tools", "%", "share in which a tool ran, as the trace says"},
		atPercent("xk6_llm.critical_path.tool.share")},
	{column{"Thinking", "%", "share in which a person read and wrote, as the trace says"},
		atPercent("xk6_llm.critical_path.think.share")},
	{column{"Pauses", "%", "share in which the trace waits without telling for what"},
		atPercent("xk6_llm.critical_path.pause.share")},
	{column{"Late", "%", "share in which a call that was to be sent had not been sent yet"},
		atPercent("xk6_llm.critical_path.waiting.share")},
	{column{"Cache hits", "%", "share of the prompts' tokens that the server says it had in its cache"},
		func(d gjson.Result) string { return digits(number(d.Get("kv_cache_hit_percent"))) }},
	{column{"Fidelity", "of 100", "how close the replay was to the trace: gaps, order, calls sent, lengths"},
		func(d gjson.Result) string { return digits(number(d.Get("xk6_llm.fidelity.score"))) }},
}

func atSeconds(path string) func(gjson.Result) string {
	return func(d gjson.Result) string { return digits(number(d.Get(path))) }
}

func atPercent(path string) func(gjson.Result) string {
	return func(d gjson.Result) string { return digits(100 * number(d.Get(path))) }
}

// sessionTable returns the table of the runs' sessions, nil if no run replays any.
func sessionTable(runs []Run) *table {
	t := &table{ID: "sessions", Title: "Sessions", Head: []column{{}}}
	for _, c := range sessionColumns {
		t.Head = append(t.Head, c.column)
	}
	var reasons []string
	for i := range runs {
		doc := runs[i].sessions
		if !doc.Exists() {
			continue
		}
		line := row{Name: runs[i].Name, Run: -1}
		if len(runs) > 1 {
			line.Run = i
		}
		for _, c := range sessionColumns {
			line.Cells = append(line.Cells, numeric(c.value(doc))...)
		}
		t.Rows = append(t.Rows, line)
		if reason := doc.Get("xk6_llm.fidelity.reason").String(); reason != "" {
			reasons = append(reasons, fmt.Sprintf("The fidelity of %s is low: %s.", runs[i].Name,
				plain.Terminal(reason)))
		}
	}
	if t.Rows == nil {
		return nil
	}
	t.Note = strings.Join(append([]string{"Point at a heading to read what it means."}, reasons...), " ")
	t.dropEmpty()
	return t
}
