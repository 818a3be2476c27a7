package limits

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// share of the process's memory is what Go may take. The rest is for what the kernel keeps for a thousand connections, and for
// the program's own pages, which count in a control group.
const share = 0.8

// CalmCollector keeps the garbage collector out of the way of a measurement: a cycle over the heaps of a thousand VUs takes a
// third of a second of a processor, and what arrives then is late. It collects what starting up left, and lets the heap grow
// to five times what is live until four fifths of the process's memory are full. GOGC, GOMEMLIMIT and AUTOMEMLIMIT, where the
// user has set them, hold. Only the first call in a process does anything, and it takes as long as a collection.
var CalmCollector = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		_, _ = memlimit.Set(memlimit.WithProvider(ownMemory), memlimit.WithRatio(share)) // which leaves the memory unlimited where it fails
	}
	runtime.GC()
})

// ownMemory is the memory that this process may have altogether: what it has, and what is left to it.
func ownMemory() (uint64, error) {
	left := Memory()
	if left == 0 {
		return 0, memlimit.ErrNoLimit
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return uint64(left) + now.Sys - now.HeapReleased, nil //nolint:gosec // not negative
}
