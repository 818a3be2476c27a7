package record

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Session is one session of a replay: a line that is written when it has ended, or was cut. Its calls are requests of
// the same scenario and index.
type Session struct {
	Scenario string `json:"scenario"`
	Stage    int    `json:"stage"`
	Warmup   bool   `json:"warmup,omitempty"` // as of requests
	Index    int64  `json:"index"`            // of its arrival in the scenario, over all instances
	Client   int    `json:"client"`
	Label    string `json:"label,omitempty"` // as of requests
	ID       string `json:"session_id"`
	Origin   string `json:"origin,omitempty"` // the file that it comes from
	Due      *int64 `json:"due_ns"`           // nil in a closed loop
	Start    int64  `json:"start_ns"`         // when its first call could go
	End      int64  `json:"end_ns"`           // of its last call, or of its first failure

	Calls     int `json:"calls"`     // in its graph, without those that a beginning inside the session left out
	Completed int `json:"completed"` // that succeeded
	Sent      int `json:"sent"`      // whose requests have lines
	// ErrorType is empty if all calls succeeded, "canceled" if the end of the load cut the session, "abandoned" if
	// its user left one of them, and otherwise the first cause: one of the constants Session….
	ErrorType string `json:"error_type,omitempty"`
	Error     string `json:"error,omitempty"` // in words, with the call's id

	// Substituted lists the ids of the calls whose recorded tool calls replaced live ones that were unusable.
	Substituted []string `json:"substituted,omitempty"`
	UserFacing  []string `json:"user_facing,omitempty"` // ids of the calls that answer the user
	Structured  int      `json:"structured,omitempty"`  // calls that are not among UserFacing for their schema
}

// Duration is the time from the session's start to its end.
func (s *Session) Duration() time.Duration { return time.Duration(s.End - s.Start) }

// Unfinished reports whether the session neither succeeded nor failed: the end of the load cut it, or its user left.
func (s *Session) Unfinished() bool {
	return s.ErrorType == ErrorCanceled || s.ErrorType == ErrorAbandoned
}

// Succeeded reports whether each of its calls succeeded.
func (s *Session) Succeeded() bool { return s.ErrorType == "" && s.Completed == s.Calls }

// Validate returns an error if the line holds what no writer of this format writes.
func (s *Session) Validate() error {
	switch {
	case s.ID == "":
		return errors.New(`missing field "session_id"`)
	case s.Start <= 0:
		return errors.New(`missing field "start_ns"`)
	case s.End == 0:
		return errors.New(`missing field "end_ns"`)
	case s.End < s.Start:
		return errors.New("end_ns lies before start_ns")
	case s.Due != nil && *s.Due <= 0:
		return fmt.Errorf("due_ns out of range at %d", *s.Due)
	case s.Stage < -1:
		return outOfRange("stage", int64(s.Stage))
	case s.Completed > s.Sent || s.Sent > s.Calls:
		return fmt.Errorf("%d calls completed of %d sent of %d: more than there are", s.Completed, s.Sent, s.Calls)
	}
	return cmp.Or(instants(instant{"end_ns", s.End}, instant{"due_ns", orNone(s.Due)}), counts(
		count{"index", s.Index}, count{"client", int64(s.Client)}, count{"completed", int64(s.Completed)},
		count{"calls", int64(s.Calls)}, count{"structured", int64(s.Structured)}))
}

// Causes of a session's failure. The names are those of inference-perf.
const (
	SessionAlreadyFailed     = "session_already_failed"
	SessionPredecessorFailed = "predecessor_failed"
	SessionPredecessorWait   = "predecessor_wait_failed" // a predecessor did not end in time
	SessionMalformedFallback = "recorded_fallback_malformed"
	SessionToolCallExpected  = "substitution_tool_call_expected" // the live answer is text in place of a tool call
	SessionRequestFailed     = "request_failed"
	SessionUnknown           = "unknown"
	// SessionTooLong is ours: the prompt and its answer are longer than the model can read.
	SessionTooLong = "context_too_long"
)

// Call is the place of a request in its session's graph.
type Call struct {
	Number int    `json:"number"` // in the session, from 0
	ID     string `json:"id"`
	// After holds the numbers of the calls that it waited for.
	After []int `json:"after,omitempty"`
	// Ready is when the call was to be sent: Wait after the last of those calls ended, or after the session's start.
	Ready int64  `json:"ready_ns"`
	Wait  int64  `json:"wait_us"`           // asked for, after the caps of the replay
	Pause string `json:"pause,omitempty"`   // what Wait is: "tool", "think", or "" where the trace does not tell
	Held  int64  `json:"held_us,omitempty"` // how much of Wait the caps removed

	PromptTokens int  `json:"prompt_tokens,omitempty"` // recorded in the trace
	OutputTokens int  `json:"output_tokens,omitempty"` // likewise
	UserFacing   bool `json:"user_facing,omitempty"`
	// Primes marks a call of one token that fills the server's cache for a session that begins in its middle.
	Primes bool `json:"primes,omitempty"`

	// Blocks are the hashes of the prompt's blocks of BlockSize tokens, 8 bytes each, little endian. The first Shared
	// blocks are those of the call with the number SharedWith, and are left out.
	BlockSize  int    `json:"block_size,omitempty"`
	SharedWith int    `json:"shared_with,omitempty"`
	Shared     int    `json:"shared,omitempty"`
	Blocks     []byte `json:"blocks,omitempty"`

	Labels map[string]string `json:"labels,omitempty"` // from the trace's attributes
}
