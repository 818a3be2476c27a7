package trace

import (
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// azure reads the traces that Azure published in 2023, 2024 and 2025: tables with the columns TIMESTAMP, ContextTokens
// and GeneratedTokens. Each row is a session of one call, with a prompt that no other has.
type azure struct{}

func newAzure(Options) Format { return azure{} }

func (azure) Name() string { return "azure" }

func (azure) Detects(record []byte) bool {
	f := pick(record, "TIMESTAMP", "ContextTokens", "GeneratedTokens")
	return f[0].Exists() && f[1].Exists() && f[2].Exists()
}

func (azure) Needed(name string) bool { return name == "TIMESTAMP" }

func (azure) Index(record []byte) (Entry, error) {
	return timed(gjson.Get(view(record), "TIMESTAMP"), "TIMESTAMP", 0) // faster than pick, for tens of millions of rows
}

func (azure) Session(records []Record) (*workload.Session, error) {
	f := pick(records[0].Data, "ContextTokens", "GeneratedTokens")
	prompt, err := tokens(f[0], "ContextTokens")
	if err != nil {
		return nil, err
	}
	answer, err := tokens(f[1], "GeneratedTokens")
	if err != nil {
		return nil, err
	}
	c := sized(records[0], prompt, answer)
	c.ID = "1"
	return &workload.Session{Calls: []workload.Call{c}}, nil
}
