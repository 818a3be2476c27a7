// Package workload is the one form of traffic in sessions. Whatever a trace, a log or a generator says becomes
// sessions, and a session is a graph of calls: what each call sends, and what must have happened before it may go.
// Readers of formats make sessions, the replay sends them.
//
// Nothing in a session changes once a source has returned it, so many replays may share one.
package workload

import (
	"encoding/json"
	"time"
)

// Session is one conversation, run of an agent, or single request, as a graph of calls.
type Session struct {
	ID     string // unique in its workload
	Origin string // the file that it was read from, with the line in files of many sessions; "" if it was made up
	// Start is when its first call went, after that of the first session of the trace. It is valid only if Timed.
	Start time.Duration
	Timed bool
	// Calls are in an order in which each call comes after those that it waits for.
	Calls []Call
	// Duplicate reports that the session repeats another of its workload under an id of its own.
	Duplicate bool
	// Scope is what equal hashes of blocks mean equal text in: "" is the whole workload, anything else this session.
	Scope string
}

// Call is one request of a session.
type Call struct {
	ID string // unique in its session
	// After lists the calls that must have ended before this one may go, by their places in Session.Calls, in
	// ascending order. A call without any may go when its session begins.
	After []Edge
	// Wait is the time from the end of the last call in After, or from the session's beginning, to this call.
	Wait  time.Duration
	Pause Pause // what Wait was spent on
	// Clocked calls go at an instant of the trace: Wait counts from the session's beginning, though never before the
	// calls in After have ended.
	Clocked bool

	Prompt []Part
	Tools  json.RawMessage // definitions as OpenAI's chat has them: a JSON array, nil without tools
	// Params holds further fields of the request's body, such as temperature: a JSON object, or nil without any.
	Params json.RawMessage
	// MaxTokens is the limit of the answer; 0 leaves the limit to the client.
	MaxTokens    int
	PromptTokens int    // of the recorded request; 0 if the trace does not tell
	Answer       Answer // that was recorded
	Model        string // that was recorded; requests go to the client's own
	// Attributes are the texts of the trace that headers and labels of requests are made of, by name.
	Attributes map[string]string

	// UserFacing calls answer the user: their first token is the first that a person sees.
	UserFacing bool
	// Structured calls have an answer that a schema prescribes, which is not for people.
	Structured bool
}

// Edge is a call that must have ended first.
type Edge struct {
	Call int // its place in Session.Calls
	// Causal edges carry an answer into a prompt. Others only keep the order of the trace.
	Causal bool
}

// Pause is what the time before a call is spent on.
type Pause string

// The pauses.
const (
	PauseUnknown Pause = ""      // the trace does not tell
	PauseTool    Pause = "tool"  // a tool runs
	PauseThink   Pause = "think" // a person reads and writes
)

// Part is a piece of a call's prompt: messages of its own, or messages that follow from what an earlier call sent or
// received in the replay.
type Part struct {
	Kind PartKind
	// Call is the earlier call, by its place, for all kinds but Own. It is one of the calls in After, or one that
	// must have ended before those.
	Call int
	// Count, of Sent, is how many of the earlier call's messages are repeated, from the first; negative for all.
	Count int
	// Messages are the call's own messages of Own, and what was recorded in place of the other kinds, which is sent
	// if the replay keeps to the record. It is nil for made-up sessions, which have no record.
	Messages []Message
	// Before and After frame the text of Quoted.
	Before, After string
}

// PartKind is a kind of a part.
type PartKind int

// The kinds of parts.
const (
	Own      PartKind = iota // the messages as they stand
	Sent                     // the messages that an earlier call sent
	Answered                 // an earlier call's answer, as the assistant's message
	Quoted                   // the text of an earlier call's answer, as a message of the user
)

// Message is a message of a chat.
type Message struct {
	Role string
	Text string // its content, if that is one text
	// Content is the content in parts, as OpenAI's chat has them: a JSON array. It replaces Text.
	Content json.RawMessage
	// Blocks are a content of which only the hashes are known. They replace Text, with one of just as many tokens.
	Blocks     []Block
	Reasoning  string     // of the assistant
	ToolCalls  []ToolCall // of the assistant
	ToolCallID string     // of a message with the role "tool": the recorded id of the call that it answers
	Name       string     // of the tool
}

// Block is a text by its hash and its length in tokens. Equal hashes are equal texts; one that is cut short is the
// beginning of the whole.
type Block struct {
	Hash   uint64
	Tokens int
}

// ToolCall is a call of a tool by a model.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // as the model wrote them, normally an object in JSON
}

// Answer is what a call returned when it was recorded.
type Answer struct {
	Text      string
	Reasoning string
	ToolCalls []ToolCall
	Tokens    int           // 0 if the trace does not tell
	Took      time.Duration // from the call to the end of its answer; 0 if the trace does not tell
	Failed    bool          // the recorded call failed
}
