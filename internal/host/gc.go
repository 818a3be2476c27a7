package host

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// growth is how much the heap may grow over what is live, in percent.
const growth = 400

// startEnv marks a GOGC that CalmStart has chosen, not the user.
const startEnv = "K6_LLM_START_GOGC"

// CalmStart returns variables for the environment of a program that will call CalmCollector. With them its heap grows
// from the beginning as it does later, so that its start takes fewer collections. There are none if GOGC is set.
func CalmStart() []string {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return []string{fmt.Sprintf("GOGC=%d", growth), startEnv + "=1"}
}

// goShare is the share of the process's memory that Go may take. The rest is for what the kernel keeps for a thousand
// connections, and for the program's own pages, which count in a control group.
const goShare = 0.8

// CalmCollector keeps the garbage collector out of the way of a measurement: a cycle over the heaps of a thousand VUs
// takes a third of a second of a processor, and chunks that arrive meanwhile are read late. It collects the garbage of
// the program's start, and lets the heap grow to five times its live size until four fifths of the process's memory are
// full. GOGC, GOMEMLIMIT and AUTOMEMLIMIT keep their effect where the user has set them. Only the first call in a
// process does anything, and it takes as long as a collection.
var CalmCollector = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" || os.Getenv(startEnv) != "" {
		debug.SetGCPercent(growth)
		// if Set fails, the memory stays unlimited
		_, _ = memlimit.Set(memlimit.WithProvider(processMemory), memlimit.WithRatio(goShare))
	}
	runtime.GC()
	CountCollections()
})

// collections holds how often the collector ran, and for how long it stopped the process.
type collections struct {
	n      int64
	paused time.Duration
}

var countedFrom atomic.Pointer[collections] // read by the last call of CountCollections

func readCollections() *collections {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return &collections{stats.NumGC, stats.PauseTotal}
}

// CountCollections starts the count of Collections at 0. CalmCollector calls it at its end.
func CountCollections() { countedFrom.Store(readCollections()) }

// Collections returns the number of collections since the last call of CountCollections, or since the process began,
// and for how long they stopped the process in total.
func Collections() (n int64, paused time.Duration) {
	now, then := readCollections(), countedFrom.Load()
	if then == nil {
		return now.n, now.paused
	}
	return now.n - then.n, now.paused - then.paused
}

// processMemory returns how many bytes this process may have in total: those it has, and those that are left to it.
func processMemory() (uint64, error) {
	left := Memory()
	if left == 0 {
		return 0, memlimit.ErrNoLimit
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return uint64(left) + now.Sys - now.HeapReleased, nil // not negative
}
