package llm

import (
	"os"
	"reflect"

	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/llm/measure"
)

// failOnLostRecords has the process exit with the code of a run that was marked as failed if records of it are lost. Outputs end
// after k6 has settled the run's error, so this is done at k6's last event, when the summary is printed. An error that
// the run has of its own keeps its code.
func (m *ModuleInstance) failOnLostRecords() {
	if m.vu.Events().Global == nil {
		return
	}
	_, events := m.vu.Events().Global.Subscribe(6) // the type is not exported; its name is looked at below
	go func() {                                    // until k6 closes the channel, after the last event
		for e := range events {
			if e.Type.String() == "Exit" && succeeded(e.Data) && measure.LostRecords() != "" {
				os.Exit(int(exitcodes.MarkedAsFailed))
			}
			e.Done()
		}
	}()
}

// succeeded says whether the data of the last event, a struct of k6's that is not exported either, hold no error.
func succeeded(data any) bool {
	v := reflect.Indirect(reflect.ValueOf(data))
	if v.Kind() != reflect.Struct {
		return false
	}
	err := v.FieldByName("Error")
	return err.IsValid() && err.IsNil()
}
