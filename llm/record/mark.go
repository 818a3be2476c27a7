package record

import (
	"errors"
	"fmt"
)

// Mark is something that happened during the run, and may explain what the figures did then.
type Mark struct {
	Time   int64  `json:"time_ns"` // Unix nanoseconds
	Text   string `json:"text"`
	Source string `json:"source"` // one of the constants below
}

// Values of Mark.Source.
const (
	MarkGiven      = "given"      // by hand, as with --mark
	MarkFile       = "file"       // of a file of marks
	MarkTag        = "tag"        // the tag `mark` of a request
	MarkScript     = "script"     // mark() of a script
	MarkServer     = "server"     // the server's own page
	MarkPrometheus = "prometheus" // an alert that fired
)

func (*Mark) lineType() string { return "mark" }

func (m *Mark) validate() error {
	switch m.Source {
	case MarkGiven, MarkFile, MarkTag, MarkScript, MarkServer, MarkPrometheus:
	default:
		return fmt.Errorf("unknown source %.40q", m.Source)
	}
	if m.Text == "" {
		return errors.New("a mark without a text")
	}
	return instants(instant{"time_ns", m.Time})
}
