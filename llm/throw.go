package llm

import (
	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// asPrintable makes an error one that k6 may log on a terminal, whatever is in it; a script's own exceptions stay what
// they are.
func asPrintable(err error) error {
	if _, own := err.(*sobek.Exception); own { // as common.Throw has it
		return err
	}
	return plain.Error(err)
}

// throw throws a printable error.
func throw(rt *sobek.Runtime, err error) { common.Throw(rt, asPrintable(err)) }

// throwing is a function whose errors are printable.
func throwing[In, Out any](f func(In) (Out, error)) func(In) (Out, error) {
	return func(in In) (Out, error) {
		out, err := f(in)
		return out, asPrintable(err)
	}
}

// exported is a function of the module as scripts call it.
func exported[Out any](m *ModuleInstance, f func(*ModuleInstance, sobek.Value) (Out, error)) func(sobek.Value) (Out, error) {
	return throwing(func(v sobek.Value) (Out, error) { return f(m, v) })
}
