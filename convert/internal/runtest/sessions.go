package runtest

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// replayStart is when the first session of Replay starts.
const replayStart = 1_700_000_000 * Second

// Replay returns a replay of a closed loop of two stages. Times are seconds after the start:
//
//	session a, stage 0: call 0 from 0 to 1; after it call 1 (a tool ran 0.5 s) from 1.502 to 2, and call 2 (a person
//	thought 1 s) from 2 to 4, which answers the user; after both call 3 (a pause of 0.25 s) from 4.26 to 5, as well
//	session b, stage 0: call 0 from 0.5 to 1.5 answers the user, call 1 fails at 2, and call 2 is never sent
//	session c, stage 1: cut by the end of the load after its first call
//	session d, stage 1: begins inside, with a prime; one call, whose recorded tool call was substituted
//
// The prompts of session a have 2, 4, 3 and 6 blocks of 16 tokens; that of d is that of call 3 of a.
func Replay() []record.Line {
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "replay", Instance: "a", Segment: "0:1", Start: replayStart - Second,
			Versions: map[string]string{"k6": "v2.2.0"}, Scenarios: []record.Scenario{
				{Name: "sessions", Executor: record.ExecutorName, StartAt: 1, Stages: []record.Stage{
					{Index: 0, Requests: new(int64(2)), Concurrency: new(int64(2))},
					{Index: 1, Requests: new(int64(2)), Concurrency: new(int64(2)), Rate: new(0.5)},
				}},
			}},
		&record.Client{Simulator: true, Options: map[string]any{"api": "chat"}},
	}
	a, b, c, d := replayed("a", 0, 0), replayed("b", 0, 1), replayed("c", 1, 2), replayed("d", 1, 3)
	lines = append(lines,
		a.call(0, 0, 1, record.Call{}, 1, 2),
		a.call(1, 1.502, 2, record.Call{After: []int{0}, Wait: 500_000, Pause: "tool", Shared: 2}, 3, 4),
		a.call(2, 2, 4, record.Call{After: []int{0}, Wait: 1_000_000, Pause: "think", Shared: 2, UserFacing: true}, 5),
		a.call(3, 4.26, 5, record.Call{After: []int{1, 2}, Wait: 250_000, SharedWith: 1, Shared: 4, UserFacing: true},
			6, 7),
		a.end(5, 4, 4),
		b.call(0, 0.5, 1.5, record.Call{UserFacing: true}, 8),
		failed(b.call(1, 1.6, 2, record.Call{After: []int{0}, Wait: 100_000, Pause: "tool", Shared: 1}, 9)),
		b.failed(2, 3, 2, 1, record.SessionRequestFailed, `call "b1": http 503: busy`),
		&record.Stage{Index: 0, Start: replayStart, End: replayStart + 5*Second, Status: "completed"},
		c.call(0, 6, 7, record.Call{}, 1, 2),
		c.failed(8, 3, 1, 1, record.ErrorCanceled, "cut by the end of the load"),
		primed(d.call(0, 6, 6.1, record.Call{}, 1, 2, 3, 4)),
		d.call(1, 6.6, 7, record.Call{Wait: 500_000, Pause: "tool", Shared: 4}, 6, 7),
		d.substituted(7),
		&record.Stage{Index: 1, Start: replayStart + 6*Second, End: replayStart + 8*Second,
			Status: record.StageTimedOut},
	)
	return lines
}

// session makes the lines of a replayed session.
type session struct {
	line  record.Session
	start float64 // seconds after the start of the run
}

func replayed(id string, stage int, index int64) session {
	start := map[string]float64{"b": 0.5, "c": 6, "d": 6.1}[id]
	return session{record.Session{Scenario: "sessions", Stage: stage, Index: index, ID: id, Origin: id + ".json",
		Start: instant(start)}, start}
}

func instant(seconds float64) int64 { return replayStart + int64(seconds*1000)*Second/1000 }

// call returns a request of a call with the given place in the graph, and blocks of its own. Its first token comes
// 0.1 s after its start, the prompt has 5 tokens beyond its blocks, and the server had all but 16 of its shared ones.
func (s session) call(number int, from, to float64, c record.Call, blocks ...uint64) *record.Request {
	c.Number, c.ID, c.BlockSize = number, fmt.Sprint(s.line.ID, number), 16
	for _, b := range blocks {
		c.Blocks = binary.LittleEndian.AppendUint64(c.Blocks, b)
	}
	ready := map[string]int64{"a0": 0, "a1": 1500, "a2": 2000, "a3": 4250, "b0": 500, "b1": 1600, "c0": 6000,
		"d0": 6000, "d1": 6600}[c.ID]
	c.Ready = replayStart + ready*Second/1000
	c.PromptTokens, c.OutputTokens = 16*(c.Shared+len(blocks))+5, 3
	r := &record.Request{ID: "r-" + c.ID, Scenario: "sessions", Stage: s.line.Stage, Index: s.line.Index, Seq: number,
		SessionID: s.line.ID, Turn: number, API: "chat", Model: "m", Streaming: true, Due: new(c.Ready),
		Start: instant(from), End: instant(to), Status: 200, FinishReason: "stop",
		Chunks: []int64{100_000, 200_000, 300_000}, Call: &c}
	r.Connected, r.FirstByte = r.Start+1, r.Start+90_000_000
	if r.End-r.Start < Second/2 {
		r.Chunks = []int64{50_000, 60_000, 70_000}
	}
	r.Usage = fmt.Appendf(nil,
		`{"prompt_tokens":%d,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":%d}}`,
		c.PromptTokens, max(0, 16*(c.Shared-1)))
	return r
}

func failed(r *record.Request) *record.Request {
	r.ErrorType, r.Error, r.Status, r.FinishReason = record.ErrorHTTP, "busy", 503, ""
	r.Usage, r.Chunks = nil, []int64{}
	return r
}

// primed makes a request one that fills the cache for a session of two calls.
func primed(r *record.Request) *record.Request {
	r.Warmup, r.Call.Primes, r.Seq, r.ID = true, true, r.Seq+2, "prime"
	return r
}

func (s session) end(at float64, calls, completed int) *record.Session {
	line := s.line
	line.End, line.Calls, line.Sent, line.Completed = instant(at), calls, calls, completed
	line.UserFacing, line.Structured = []string{s.line.ID + "2", s.line.ID + "3"}, 1
	return &line
}

func (s session) failed(at float64, calls, sent, completed int, cause, text string) *record.Session {
	line := s.line
	line.End, line.Calls, line.Sent, line.Completed = instant(at), calls, sent, completed
	line.ErrorType, line.Error, line.UserFacing = cause, text, []string{s.line.ID + "0", s.line.ID + "2"}
	return &line
}

func (s session) substituted(at float64) *record.Session {
	line := s.line
	line.End, line.Calls, line.Sent, line.Completed = instant(at), 1, 1, 1
	line.Substituted = []string{s.line.ID + "1"}
	return &line
}
