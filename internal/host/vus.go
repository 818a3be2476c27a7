package host

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Memory in bytes that a VU of a small script takes, and a request in flight without a VU, as docs/performance.md says.
const (
	idleVU      = 120_000
	streamingVU = 160_000
	stream      = 50_000
)

// warnShare is the share of the memory left from which on VUs are worth a warning.
const warnShare = 0.8

// CheckVUs returns an error if a number of VUs, which are still to be made, does not fit into the memory that is left.
// If they and a number of requests in flight without a VU leave little, it logs a warning, once per process.
func CheckVUs(vus, streams int64, log interface{ Warn(args ...any) }) error {
	warning, err := checkMemory(vus, streams, Memory())
	if warning != "" {
		warnOnce.Do(func() { log.Warn(warning) })
	}
	return err
}

var warnOnce sync.Once

// memoryAdvice says what to do when VUs take too much memory.
const memoryAdvice = "have fewer (preAllocatedVUs and maxVUs, or an expectedLatency that is how long requests take), " +
	"split the load over more instances (--execution-segment), or give k6 more memory"

func checkMemory(vus, streams, left int64) (warning string, err error) {
	streaming := float64(vus)*streamingVU + float64(streams)*stream
	switch {
	case left <= 0: // not known
	case float64(vus)*idleVU > float64(left):
		return "", fmt.Errorf("%d VUs take some %s of memory before they send anything, and %s are left: %s",
			vus, megabytes(float64(vus)*idleVU), megabytes(float64(left)), memoryAdvice)
	case streaming > warnShare*float64(left) && streams > 0:
		return fmt.Sprintf("%d requests in flight take some %s of memory, and %s are left: %s",
			vus+streams, megabytes(streaming), megabytes(float64(left)), memoryAdvice), nil
	case streaming > warnShare*float64(left):
		return fmt.Sprintf("%d VUs take some %s of memory when each has a stream, and %s are left: %s",
			vus, megabytes(streaming), megabytes(float64(left)), memoryAdvice), nil
	}
	return "", nil
}

func megabytes(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

// The memory is checked after every checkEvery VUs, and must then leave more than the next ones take.
const (
	checkEvery = 32
	leastLeft  = 16e6
)

// madeVUs counts the VUs that were made.
var madeVUs atomic.Int64

// NextVU is called before a VU is made, and returns an error if no memory is left for it: the VUs of a script may take
// more than those of a small one. Without this check the kernel would kill the process. It may be called concurrently.
func NextVU() error {
	n := madeVUs.Add(1)
	if n%checkEvery != 0 || isEnough(Memory()) {
		return nil
	}
	debug.FreeOSMemory() // what the collector has freed but not returned
	left := Memory()
	if isEnough(left) {
		return nil
	}
	return fmt.Errorf("%d VUs have taken the memory, %s are left: %s", n, megabytes(float64(left)), memoryAdvice)
}

func isEnough(left int64) bool { return left == 0 || left > leastLeft }
