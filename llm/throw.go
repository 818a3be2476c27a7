package llm

import (
	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// printable is an error that k6 may log on a terminal, whatever names and words are in it.
type printable struct{ error }

// Error is the wrapped error's, fit to be printed.
func (p printable) Error() string { return plain.Message(p.error) }

// Unwrap gives the wrapped error.
func (p printable) Unwrap() error { return p.error }

// asPrintable makes an error printable; a script's own exceptions stay what they are.
func asPrintable(err error) error {
	if _, own := err.(*sobek.Exception); own || err == nil { //nolint:errorlint // as common.Throw has it
		return err
	}
	return printable{err}
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
