package llm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// trace reads the instants of a trace file, in seconds, for scenarios({arrival: 'trace', trace: …}).
func (m *ModuleInstance) trace(path sobek.Value) ([]float64, error) {
	var name string
	if err := text(&name)(path); err != nil {
		return nil, errors.New("trace takes the path of a file: " + err.Error())
	}
	if m.vu.InitEnv() == nil {
		return nil, errors.New("a trace can be read in the init context only, outside the default function")
	}
	return m.readTrace(name)
}

// readTrace reads the instants of a trace's requests, in seconds after the first.
func (m *ModuleInstance) readTrace(name string) ([]float64, error) {
	data, abs, err := m.readTraceFile(name)
	if err != nil {
		return nil, err
	}
	return arrival.ReadTrace(bytes.NewReader(data), abs)
}

// readTraceFile reads a trace, unless it has a form that none of its readers knows.
func (m *ModuleInstance) readTraceFile(name string) (data []byte, abs string, err error) {
	if data, abs, err = m.readFile("trace", name); err != nil {
		return nil, abs, err
	}
	if err = datasets.RefuseMooncake(data); err != nil {
		err = fmt.Errorf("%s: %w", abs, err)
	}
	return data, abs, err
}
