package llm

import (
	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// asPrintable turns an error into one that k6 can safely log on a terminal, whatever the error contains. It leaves a
// script's own exceptions unchanged.
func asPrintable(err error) error {
	if _, own := err.(*sobek.Exception); own { // common.Throw makes the same check
		return err
	}
	err = plain.Error(err)
	if err != nil {
		thrown.add(err.Error())
	}
	return err
}

// throw throws a printable error.
func throw(rt *sobek.Runtime, err error) { common.Throw(rt, asPrintable(err)) }

// throwing returns a function whose errors are printable.
func throwing[In, Out any](f func(In) (Out, error)) func(In) (Out, error) {
	return func(in In) (Out, error) {
		out, err := f(in)
		return out, asPrintable(err)
	}
}

// exported returns a function of the module as scripts call it.
func exported[Out any](m *ModuleInstance,
	f func(*ModuleInstance, sobek.Value) (Out, error)) func(sobek.Value) (Out, error) {
	return throwing(func(v sobek.Value) (Out, error) { return f(m, v) })
}
