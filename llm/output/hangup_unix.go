//go:build unix

package output

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"
)

// watchHangup makes a terminal that hangs up, as a lost ssh connection does, stop the test like Ctrl-C: without it, k6
// ends at once and the file has no end. Under nohup nothing changes. stop ends the watch.
func watchHangup(log logrus.FieldLogger) (stop func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return func() {}
	}
	hangups, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		select {
		case <-hangups: // the first: a shell and the kernel may both send it, and k6 exits at once at a second SIGTERM
		case <-done:
			return
		}
		signal.Ignore(syscall.SIGPIPE) // caused by what is printed from now on
		log.Warn("the terminal hung up (SIGHUP): the test is stopped, as by Ctrl-C")
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // never fails for this process
	}()
	return sync.OnceFunc(func() {
		signal.Stop(hangups)
		close(done)
	})
}
