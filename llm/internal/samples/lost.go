package samples

import "sync/atomic"

// lost is the reason why records of this process's run are missing. A k6 output can neither fail a run at its end nor
// pass anything to the script's summary. The module can do both, but it shares only the process with the output.
var lost atomic.Pointer[string]

// LoseRecords stores the reason why records of the run are missing, unless there is one already.
func LoseRecords(why string) { lost.CompareAndSwap(nil, &why) }

// LostRecords returns the reason why records are missing, or "" if the records are complete.
func LostRecords() string {
	if why := lost.Load(); why != nil {
		return *why
	}
	return ""
}
