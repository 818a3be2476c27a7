package trace

import (
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// azure reads the traces that Azure published: tables with the columns TIMESTAMP, ContextTokens and GeneratedTokens.
// Each row is a session of one call, with a prompt that no other has.
type azure struct{}

func newAzure(Options) Format { return azure{} }

func (azure) Name() string { return "azure" }

func (azure) Detects(record []byte) bool {
	return gjson.GetBytes(record, "TIMESTAMP").Exists() && gjson.GetBytes(record, "ContextTokens").Exists() &&
		gjson.GetBytes(record, "GeneratedTokens").Exists()
}

func (azure) Index(record []byte) (Entry, error) {
	at := gjson.GetBytes(record, "TIMESTAMP").String()
	if at == "" {
		return Entry{}, fmt.Errorf("no TIMESTAMP")
	}
	return Entry{Time: at}, nil
}

func (azure) Session(records []Record) (*workload.Session, error) {
	prompt, err := tokens(records[0].Data, "ContextTokens")
	if err != nil {
		return nil, err
	}
	answer, err := tokens(records[0].Data, "GeneratedTokens")
	if err != nil {
		return nil, err
	}
	return &workload.Session{Calls: []workload.Call{sized(records[0], prompt, answer)}}, nil
}
