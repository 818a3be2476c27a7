// Package replay sends sessions: it holds each call back until the graph lets it go, completes its prompt with the live
// answers, and decides how the session ends. It knows neither HTTP nor k6: whoever uses it sends the requests.
package replay

import (
	"encoding/json"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Rules tell how sessions are replayed. DefaultRules returns the defaults.
type Rules struct {
	// Recorded keeps to the recorded messages. Otherwise live answers take the place of recorded ones.
	Recorded bool
	// AsRecorded sends no tool_choice. Otherwise a call that recorded tool calls asks for them by name, and an answer
	// without one, on which a later call builds, fails the session.
	AsRecorded bool
	// UseRecorded puts the recorded tool call in place of a live one that is missing or is not JSON. Otherwise what is
	// not JSON is sent on, which servers may refuse.
	UseRecorded bool
	// RoomForTools gives an answer that is a tool call at least 4096 tokens, and four times those recorded.
	RoomForTools bool

	Speed float64 // divides all waits; 1 keeps them
	// MaxWait bounds each wait, after Speed; 0 means no bound.
	MaxWait time.Duration
	// PredecessorTimeout bounds the wait for the calls before a call; 0 means no bound.
	PredecessorTimeout time.Duration

	// RandomID marks the call's own messages with a text that no other session has, so that nothing is in the server's
	// cache. It is inference-perf's inject_random_session_id; Mark is AIPerf's way, which keeps reuse inside a session.
	// Without Mark, duplicates are always marked, and what was read from a file from the second pass on.
	RandomID bool
	Mark     Mark
	// BeginFrom and BeginTo, shares from 0 to 1, let the first sessions of a closed loop begin at a place between them,
	// drawn by number. The context up to there is sent first, for one token.
	BeginFrom, BeginTo float64

	// MaxModelLen is how many tokens the model can read and write; 0 means that no call is checked. A prompt that is
	// too long fails its session or, with DropOldest, loses its oldest turns, and so do those that go on from it.
	MaxModelLen int
	DropOldest  bool
	// Headers and Labels name the attributes of the trace that requests carry as headers, and records as labels.
	Headers, Labels map[string]string
	// BlockSize is the size of the server's cache blocks, in tokens, for the reuse that is expected of it.
	BlockSize int
	Seed      int64
}

// Mark tells what shares a text at the beginning of its first message, which keeps the server's cache from knowing the
// prompts of others.
type Mark string

// The marks.
const (
	MarkNone    Mark = ""
	MarkSession Mark = "session" // each session has its own
	MarkPass    Mark = "pass"    // each pass over the workload has its own
)

// DefaultRules returns the default rules.
func DefaultRules() Rules { return Rules{Speed: 1, RoomForTools: true, BlockSize: 16} }

// Ask is a call that is ready to be sent.
type Ask struct {
	Call *workload.Call
	// At is when it is to be sent, which may be a moment ahead or past; the request can be built before.
	At time.Time
	// Stop is closed when it must no longer be sent. A call that has been sent goes on.
	Stop <-chan struct{}
	// Place is its place in the graph as the record has it. After the request has ended, Blocks completes it, once.
	// That takes time, so it belongs into Got.Then.
	Place  record.Call
	Blocks func(*record.Call)

	Messages   json.RawMessage // as OpenAI's chat has them
	Tools      json.RawMessage // nil without tools
	ToolChoice json.RawMessage // as OpenAI's chat has it; nil leaves it out
	MaxTokens  int             // 0 leaves the limit to the client
	IgnoreEOS  *bool           // nil leaves it to the client
	Headers    map[string]string
}

// Got is what became of a call.
type Got struct {
	// Unsent calls were not sent, because the context ended, Ask.Stop was closed or, with an Error, they could not be
	// built.
	Unsent    bool
	End       time.Time
	Text      string
	Reasoning string
	ToolCalls []workload.ToolCall
	ErrorType string // of the record; "" if it succeeded
	Error     string
	// Then is called, if it is not nil, after the calls that waited for this one were let go: what it does delays none.
	Then func()
}
