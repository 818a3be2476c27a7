package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// request returns a request of a trace of blocks.
func request(t float64, in, out int, took float64, hashes ...int) object {
	return object{"t": t, "type": "n", "model": "m", "in": in, "out": out, "api_time": took,
		"hash_ids": append([]int{}, hashes...)}
}

func agent(t float64, id string, requests ...object) object {
	return object{"t": t, "type": "subagent", "agent_id": id, "subagent_type": "explore", "requests": requests}
}

// upTo returns the numbers from 1 to n, and more.
func upTo(n int, more ...int) (list []int) {
	for i := range n {
		list = append(list, i+1)
	}
	return append(list, more...)
}

// blockCases are traces of blocks, of which each shows one rule.
func blockCases() (cases []graphCase) {
	add := func(name string, requests ...object) *graphCase {
		cases = append(cases, graphCase{Name: name, Format: "weka", Trace: object{"id": "t", "models": []string{"m"},
			"block_size": 4, "tool_tokens": 5, "system_tokens": 2, "requests": requests}})
		return &cases[len(cases)-1]
	}
	first := request(0, 18, 5, 1, upTo(4)...)
	add("turns", first, request(3, 34, 3, 1, upTo(8)...), request(6, 50, 3, 1, upTo(12)...))
	add("the context is cut back", first, request(3, 34, 3, 1, upTo(8)...), request(6, 25, 3, 1, upTo(3, 9, 10, 11)...))
	add("nothing in common", first, request(3, 26, 3, 1, 11, 2, 3, 4, 5, 6))
	add("more of a system than blocks", request(0, 6, 5, 1, 1))
	add("no hashes", request(0, 18, 5, 1), request(3, 30, 5, 1))
	add("an answer larger than what is new", request(0, 16, 50, 1, upTo(4)...), request(3, 24, 5, 1, upTo(6)...))
	add("no answer", request(0, 16, 0, 1, upTo(4)...), request(3, 24, 5, 1, upTo(6)...))
	add("overlap", request(0, 16, 5, 5, upTo(4)...), request(3, 24, 5, 1, upTo(6)...))
	add("gaps", first, request(300, 34, 5, 1, upTo(8)...), request(310, 50, 5, 1, upTo(12)...))
	add("a lower cap of gaps", first, request(300, 34, 5, 1, upTo(8)...), request(310, 50, 5, 1,
		upTo(12)...)).Options = map[string]any{"trace_idle_gap_cap_seconds": 5.0}
	add("no cap of gaps", first, request(300, 34, 5, 1, upTo(8)...)).Options =
		map[string]any{"trace_idle_gap_cap_seconds": 0.0}
	add("a sub-agent", first, agent(2, "x", request(2, 12, 3, 1, 21, 22, 23), request(4, 22, 3, 1, 21, 22, 23, 24, 25)),
		request(8, 34, 5, 1, upTo(8)...))
	add("instants after the sub-agent's", first, agent(5, "x", request(0, 12, 3, 1, 21, 22, 23),
		request(2, 22, 3, 1, 21, 22, 23, 24, 25)), request(8, 34, 5, 1, upTo(8)...))
	add("parallel requests of a sub-agent", first, agent(2, "x", request(2, 12, 3, 3, 21, 22, 23),
		request(3, 21, 3, 1, 21, 22, 23, 24, 25), request(4.5, 29, 3, 1, 21, 22, 23, 24, 25, 26, 27),
		request(6, 24, 3, 1, 21, 22, 23, 28, 29)), request(8, 34, 5, 1, upTo(8)...))
	add("two sub-agents", first, agent(2, "x", request(2, 12, 3, 4, 21, 22, 23)), agent(2.5, "y",
		request(2.5, 12, 3, 1, 31, 22, 23)), request(8, 34, 5, 1, upTo(8)...))
	const tail = "inference-perf cuts tokens of the message before, too, when it cuts all of a message with a tail"
	add("a tail by itself", request(0, 16, 8, 1, upTo(4)...), request(3, 26, 3, 1, upTo(6)...),
		request(6, 42, 3, 1, upTo(10)...)).Edges = tail
	add("the same blocks again", first, request(3, 18, 5, 1, upTo(4)...), request(6, 19, 5, 1, upTo(4)...)).Edges = tail
	for i, line := range bytes.Split(bytes.TrimSpace(data.Weka), []byte("\n")) {
		cases = append(cases, graphCase{
			Name: fmt.Sprintf("sample %d of the scripts", i+1), Format: "weka", Trace: json.RawMessage(line),
		})
	}
	return cases
}

// randomBlocks returns a trace of an agent and sub-agents.
func randomBlocks(seed uint64) graphCase {
	r := rand.New(rand.NewPCG(seed, 2))
	next := 100
	requests := randomRequests(r, &next, 0)
	for i := range r.IntN(3) {
		at := float64(r.IntN(9000)) / 1000
		e := agent(at, fmt.Sprint("a", i), randomRequests(r, &next, at)...)
		e["tool_tokens"], e["system_tokens"] = r.IntN(5), r.IntN(5)
		requests = slices.Insert(requests, r.IntN(len(requests)+1), e)
	}
	return graphCase{Name: fmt.Sprint("blocks ", seed), Format: "weka", Trace: object{"id": fmt.Sprint("t", seed),
		"models": []string{"m"}, "block_size": 4, "tool_tokens": r.IntN(5), "system_tokens": r.IntN(5),
		"requests": requests}, Options: map[string]any{"trace_idle_gap_cap_seconds": float64(r.IntN(8))}}
}

// randomRequests returns requests of a conversation. A tail is never cut with its message, see blockCases.
func randomRequests(r *rand.Rand, next *int, at float64) (list []object) {
	var hashes []int
	cut := 0
	for range 1 + r.IntN(6) {
		hashes = slices.Clone(hashes[:len(hashes)-min(len(hashes), cut)])
		fresh := 3 + r.IntN(3)
		for range fresh {
			*next++
			hashes = append(hashes, *next)
		}
		tail := r.IntN(4)
		if cut = r.IntN(2) * r.IntN(4); cut > 0 {
			tail = 0
		}
		list = append(list, request(at, len(hashes)*4+tail, r.IntN(9), float64(r.IntN(3000))/1000, hashes...))
		at += float64(r.IntN(3000))/1000 + float64(r.IntN(2)*r.IntN(9))
	}
	return list
}
