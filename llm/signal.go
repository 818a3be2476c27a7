package llm

import (
	"context"
	"errors"
	"fmt"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/modules"

	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// signal is an AbortSignal of a script, or what behaves like one. As a context it ends when the signal is aborted, if
// somebody listens. k6 has no AbortController of its own.
type signal struct {
	context.Context
	rt     *sobek.Runtime
	object *sobek.Object
	abort  sobek.Value // a function that ends the context
}

// readSignal reads the signal by which a script makes the user of a request leave.
func (o *requestOptions) readSignal(rt *sobek.Runtime) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if absent(v) {
			return nil
		}
		s := &signal{rt: rt}
		s.object, _ = v.(*sobek.Object)
		if s.object == nil || s.method("addEventListener") == nil || absent(s.object.Get("aborted")) {
			return fmt.Errorf("must be an AbortSignal, or an object with aborted and addEventListener as one, got %s",
				describe(v))
		}
		var end context.CancelFunc
		s.Context, end = context.WithCancel(context.Background())
		s.abort = rt.ToValue(func() { end() })
		if s.object.Get("aborted").ToBoolean() {
			end()
		}
		o.Leave = &client.Leave{Signal: s}
		return nil
	}
}

// signalOf returns the signal of a request, or nil if it has none.
func signalOf(j *engine.Job) *signal {
	if j.Leave == nil {
		return nil
	}
	s, _ := j.Leave.Signal.(*signal)
	return s
}

// method returns a method of the signal, or nil if it has none of that name.
func (s *signal) method(name string) sobek.Callable {
	f, _ := sobek.AssertFunction(s.object.Get(name))
	return f
}

// listen lets the context end when the signal is aborted. Any goroutine may call heard, once: the event loop then ends
// that.
func (s *signal) listen(vu modules.VU) (heard func(), err error) {
	if _, err = s.method("addEventListener")(s.object, s.rt.ToValue("abort"), s.abort); err != nil {
		return nil, err
	}
	callback := vu.RegisterCallback()
	return func() { callback(s.unlisten) }, nil
}

// unlisten takes the listener off the signal, if the signal has a method for it.
func (s *signal) unlisten() error {
	remove := s.method("removeEventListener")
	if remove == nil {
		return nil
	}
	_, err := remove(s.object, s.rt.ToValue("abort"), s.abort)
	return err
}

// errSignaled is what a script gets for a request whose signal was aborted before it was sent.
var errSignaled = errors.New("the request was not sent: its signal had been aborted before")

// abortError returns the error with the name that fetch gives it.
func (s *signal) abortError() *sobek.Object {
	e := s.rt.NewGoError(errSignaled)
	_ = e.Set("name", "AbortError") // an object of ours
	return e
}
