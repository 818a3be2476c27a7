package executor

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// Exec is the option exec of a scenario: the name of a function of the script, or {client, data}, with which the
// executor sends the items of a data set itself, without JavaScript. In JSON a Client and a Dataset are their numbers
// in the script, or objects with the number.
type Exec struct {
	Function null.String
	Native   *engine.Native // nil if iterations run a function
}

// UnmarshalJSON reads either form.
func (e *Exec) UnmarshalJSON(raw []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return e.Function.UnmarshalJSON(raw)
	}
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}
	e.Native = new(engine.Native)
	for _, member := range []struct {
		name, class string
		number      *int
	}{{"client", "Client", &e.Native.Client}, {"data", "Dataset", &e.Native.Data}} {
		if !readNumber(given[member.name], member.number) {
			return fmt.Errorf("exec is a function's name or {client, data}: %s must be a %s that the script made",
				member.name, member.class)
		}
		delete(given, member.name)
	}
	for name := range given {
		return fmt.Errorf("exec is a function's name or {client, data}: unknown %q", name)
	}
	return nil
}

// readNumber reads a number, or that of an object. It reports whether there is one.
func readNumber(raw json.RawMessage, number *int) bool {
	if json.Unmarshal(raw, number) == nil && string(raw) != "null" {
		return true
	}
	var object struct{ Number *int }
	if json.Unmarshal(raw, &object) != nil || object.Number == nil {
		return false
	}
	*number = *object.Number
	return true
}

// MarshalJSON writes the form that was given.
func (e Exec) MarshalJSON() ([]byte, error) {
	if e.Native != nil {
		return json.Marshal(e.Native)
	}
	return e.Function.MarshalJSON()
}
