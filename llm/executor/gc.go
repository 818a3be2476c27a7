package executor

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// calmCollector keeps the garbage collector out of the way: a cycle over the heaps of a thousand VUs takes a third of a second
// of a processor, and what arrives then is late. It collects what starting up left, once, before the first arrival, and
// lets the heap grow to five times what is live, unless the user set GOGC. GOMEMLIMIT still bounds it.
var calmCollector = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	runtime.GC()
})
