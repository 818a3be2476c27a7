package convert

import (
	"encoding/csv"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// SessionRow is a row of sessions.parquet: one session. Undefined values are null.
type SessionRow struct {
	RunID     string `parquet:"run_id,dict"`
	Instance  string `parquet:"instance,dict"`
	Scenario  string `parquet:"scenario,dict"`
	Stage     int32  `parquet:"stage"`
	Index     int64  `parquet:"index"`
	SessionID string `parquet:"session_id"`
	Origin    string `parquet:"origin"`
	Label     string `parquet:"label,dict,optional"`

	Due      *int64   `parquet:"due_ns,optional"`
	Start    int64    `parquet:"start_ns"`
	End      int64    `parquet:"end_ns"`
	Duration float64  `parquet:"duration_ms"`
	TFUT     *float64 `parquet:"tfut_ms,optional"`
	TFUTNone string   `parquet:"tfut_none_reason,dict"`

	Calls       int32    `parquet:"calls"`
	Sent        int32    `parquet:"calls_sent"`
	Completed   int32    `parquet:"calls_completed"`
	Cancelled   int32    `parquet:"calls_cancelled"`
	UserFacing  []string `parquet:"user_facing,list"`
	Substituted []string `parquet:"substituted,list"`
	ErrorType   string   `parquet:"error_type,dict"`
	Error       string   `parquet:"error"`

	Input     *int64 `parquet:"prompt_tokens,optional"`
	Output    *int64 `parquet:"completion_tokens,optional"`
	Cached    *int64 `parquet:"cached_tokens,optional"`
	Cacheable *int64 `parquet:"cacheable_tokens,optional"`
	Expected  *int64 `parquet:"expected_cached_tokens,optional"`

	Model   float64 `parquet:"path_model_ms"`
	Tool    float64 `parquet:"path_tool_ms"`
	Think   float64 `parquet:"path_think_ms"`
	Pause   float64 `parquet:"path_pause_ms"`
	Waiting float64 `parquet:"path_waiting_ms"`
}

// SessionTable writes the replayed sessions of a run as tables for other programs. [NewSessionTable] makes one.
type SessionTable struct {
	run   *run.Run
	known map[*run.Request]knownBlocks
}

// NewSessionTable returns the table of a run's sessions.
func NewSessionTable(r *run.Run) SessionTable { return SessionTable{r, expectedReuse(r, 0)} }

// WriteParquet writes one row per session.
func (t SessionTable) WriteParquet(out io.Writer) error {
	return writeRows(out, func(w *rowWriter[SessionRow]) error { return t.each(w.write) },
		parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", t.run.ID()))
}

// WriteCSV writes one line per session, in the form of [RequestTable.WriteCSV].
func (t SessionTable) WriteCSV(w io.Writer) error {
	return buffered(w, func(w io.Writer) error {
		out, columns := csv.NewWriter(w), columnsOf(reflect.TypeFor[SessionRow]())
		if err := out.Write(names(columns)); err != nil {
			return err
		}
		if err := t.each(func(row SessionRow) error { return out.Write(csvLine(columns, row)) }); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
}

func (t SessionTable) each(write func(SessionRow) error) error {
	g := &subset{run: t.run}
	for _, s := range t.run.Sessions {
		if err := write(newSessionRow(g, s, t.known)); err != nil {
			return err
		}
	}
	return nil
}

func newSessionRow(g *subset, s *run.Session, known map[*run.Request]knownBlocks) SessionRow {
	f, path := factsOf(g, s), pathOf(s)
	ms := func(kind PathKind) float64 { return *milliseconds(g.run.Seconds(path[kind])) }
	row := SessionRow{
		RunID: g.run.ID(), Instance: g.run.InstanceOf(s.Session), Scenario: s.Scenario, Stage: narrow(s.Stage),
		Index: s.Index, SessionID: s.ID, Origin: s.Origin, Label: s.Label, Due: s.Due, Start: s.Start, End: s.End,
		Duration: *milliseconds(f.duration), TFUT: milliseconds(f.tfut), TFUTNone: f.tfutNone,
		Calls: narrow(s.Calls), Sent: narrow(s.Sent), Completed: narrow(s.Completed), Cancelled: narrow(f.cancelled),
		UserFacing: s.UserFacing, Substituted: s.Substituted, ErrorType: s.ErrorType, Error: s.Error,
		Input: whole(f.input), Output: whole(f.output), Cached: whole(f.cached), Cacheable: whole(f.prompt),
		Model: ms(PathModel), Tool: ms(PathTool), Think: ms(PathThink), Pause: ms(PathPause), Waiting: ms(PathWaiting),
	}
	if !s.Recorded {
		row.Instance = s.Requests[0].Instance
	}
	if u := reuseOf([]*run.Session{s}, known, 0); u != nil {
		row.Expected = &u.Expected
	}
	return row
}
