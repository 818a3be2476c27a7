package output

import (
	"errors"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// finish closes the file, and stores it as an object if that was asked for. If its end could not be written, finish
// makes room for the last line. It also tells the module of an error, because k6 logs the error and takes the run for a
// success.
func (o *Output) finish(err error) error {
	if err != nil {
		err = errors.Join(err, o.file.endFull(&o.end))
	}
	err = errors.Join(err, o.file.close())
	o.path = o.file.path
	if err == nil {
		err = o.store()
	}
	if err != nil {
		samples.LoseRecords(err.Error())
	}
	return err
}
