package executor

import (
	"bytes"
	"encoding/json"
	"errors"
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
	for name, number := range map[string]*int{"client": &e.Native.Client, "data": &e.Native.Data} {
		if err := readNumber(given[name], number); err != nil {
			return fmt.Errorf("exec is a function's name or {client, data}: %s %w", name, err)
		}
		delete(given, name)
	}
	for name := range given {
		return fmt.Errorf("exec is a function's name or {client, data}: unknown %q", name)
	}
	return nil
}

var errNoNumber = errors.New("must be an object that the script made, or its number")

func readNumber(raw json.RawMessage, number *int) error {
	if json.Unmarshal(raw, number) == nil && string(raw) != "null" {
		return nil
	}
	var object struct{ Number *int }
	if json.Unmarshal(raw, &object) != nil || object.Number == nil {
		return errNoNumber
	}
	*number = *object.Number
	return nil
}

// MarshalJSON writes the form that was given.
func (e Exec) MarshalJSON() ([]byte, error) {
	if e.Native != nil {
		return json.Marshal(e.Native)
	}
	return e.Function.MarshalJSON()
}
