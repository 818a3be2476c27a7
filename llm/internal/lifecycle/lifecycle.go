// Package lifecycle follows k6's events about the test: its start, its end, and the exit of the process.
package lifecycle

import (
	"os"
	"reflect"
	"sync"
	"time"

	"go.k6.io/k6/v2/errext/exitcodes"
	"go.k6.io/k6/v2/js/common"
)

// The names of the events that callers of Follow tell apart. k6 emits more.
const (
	TestStart = "TestStart"
	TestEnd   = "TestEnd"
	Exit      = "Exit"
)

// Emits reports whether k6 emits events. Without them, nothing tells when the test starts or ends.
func Emits(events common.Events) bool { return events.Global != nil }

// Follow calls f with the name and the data of each of k6's events, and k6 waits until f returns. When k6 emits no
// more, Follow calls f with Exit and nil. The types of events are not exported, so Follow subscribes to all of them by
// number and tells them apart by name. Follow itself returns at once.
func Follow(events common.Events, f func(name string, data any)) {
	_, emitted := events.Global.Subscribe(1, 2, 3, 4, 5, 6)
	go func() {
		defer f(Exit, nil)
		for e := range emitted {
			f(e.Type.String(), e.Data)
			e.Done()
		}
	}()
}

// UntilTestEnd runs work beside the test. At the end of the test it closes stop, and k6 waits for work to return before
// it closes the samples and prints the summary. So work must return soon after stop is closed.
func UntilTestEnd(events common.Events, work func(stop <-chan struct{})) {
	stop, working := make(chan struct{}), sync.WaitGroup{}
	end := sync.OnceFunc(func() {
		close(stop)
		working.Wait()
	})
	working.Go(func() { work(stop) })
	Follow(events, func(name string, _ any) {
		if name == TestEnd || name == Exit {
			end()
		}
	})
}

// exitDelay is how long MarkFailed keeps the process alive: what else ends with k6, such as browsers, ends meanwhile,
// and logs reach their files.
const exitDelay = time.Second

// MarkFailed ends the process with the exit code of a run that was marked as failed, unless the run has an error of its
// own, which keeps its code. It takes the data of the Exit event. Only that event is late enough: outputs end after k6
// has settled the run's error, and by then the summary is printed.
func MarkFailed(exit any) {
	if Succeeded(exit) {
		time.Sleep(exitDelay)
		os.Exit(int(exitcodes.MarkedAsFailed))
	}
}

// Succeeded reports whether the data of the Exit event hold no error. Their type is a struct that k6 does not export.
func Succeeded(data any) bool {
	v := reflect.Indirect(reflect.ValueOf(data))
	if v.Kind() != reflect.Struct {
		return false
	}
	err := v.FieldByName("Error")
	return err.IsValid() && err.IsNil()
}
