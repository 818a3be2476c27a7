package host

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// share of the process's memory is what Go may take. The rest is for what the kernel keeps for a thousand connections,
// and for the program's own pages, which count in a control group.
const share = 0.8

// CalmCollector keeps the garbage collector out of the way of a measurement: a cycle over the heaps of a thousand VUs
// takes a third of a second of a processor, and what arrives then is late. It collects what starting up left, and lets
// the heap grow to five times what is live until four fifths of the process's memory are full. GOGC, GOMEMLIMIT and
// AUTOMEMLIMIT, where the user has set them, hold. Only the first call in a process does anything, and it takes as long
// as a collection.
var CalmCollector = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		// which leaves the memory unlimited where it fails
		_, _ = memlimit.Set(memlimit.WithProvider(ownMemory), memlimit.WithRatio(share))
	}
	runtime.GC()
	CountCollections()
})

// collections are how often the collector ran, and how long it stopped the process.
type collections struct {
	n      int64
	paused time.Duration
}

var counted atomic.Pointer[collections] // when CountCollections was called last

func readCollections() *collections {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return &collections{stats.NumGC, stats.PauseTotal}
}

// CountCollections begins to count, from 0. CalmCollector does so at its end.
func CountCollections() { counted.Store(readCollections()) }

// Collections is how many collections there were since counting began last, and for how long they stopped the process
// in all.
func Collections() (n int64, paused time.Duration) {
	now, then := readCollections(), counted.Load()
	if then == nil {
		return now.n, now.paused
	}
	return now.n - then.n, now.paused - then.paused
}

// ownMemory is the memory that this process may have altogether: what it has, and what is left to it.
func ownMemory() (uint64, error) {
	left := Memory()
	if left == 0 {
		return 0, memlimit.ErrNoLimit
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return uint64(left) + now.Sys - now.HeapReleased, nil // not negative
}
