package llm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// whole is a data set of two conversations as sessions, of two calls and of one.
const whole = `type: 'shareGPT', path: 'talk.json', turns: 'all', unit: 'session'`

// sessionsOf returns the lines of sessions among others.
func sessionsOf(lines []record.Line) (sessions []*record.Session) {
	for _, line := range lines {
		if s, ok := line.(*record.Session); ok {
			sessions = append(sessions, s)
		}
	}
	return sessions
}

// A session is an iteration: each call has a record at its place in the graph, and the session has a line.
func TestReplay(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/talk.json", talk)
	v.run(t, fastSim+`const data = new Dataset({`+whole+`, maxTokens: 2});`)
	if got := v.run(t, `data.length`).String(); got != "2" {
		t.Errorf("length %s", got)
	}
	v.start(t)
	got := v.run(t, `
		const session = data.next(), r = client.replay(session);
		client.chat('after', {maxTokens: 1});
		JSON.stringify([session, r.id, r.ok, r.error, r.errorType, r.duration >= 12, r.calls, r.completed])`).String()
	// the stages before take 10 items
	if want := `[{"id":"session-0_pass5","number":10,"calls":2,"start":null},"session-0_pass5",true,null,null,true,2,2]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	requests, others := v.records()
	sessions := sessionsOf(others)
	if len(requests) != 3 || len(sessions) != 1 {
		t.Fatalf("%d requests and %d sessions, want 3 and 1", len(requests), len(sessions))
	}
	for i, r := range requests[:2] {
		if r.Seq != i || r.Turn != i || r.SessionID != "session-0_pass5" || r.Call == nil || r.Call.Number != i ||
			r.Due == nil || *r.Due != r.Call.Ready || r.MaxTokens != 2 || r.Stage != 1 || r.Failed() {
			t.Errorf("call %d: %+v, %+v", i, r, r.Call)
		}
	}
	if first := requests[0]; requests[1].Start < first.End || len(requests[1].Call.After) != 1 {
		t.Errorf("the second call went at %d, the first ended at %d", requests[1].Start, first.End)
	}
	if r := requests[2]; r.Seq != 4 || r.Call != nil {
		t.Errorf("the request after the session has number %d, want 4", r.Seq)
	}
	s := sessions[0]
	if s.Scenario != "stage_1" || s.Stage != 1 || s.ID != "session-0_pass5" || s.Calls != 2 || s.Sent != 2 ||
		s.Completed != 2 || s.Start > requests[0].Start || s.End != requests[1].End {
		t.Errorf("session %+v", s)
	}
}

func TestReplayAsync(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/talk.json", talk)
	v.run(t, fastSim+`const data = new Dataset({`+whole+`}); let got;`)
	v.start(t)
	v.run(t, `client.replayAsync(data.at(1)).then((r) => { got = r.id + ' ' + r.ok; })`)
	if got := v.run(t, `got`).String(); got != "session-1 true" {
		t.Errorf("got %s", got)
	}
}

// What goes wrong with sessions in a script is said with the way out.
func TestMisuseOfSessions(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/talk.json", talk)
	v.write(t, "/scripts/dag.jsonl", `{"timestamp": 0, "input_length": 3, "output_length": 1, "hash_ids": [1]}`)
	v.run(t, fastSim+`const data = new Dataset({`+whole+`}), items = new Dataset({type: 'mock'}),
		vectors = new Client({baseURL: 'sim:', api: 'embeddings'});`)
	fails := func(code, want string) {
		t.Helper()
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
	for code, want := range map[string]string{
		`client.replay(data.at(0))`: "sessions cannot be replayed in the init context",
		`items.starts()`:            "trace(path) reads the instants of a file",
		`data.starts()`:             "the trace has no instants: give the load stages",
		`data.next()`:               "use at(i) here",
		`new Dataset({type: 'shareGPT', path: 'talk.json', unit: 'session'})`:                            "single requests are no sessions: set turns",
		`new Dataset({` + whole + `, sessions: 3})`:                                                      "the load says how many are open",
		`new Dataset({type: 'shareGPT', path: 'talk.json', turns: 'all', replay: {}})`:                   "needs unit: 'session'",
		`new Dataset({` + whole + `, api: 'embeddings'})`:                                                "sends texts, not",
		`new Dataset({type: 'workload_replay'})`:                                                         "is missing: workload_replay reads a trace",
		`new Dataset({type: 'workload_replay', path: 'dag.jsonl', unit: 'turn'})`:                        "must be 'session'",
		`new Dataset({type: 'weka_trace_replay', path: 'x', workload: {format: 'otel'}})`:                "use type workload_replay",
		`new Dataset({type: 'workload_replay', path: 'x', workload: {format: 'otle'}})`:                  `unknown "otle", known are`,
		`new Dataset({type: 'workload_replay', path: 'x', workload: {columns: {tim: 'a'}}})`:             `unknown column "tim", known are`,
		`new Dataset({type: 'workload_replay', path: 'x', replay: {speed: 0}})`:                          "must be a number above 0",
		`new Dataset({type: 'workload_replay', path: 'x', replay: {beginInside: [1, 0]}})`:               "must be two shares",
		`new Dataset({type: 'workload_replay', path: 'x', replay: {answers: 'dead'}})`:                   `unknown "dead", known are live, recorded`,
		`new Dataset({type: 'synthetic_agentic', tokensPerWord: 1, syntheticAgentic: {numSessions: 1}})`: "needs inputTokensPerTurn",
	} {
		fails(code, want)
	}
	v.start(t)
	fails(`client.send(data.at(0))`, "replay it by client.replay(session)")
	fails(`client.replay(items.at(0))`, "send other requests by client.send()")
	fails(`client.replay()`, "got undefined")
	fails(`vectors.replay(data.at(0))`, "takes input")
	v.run(t, `client.replay(data.at(0))`)
	fails(`client.replay(data.at(1))`, "a session needs an iteration of its own")
}

// The instants of a trace are those of its sessions, at the speed of the replay.
func TestStarts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/trace.jsonl", `{"timestamp": 1000, "input_length": 3, "output_length": 1, "hash_ids": [1]}
{"timestamp": 4000, "input_length": 3, "output_length": 1, "hash_ids": [1]}
`)
	got := v.run(t, `const data = new Dataset({type: 'workload_replay', path: 'trace.jsonl', replay: {speed: 2}});
		JSON.stringify([data.starts(), data.length, data.at(1).start, data.at(1).number])`).String()
	if got != `[[0,1.5],2,1.5,1]` {
		t.Errorf("got %s", got)
	}
}

// A session that is replayed without a script leaves the lines and samples that a script's leaves.
func TestNativeSessionsAreThoseOfAScript(t *testing.T) {
	t.Parallel()
	for _, client := range []string{``, `text: true, sessionHeader: 'x-s', retries: 1`, `api: 'completion'`,
		`adapters: [{name: 'a', split: 0.5}, {name: 'sim', split: 0.5}]`} {
		t.Run(client, func(t *testing.T) {
			data := whole + `, replay: {beginInside: [0.9, 0.9]}`
			if strings.HasPrefix(client, "api: 'completion'") {
				data += `, api: 'completion'`
			}
			script, native := sendAllSessions(t, false, client, data), sendAllSessions(t, true, client, data)
			counts := map[string]int{}
			for _, line := range script.lines {
				var of struct{ Type string }
				if err := json.Unmarshal([]byte(line), &of); err != nil {
					t.Fatal(err)
				}
				counts[of.Type]++
			}
			// of 15 sessions, 8 have two calls, though the first begins inside, and nothing of the last is sent; the
			// server fails two of seven requests
			if counts["session"] != 15 || counts["request"] < 15 || counts["request"] >= 23 {
				t.Fatalf("lines %v", counts)
			}
			// two calls that end in the same instant leave their lines in either order
			for _, told := range [][]string{script.lines, script.samples, native.lines, native.samples} {
				slices.Sort(told)
			}
			compareLines(t, script.lines, native.lines)
			compareLines(t, script.samples, native.samples)
		})
	}
}

// The first session of a VU in a closed loop begins inside, after requests of one token; its next one, and those of
// other loads, do not.
func TestReplayBeginsInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ executor, want string }{
		{"shared-iterations", "[1 2]"}, {"constant-arrival-rate", "[2 2]"},
	} {
		v := newVU(t, New())
		v.write(t, "/scripts/talk.json", talk)
		v.run(t, fastSim+`const data = new Dataset({`+whole+`, maxTokens: 2, replay: {beginInside: [0.9, 0.9]}});`)
		v.start(t)
		lib.GetScenarioState(v.VU.CtxField).Executor = tt.executor
		for range 2 {
			v.run(t, `client.replay(data.next())`)
			v.iter += 2 // the other sessions have one call
		}
		_, others := v.records()
		var calls []int
		for _, s := range sessionsOf(others) {
			calls = append(calls, s.Calls)
		}
		if got := fmt.Sprint(calls); got != tt.want {
			t.Errorf("%s: sessions of %s calls, want %s", tt.executor, got, tt.want)
		}
	}
}

// The session of a user who leaves a call ends with that: what waits for the call is not sent.
func TestSessionsOfUsersWhoLeave(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		told := sendAllSessions(t, native, `cancel: {share: 1, after: '20ms'}`, whole)
		sessions, left := 0, 0
		for _, line := range told.lines {
			parsed, err := record.Parse([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			switch l := parsed.(type) {
			case *record.Request:
				if l.ErrorType == record.ErrorAbandoned {
					left++
				}
			case *record.Session:
				if l.ErrorType != record.ErrorAbandoned {
					continue
				}
				if sessions++; l.Sent != 1 || l.Completed != 0 || l.Succeeded() || !l.Unfinished() ||
					!strings.HasSuffix(l.Error, "the user left before the answer was over (cancel: 20ms)") {
					t.Errorf("native %t: got %+v", native, l)
				}
			}
		}
		if left < 8 || sessions != left {
			t.Errorf("native %t: %d users left, and %d sessions were left", native, left, sessions)
		}
	}
}
