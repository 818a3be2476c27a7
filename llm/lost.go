package llm

import (
	"os"
	"reflect"
	"time"

	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// farewell is how long the process lives on when records are lost: what else ends with k6, such as browsers, does so
// meanwhile, and logs reach their files.
const farewell = time.Second

// failOnLostRecords exits with the code of a run that was marked as failed if records of the run are lost. Outputs end
// after k6 has settled the run's error, so this is for k6's last event, when the summary is printed. An error that the
// run has of its own keeps its code.
func failOnLostRecords(exit any) {
	if succeeded(exit) && samples.LostRecords() != "" {
		time.Sleep(farewell)
		os.Exit(int(exitcodes.MarkedAsFailed))
	}
}

// succeeded says whether the data of the last event, a struct that k6 does not export either, hold no error.
func succeeded(data any) bool {
	v := reflect.Indirect(reflect.ValueOf(data))
	if v.Kind() != reflect.Struct {
		return false
	}
	err := v.FieldByName("Error")
	return err.IsValid() && err.IsNil()
}
