package llm

import (
	"fmt"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// marking returns the function by which a script says what has happened.
func marking(m *ModuleInstance) func(sobek.Value) error {
	return func(v sobek.Value) error {
		text, isText := export(v).(string)
		if !isText {
			return asPrintable(fmt.Errorf("mark takes a text that says what happened, got %s", describe(v)))
		}
		return asPrintable(engine.Mark(m.engine, text))
	}
}
