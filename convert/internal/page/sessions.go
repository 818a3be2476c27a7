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
	{column{"TFUT", "p50, s", "from the start of a session to the first token of a call that answers the user"},
		atSeconds("tfut_sec.median")},
	{column{"Model", "%", "share of the sessions' time in which the critical path was with the server"},
		atPercent("xk6_llm.critical_path.model.share")},
	{column{"Tool", "%", "share in which a tool ran, as the trace says"},
		atPercent("xk6_llm.critical_path.tool.share")},
	{column{"Think", "%", "share in which a person read and wrote, as the trace says"},
		atPercent("xk6_llm.critical_path.think.share")},
	{column{"Pause", "%", "share in which the trace waits without telling for what"},
		atPercent("xk6_llm.critical_path.pause.share")},
	{column{"Waiting", "%", "share in which a call that was to be sent had not been sent yet"},
		atPercent("xk6_llm.critical_path.waiting.share")},
	{column{"Cache hits", "%", "share of the prompts' tokens that the server says it had in its cache"},
		func(d gjson.Result) string { return digits(number(d.Get("kv_cache_hit_percent"))) }},
	{column{"Reuse", "% to expect", "share of the prompts' tokens that a cache would know which forgets nothing"},
		func(d gjson.Result) string { return digits(number(d.Get("xk6_llm.prefix_reuse.expected_percent"))) }},
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
	var notes []string
	for i := range runs {
		if !runs[i].sessions.Exists() {
			continue
		}
		for _, p := range sessionParts(&runs[i]) {
			line := row{Name: p.name, Run: -1}
			if len(runs) > 1 {
				line.Name, line.Run = runs[i].Name+", "+p.name, i
			}
			for _, c := range sessionColumns {
				line.Cells = append(line.Cells, numeric(c.value(p.doc))...)
			}
			t.Rows = append(t.Rows, line)
		}
		notes = append(notes, sessionNotes(runs[i].Name, runs[i].sessions)...)
	}
	if t.Rows == nil {
		return nil
	}
	t.Note = strings.Join(append([]string{"Point at a heading to read what it means."}, notes...), " ")
	t.dropEmpty()
	return t
}

// sessionParts returns the reports on the sessions of a run: of each stage if it has several, and of all.
func sessionParts(r *Run) (list []part) {
	if len(r.sessionStages) > 1 {
		list = append(list, r.sessionStages...)
	}
	return append(list, part{name: wholeRun, doc: r.sessions})
}

// sessionNotes returns sentences on why a replay differs from its trace.
func sessionNotes(name string, doc gjson.Result) (list []string) {
	fidelity := doc.Get("xk6_llm.fidelity")
	if reason := fidelity.Get("reason").String(); reason != "" {
		list = append(list, fmt.Sprintf("The fidelity of %s is low: %s.", name, plain.Terminal(reason)))
	}
	if short := fidelity.Get("waits_shortened"); short.Get("calls").Int() > 0 {
		list = append(list, fmt.Sprintf("%s of %s waits of %s were shortened, %s s left out (max_wait_ms, maxWait).",
			grouped(short.Get("calls").String()), grouped(short.Get("waits").String()), name,
			digits(number(short.Get("seconds_left_out")))))
	}
	return list
}
