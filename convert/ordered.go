package convert

import (
	"bytes"
	"errors"
)

// orderedObject writes a JSON object member by member.
type orderedObject struct {
	buf bytes.Buffer
	err error
}

func (o *orderedObject) add(name string, value any) {
	key, err := plainJSON(name)
	text, failed := plainJSON(value)
	o.err = errors.Join(o.err, err, failed)
	if o.buf.Len() > 0 {
		o.buf.WriteByte(',')
	}
	o.buf.Write(append(append(key, ':'), text...))
}

func (o *orderedObject) end() ([]byte, error) {
	return append(append([]byte("{"), o.buf.Bytes()...), '}'), o.err
}
