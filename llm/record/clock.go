package record

import "time"

// started is read once, so that a step of the system clock during a run moves no record: every instant of the process
// is this reading of the wall clock plus monotonic time.
var started = time.Now()

// UnixNano returns t as nanoseconds since 1970 UTC on the process's own clock: the wall clock at process start,
// advanced by monotonic time. t must carry a monotonic reading, as the results of time.Now do. It may be called
// concurrently.
func UnixNano(t time.Time) int64 {
	return started.UnixNano() + int64(t.Sub(started))
}

// Time returns the instant of which UnixNano returns ns. It carries a monotonic reading.
func Time(ns int64) time.Time { return started.Add(time.Duration(ns - started.UnixNano())) }

// Micros returns d in whole microseconds, the resolution in which chunks are recorded. It rounds down, so that no chunk
// lies after the end of its request.
func Micros(d time.Duration) int64 { return int64(d / time.Microsecond) }

// Clock describes how an instance's clock and start compare with another instance's. The instance's instants have been
// converted to the other's clock.
type Clock struct {
	Against    string `json:"against"`        // the other instance
	Ahead      int64  `json:"ahead_ns"`       // lead of the other's clock; negative if it was behind
	Late       int64  `json:"began_after_ns"` // how much later the other began; negative if earlier
	ServerDate bool   `json:"server_date"`    // the Date of the server's answers shows it, not the schedule alone
}
