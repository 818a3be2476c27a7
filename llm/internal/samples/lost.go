package samples

import "sync/atomic"

// lost is why records of this process's run are missing. k6 gives an output no way to fail a run at its end, nor to
// tell the script's summary anything: both go by way of the module, with which the output shares nothing but the
// process.
var lost atomic.Pointer[string]

// LoseRecords notes why records of the run are not where they should be. The first reason stays.
func LoseRecords(why string) { lost.CompareAndSwap(nil, &why) }

// LostRecords is the noted reason, "" if the records are whole.
func LostRecords() string {
	if why := lost.Load(); why != nil {
		return *why
	}
	return ""
}
