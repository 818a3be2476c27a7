package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/prometheus"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// MarkAlerts adds to a run the marks of the alerts of a Prometheus that began or ended meanwhile, if one is named. A
// failure is printed on stderr, and the run has no such marks then. The recipe of the report names the source.
func MarkAlerts(cmd *cobra.Command, r *run.Run, m ServerMetrics, recipe *convert.Recipe) {
	if !m.wanted() || r.Clock != run.RecordTick || len(r.Requests) == 0 {
		return
	}
	recipe.Unrepeated = convert.AddNew(recipe.Unrepeated, []string{convert.FromPrometheus})
	list, err := askAlerts(cmd.Context(), r, m)
	if err == nil {
		// those of a report that the run is read from are asked for anew
		r.Marks = slices.DeleteFunc(r.Marks, func(k run.Mark) bool { return k.Source == record.MarkPrometheus })
		err = run.AddMarks(r, list)
	}
	if err != nil {
		cmd.PrintErrln("remark: no marks of the alerts of Prometheus:", plain.Message(err))
	}
}

func askAlerts(ctx context.Context, r *run.Run, m ServerMetrics) (marks []run.Mark, err error) {
	p, err := prometheus.Open(ctx, m.Source)
	if err != nil {
		return nil, err
	}
	first, last := r.Requests[0].Start, r.Requests[0].End
	for _, q := range r.Requests {
		first, last = min(first, q.Start), max(last, q.End)
	}
	list, err := p.Alerts(ctx, m.Settings, prometheus.Window{Start: time.Unix(0, first), End: time.Unix(0, last)})
	for _, a := range list {
		marks = append(marks, run.AlertMark(a.At.UnixNano(), a.Name, a.Ends))
	}
	return marks, err
}
