package workload

import "time"

// Source returns the sessions of a workload by number. It may be used concurrently.
type Source interface {
	// Session returns session number i, from 0 to Len-1. An error names the file, and the session or its line.
	Session(i int64) (*Session, error)
	// Len returns the number of sessions, and false if there is no end of them.
	Len() (int64, bool)
}

// Clocked is a Source whose sessions have instants.
type Clocked interface {
	Source
	// Starts returns when the sessions begin, after the first of them, in the order of their numbers; nil if the trace
	// has no instants. The caller must not change the list.
	Starts() []time.Duration
}

// Counts tells what was left out of a workload.
type Counts struct {
	Sessions, Calls int64
	Skipped         int64    // sessions or files that are invalid, where such are skipped
	Filtered        int64    // sessions that a filter left out
	Faults          []string // the first few reasons of Skipped, with their files
}

// Counted is a Source that knows what it left out.
type Counted interface{ Counts() Counts }

// Texts makes text of blocks of which only hashes are known: as many tokens as the blocks have, and the same text for
// the same hash within a scope. It may be used concurrently.
type Texts interface {
	// Text returns the text of blocks in a scope, which is that of [Session.Scope] with the session's id if it is not
	// empty.
	Text(scope string, blocks []Block) (string, error)
}
