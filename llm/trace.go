package llm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// trace reads the instants of a trace file, in seconds, for scenarios({arrival: 'trace', trace: …}).
func trace(m *ModuleInstance, path sobek.Value) ([]float64, error) {
	var name string
	if err := text(&name)(path); err != nil {
		return nil, errors.New("trace takes the path of a file: " + err.Error())
	}
	if m.vu.InitEnv() == nil {
		return nil, errors.New("a trace can be read in the init context only, outside the default function")
	}
	return readTrace(m, name)
}

// readTrace returns the instants of a trace's requests, in seconds after the first. Once per process it reads the file,
// and logs how it read the instants.
func readTrace(m *ModuleInstance, name string) ([]float64, error) {
	read := func() (arrival.TraceFile, error) {
		data, abs, err := m.source().ReadTrace(name)
		if err != nil {
			return arrival.TraceFile{}, err
		}
		t, err := arrival.ReadTrace(bytes.NewReader(data), abs)
		if err != nil {
			return arrival.TraceFile{}, err
		}
		column := "the first column"
		if t.Column != "" {
			column = fmt.Sprintf("the column %q", t.Column)
		}
		n := len(t.Seconds)
		m.vu.InitEnv().Logger.Infof("trace %s: %d instants over %.6g s; %s is read as %s", plain.Terminal(abs), n,
			t.Seconds[n-1], column, t.Unit)
		return t, nil
	}
	t, err := m.root.traces.Get(name, read)
	return slices.Clone(t.Seconds), err // a script may change its list
}
