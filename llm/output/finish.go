package output

import (
	"errors"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// flushFile puts the file back if it is gone, and writes what is waiting.
func (o *Output) flushFile() error {
	remark, err := o.file.rescue()
	if remark != "" {
		o.log.Warn(remark)
	}
	return errors.Join(err, o.file.flush())
}

// keepPrivate closes the file to other users before texts come into it. It warns if that fails, as on some network
// drives.
func (o *Output) keepPrivate() {
	if err := o.file.keepPrivate(); err != nil {
		o.log.WithError(err).Warnf("the texts of requests and answers in %s can be read by others", o.path)
	}
}

// finish writes the last line, closes the file, and stores it as an object if that was asked for. It also tells the
// module of an error, because k6 logs the error and takes the run for a success.
func (o *Output) finish() error {
	o.encode(&o.end)
	err := o.flushFile()
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
