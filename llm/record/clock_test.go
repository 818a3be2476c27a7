package record

import (
	"testing"
	"time"
	"unsafe"
)

// stepped returns an instant whose wall clock has been set forward by an hour since the process began, as an operator
// or NTP may do.
func stepped(t *testing.T, at time.Time) time.Time {
	t.Helper()
	later := at
	*(*uint64)(unsafe.Pointer(&later)) += 3600 << 30 // the seconds are stored above 30 bits of nanoseconds
	if later.Sub(at) != 0 || later.UnixNano()-at.UnixNano() != 3600e9 {
		t.Fatalf("time.Time has another layout: %v became %v", at, later)
	}
	return later
}

func TestUnixNanoIgnoresClockSteps(t *testing.T) {
	t.Parallel()
	at := time.Now()
	if got, want := UnixNano(stepped(t, at)), UnixNano(at); got != want {
		t.Errorf("the stamp moved by %v", time.Duration(got-want))
	}
}
