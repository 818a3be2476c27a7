package convert

import (
	"cmp"
	"io"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// perSession is one element of inference-perf's file of sessions. Instants are seconds since 1970.
type perSession struct {
	ID          string          `json:"session_id"`
	Stage       int             `json:"stage_id"`
	File        string          `json:"file_path"`
	Start       Float           `json:"start_time"`
	End         Float           `json:"end_time"`
	Duration    Float           `json:"duration_sec"`
	Calls       int             `json:"num_events"`
	Completed   int             `json:"num_events_completed"`
	Cancelled   int             `json:"num_events_cancelled"`
	Substituted *int            `json:"n_recorded_substitutions"`
	IDs         []string        `json:"recorded_substitution_event_ids"`
	Retries     int             `json:"retries_attempted,omitempty"`
	Recovered   *int            `json:"retries_recovered,omitempty"`
	Success     bool            `json:"success"`
	Error       *perRequestFail `json:"error"`
	Input       *int64          `json:"total_input_tokens"`
	Output      *int64          `json:"total_output_tokens"`
	Cached      *int64          `json:"total_cached_tokens"`
	Cacheable   *int64          `json:"total_cacheable_input_tokens"`
	UserFacing  []string        `json:"user_facing_event_ids"`
	Structured  int             `json:"num_structured_output_excluded"`
	TFUT        *Float          `json:"tfut_sec"`
	TFUTNone    *string         `json:"tfut_none_reason"`
}

// sessionsByEnd returns the sessions that ended, in order of their ends.
func sessionsByEnd(r *run.Run) (list []*run.Session) {
	for _, s := range r.Sessions {
		if !s.Unfinished() {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *run.Session) int { return cmp.Compare(a.End, b.End) })
	return list
}

// writePerSession writes the sessions that ended, in order of their ends.
func writePerSession(r *run.Run, w io.Writer, o Options) error {
	g := &subset{run: r, opts: o.withDefaults()}
	between := "[\n  "
	for _, s := range sessionsByEnd(r) {
		text, err := pythonJSON(newPerSession(g, s), "  ")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, between+string(text)); err != nil {
			return err
		}
		between = ",\n  "
	}
	if between == "[\n  " {
		_, err := io.WriteString(w, "[]")
		return err
	}
	_, err := io.WriteString(w, "\n]")
	return err
}

func newPerSession(g *subset, s *run.Session) perSession {
	f := factsOf(g, s)
	e := perSession{
		ID: s.ID, Stage: s.Stage, File: cmp.Or(s.Origin, s.ID), Start: Float(g.run.Seconds(s.Start)),
		End: Float(g.run.Seconds(s.End)), Duration: Float(f.duration), Calls: s.Calls,
		Completed: s.Completed, Cancelled: f.cancelled, Success: s.Succeeded(), Input: whole(f.input),
		Output: whole(f.output), Cached: whole(f.cached), Cacheable: whole(f.prompt),
		UserFacing: append([]string{}, s.UserFacing...), Structured: s.Structured, TFUT: orNull(f.tfut),
	}
	if n := len(s.Substituted); n > 0 {
		e.Substituted, e.IDs = &n, s.Substituted
	}
	if f.retried > 0 {
		e.Retries, e.Recovered = f.retried, &f.recovered
	}
	if !e.Success {
		e.Error = &perRequestFail{cmp.Or(s.ErrorType, "unreported"), s.Error}
	}
	if f.tfutNone != "" {
		e.TFUTNone = &f.tfutNone
	}
	return e
}

// whole returns a count, and nil if it is unknown.
func whole(n float64) *int64 {
	if math.IsNaN(n) {
		return nil
	}
	return new(int64(n))
}
