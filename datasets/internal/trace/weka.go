package trace

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// weka reads the traces of coding agents that Weka's KV-Cache-Tester records and SemiAnalysis publishes: a record is a
// session, whose requests have the hashes of their blocks instead of texts. Requests of sub-agents are inside the entry
// of their agent. The calls then make a graph as those of spans do.
type weka struct{ Options }

func newWeka(o Options) Format { return weka{o} }

// wekaBlock is the size of blocks in tokens where a trace does not tell.
const wekaBlock = 64

func (weka) Name() string { return "weka" }

func (weka) Detects(record []byte) bool {
	f := pick(record, "requests", "block_size", "tool_tokens", "models")
	return f[0].IsArray() && (f[1].Exists() || f[2].Exists() || f[3].IsArray())
}

func (weka) Index(record []byte) (Entry, error) {
	f := pick(record, "id", "requests")
	if !given(f[0]) {
		return Entry{}, errors.New("no id")
	}
	e := Entry{Session: f[0].String(), Whole: true}
	f[1].ForEach(func(_, request gjson.Result) bool {
		if inner := request.Get("requests"); inner.IsArray() {
			e.Calls += len(inner.Array())
		} else {
			e.Calls++
		}
		return true
	})
	return e, nil
}

func (w weka) Session(records []Record) (*workload.Session, error) {
	v := gjson.Parse(view(records[0].Data))
	id := v.Get("id").String()
	size := wekaBlock
	if n := v.Get("block_size").Int(); n > 0 && n <= maxTokens {
		size = int(n)
	} else if w.BlockSize > 0 {
		size = w.BlockSize
	}
	streams, err := readStreams(v)
	if err != nil {
		return nil, fmt.Errorf("session %q: %w", id, err)
	}
	s := &workload.Session{ID: id, Scope: "session"}
	if w.Scope == "trace" {
		s.Scope = ""
	}
	s.Calls = newGraph(w.calls(id, streams, size)).session()
	return s, nil
}

// stream is a conversation: requests that do not overlap, each of which continues the one before.
type stream struct {
	name     string
	system   int // tokens of the system's message and the tools
	requests []wekaRequest
}

// wekaRequest is a request of a trace.
type wekaRequest struct {
	start, took float64 // in seconds
	in, out     int
	hashes      []uint64
	model       string
	pause       workload.Pause
}

// readStreams returns the conversations of a trace: that of the agent itself, then those of its sub-agents.
func readStreams(trace gjson.Result) (streams []stream, err error) {
	own := stream{name: "parent", system: systemTokens(trace)}
	var agents []stream
	for i, v := range trace.Get("requests").Array() {
		switch v.Get("type").Str {
		case "n", "s":
			request, err := readRequest(v, 0)
			if err == nil && len(own.requests) > 0 && request.start < own.requests[len(own.requests)-1].start {
				err = errors.New("it begins before the request before it")
			}
			if err != nil {
				return nil, fmt.Errorf("request %d: %w", i+1, err)
			}
			own.requests = append(own.requests, request)
		case "subagent":
			list, err := readAgent(v)
			if err != nil {
				return nil, fmt.Errorf("request %d, sub-agent %q: %w", i+1, v.Get("agent_id").String(), err)
			}
			agents = append(agents, list...)
		default:
			kind := v.Get("type").String()
			return nil, fmt.Errorf("request %d: its type must be n, s or subagent, got %.40q", i+1, kind)
		}
	}
	return append([]stream{own}, agents...), nil
}

func systemTokens(v gjson.Result) int {
	n := v.Get("tool_tokens").Int() + v.Get("system_tokens").Int()
	return int(max(0, min(maxTokens, n)))
}

// readAgent returns the conversations of a sub-agent. Its requests go to the first that is not busy.
func readAgent(entry gjson.Result) (streams []stream, err error) {
	begin, err := seconds(entry.Get("t"), "t")
	if err != nil {
		return nil, err
	}
	requests, err := agentRequests(entry, begin)
	if err != nil {
		return nil, err
	}
	for _, r := range requests {
		free := slices.IndexFunc(streams, func(s stream) bool {
			last := s.requests[len(s.requests)-1]
			return last.start+last.took <= r.start
		})
		if free < 0 {
			free = len(streams)
			name := fmt.Sprintf("sa_%s_s%d", entry.Get("agent_id").String(), free)
			streams = append(streams, stream{name: name, system: systemTokens(entry)})
		}
		streams[free].requests = append(streams[free].requests, r)
	}
	return streams, nil
}

// agentRequests returns the requests of a sub-agent by their instants. These count from the entry's if one of them is
// before it, and otherwise from that of the trace.
func agentRequests(entry gjson.Result, begin float64) (requests []wekaRequest, err error) {
	list := entry.Get("requests").Array()
	after := 0.0
	for _, v := range list {
		if at, err := seconds(v.Get("t"), "t"); err == nil && at < begin {
			after = begin
		}
	}
	for i, v := range list {
		if kind := v.Get("type").String(); kind != "n" && kind != "s" {
			return nil, fmt.Errorf("request %d: its type must be n or s, got %.40q", i+1, kind)
		}
		r, err := readRequest(v, after)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		requests = append(requests, r)
	}
	slices.SortStableFunc(requests, func(a, b wekaRequest) int { return cmp.Compare(a.start, b.start) })
	return requests, nil
}

// readRequest reads a request, whose instant counts from after.
func readRequest(v gjson.Result, after float64) (r wekaRequest, err error) {
	if r.start, err = seconds(v.Get("t"), "t"); err != nil {
		return r, err
	}
	r.start += after
	if took := v.Get("api_time"); given(took) {
		if r.took, err = amount(took, "api_time"); err != nil {
			return r, err
		}
	}
	if r.in, err = tokens(v.Get("in"), "in"); err != nil {
		return r, err
	}
	if r.out, err = tokens(v.Get("out"), "out"); err != nil {
		return r, err
	}
	hashes := v.Get("hash_ids")
	if given(hashes) && !hashes.IsArray() {
		return r, fmt.Errorf("hash_ids must be a list, got %.40s", hashes.Raw)
	}
	hashes.ForEach(func(_, hash gjson.Result) bool {
		r.hashes = append(r.hashes, blockHash(hash.String()))
		return true
	})
	r.model = v.Get("model").String()
	r.pause = inputPause(v.Get("input_types"))
	return r, nil
}

// seconds returns an instant in seconds.
func seconds(v gjson.Result, name string) (float64, error) {
	const most = 1e9
	if v.Type != gjson.Number || math.Abs(v.Num) > most {
		return 0, fmt.Errorf("%s must be a number of seconds, got %.40q", name, v.String())
	}
	return v.Num, nil
}

// inputPause tells from the kinds of new input what the time before a request was spent on.
func inputPause(kinds gjson.Result) workload.Pause {
	pause := workload.PauseUnknown
	kinds.ForEach(func(_, kind gjson.Result) bool {
		pause = workload.PauseThink
		if kind.Str == "tool_result" {
			pause = workload.PauseTool
		}
		return pause != workload.PauseTool
	})
	return pause
}

// calls returns the requests as calls.
func (w weka) calls(session string, streams []stream, size int) (calls []recorded) {
	shift := shifts(streams, w.IdleGapCap.Seconds())
	for _, s := range streams {
		c := conversation{size: size, name: session + ":" + s.name}
		for k, r := range s.requests {
			start := int64((r.start - shift(r.start)) * 1000)
			took := time.Duration(r.took * float64(time.Second))
			call := recorded{
				order: start, start: start, end: start + int64(r.took*1000), messages: c.next(s, k), answer: &answer{},
				call: workload.Call{
					ID: fmt.Sprintf("%s_turn_%d", s.name, k), Model: r.model, MaxTokens: r.out, PromptTokens: r.in,
					Pause: r.pause, UserFacing: true, Answer: workload.Answer{Tokens: r.out, Took: took},
				},
			}
			if k > 0 {
				calls[len(calls)-1].answer.text = c.answered()
			}
			if k == len(s.requests)-1 && r.out > 0 {
				call.answer.text = "\x00" // which no prompt has
			}
			calls = append(calls, call)
		}
	}
	return calls
}

// shifts returns by how much an instant comes earlier because of the gaps between requests before it that were longer
// than limit; 0 means no limit. It computes in seconds, not by [Squeeze], because waits are to be inference-perf's to
// the millisecond.
func shifts(streams []stream, limit float64) func(start float64) float64 {
	var starts []float64
	for _, s := range streams {
		for _, r := range s.requests {
			starts = append(starts, r.start)
		}
	}
	slices.Sort(starts)
	total := 0.0
	by := map[float64]float64{}
	for i, at := range starts {
		if i > 0 && limit > 0 && at-starts[i-1] > limit {
			total += at - starts[i-1] - limit
		}
		by[at] = total
	}
	return func(start float64) float64 { return by[start] }
}
