package alarm

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lead is how long before an instant a Clock changes from Go's timers, which are up to a millisecond late, to a timer
// of the kernel.
const lead = 2 * time.Millisecond

// newTimer makes a timer of the kernel; nil means that the kernel gave none.
func newTimer() *os.File {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "timerfd") // a descriptor
}

// set starts a timer, which goes off after a first wait and then once per period, unless period is 0.
func set(timer *os.File, after, period time.Duration) bool {
	conn, err := timer.SyscallConn()
	if err != nil {
		return false
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after)), Interval: unix.NsecToTimespec(int64(period))}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), 0, &spec, nil) // a descriptor
	})
	return err == nil && failed == nil
}

// goesOff waits until a timer has gone off. It returns false if the timer was closed.
func goesOff(timer *os.File) bool {
	var expirations [8]byte
	_, err := timer.Read(expirations[:])
	return err == nil
}
