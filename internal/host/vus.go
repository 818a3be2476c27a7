package host

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// What a VU of a small script takes, in bytes, as docs/performance.md has it.
const (
	idleVU      = 120_000
	streamingVU = 160_000
)

// near is the share of the memory left from which on VUs are worth a warning.
const near = 0.8

// CheckVUs says why so many VUs, which are still to be made, do not fit into the memory that is left. Where they leave
// little, it warns, once a process.
func CheckVUs(vus int64, log interface{ Warn(args ...any) }) error {
	warning, err := fit(vus, Memory())
	if warning != "" {
		tight.Do(func() { log.Warn(warning) })
	}
	return err
}

var tight sync.Once

// fewer is what to do where VUs take too much memory.
const fewer = "have fewer (preAllocatedVUs and maxVUs, or an expectedLatency that is how long requests take), " +
	"split the load over more instances (--execution-segment), or give k6 more memory"

func fit(vus, left int64) (warning string, err error) {
	whole := float64(vus) * streamingVU
	switch {
	case left <= 0: // not known
	case float64(vus)*idleVU > float64(left):
		return "", fmt.Errorf("%d VUs take some %s of memory before they send anything, and %s are left: %s",
			vus, megabytes(float64(vus)*idleVU), megabytes(float64(left)), fewer)
	case whole > near*float64(left):
		return fmt.Sprintf("%d VUs take some %s of memory when each has a stream, and %s are left: %s",
			vus, megabytes(whole), megabytes(float64(left)), fewer), nil
	}
	return "", nil
}

func megabytes(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

// The memory is looked at after so many VUs, and must then be enough for more than the next ones.
const (
	lookEvery = 32
	leastLeft = 16e6
)

// made is how many VUs were made.
var made atomic.Int64

// NextVU is called before a VU is made, and says why there is no memory for it: a script's VUs may take more than
// small ones. Without it the kernel would kill the process. It may be called concurrently.
func NextVU() error {
	n := made.Add(1)
	if n%lookEvery != 0 || enough(Memory()) {
		return nil
	}
	debug.FreeOSMemory() // the rest of the collector's garbage
	left := Memory()
	if enough(left) {
		return nil
	}
	return fmt.Errorf("%d VUs have taken the memory, %s are left: %s", n, megabytes(float64(left)), fewer)
}

func enough(left int64) bool { return left == 0 || left > leastLeft }
