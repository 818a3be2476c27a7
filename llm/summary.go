package llm

import (
	"errors"
	"os"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// summary makes a short text for standard output of the data of handleSummary, in the form that handleSummary returns.
func (m *ModuleInstance) summary(data sobek.Value) (map[string]any, error) {
	if absent(data) {
		return nil, errors.New("summary takes the data that handleSummary gets")
	}
	// The data is converted by JSON because it holds Go maps of k6's own types.
	figures, err := data.ToObject(m.vu.Runtime()).MarshalJSON()
	if err != nil {
		return nil, err
	}
	_, reportFollows := m.lookupEnv(record.OverridesEnv) // the command that sets it makes the report itself
	text, err := status.Summary{
		Simulated:   m.root.process.Simulated(),
		Failures:    &m.root.process.Failures,
		Remarks:     m.root.process.Oddities.Lines(),
		Lost:        samples.LostRecords(),
		Records:     commandline.RecordsPath(os.Args, m.lookupEnv),
		HideRecords: reportFollows,
	}.Text(figures)
	if err != nil {
		return nil, err
	}
	return map[string]any{"stdout": text}, nil
}
