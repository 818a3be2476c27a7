package trace

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// object is an object of JSON.
type object = map[string]any

// testSpan returns a span of a call that ran from one second to another.
func testSpan(id string, from, to float64, messages, output any, more ...object) object {
	attributes := object{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
	text, _ := json.Marshal(messages)
	attributes["gen_ai.input.messages"] = string(text)
	switch output := output.(type) {
	case nil:
	case string:
		attributes["gen_ai.output.text"] = output
	default:
		text, _ := json.Marshal([]any{output})
		attributes["gen_ai.output.messages"] = string(text)
	}
	s := object{"span_id": id, "trace_id": "t", "name": "chat m", "start_time": at(from), "end_time": at(to),
		"attributes": attributes, "status": object{"code": 1}}
	for _, fields := range more {
		for name, value := range fields {
			if extra, ok := value.(object); ok && name == "attributes" {
				for k, v := range extra {
					attributes[k] = v
				}
				continue
			}
			s[name] = value
		}
	}
	return s
}

func at(seconds float64) string {
	t := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds*1e6) * time.Microsecond)
	return t.Format("2006-01-02T15:04:05.000000Z")
}

func say(role, text string) object { return object{"role": role, "content": text} }

func textPart(text string) object { return object{"type": "text", "content": text} }

func callPart(id, name string) object {
	return object{"type": "tool_call", "id": id, "name": name, "arguments": object{"of": name, "é": 1.50}}
}

// inParts returns a message of the assistant in parts.
func inParts(parts ...object) object { return object{"role": "assistant", "parts": parts} }

func toolResult(id, text string) object {
	return object{"role": "tool", "parts": []object{{"type": "tool_call_response", "id": id, "response": text}}}
}

func attrs(pairs ...any) object {
	out := object{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return object{"attributes": out}
}

// dialog returns the messages of a conversation that begins with a system prompt.
func dialog(messages ...object) []object {
	return append([]object{say("system", "You help."), say("user", "Hello.")}, messages...)
}

// weather are definitions of tools.
const weather = `[{"type":"function","name":"f","description":"d","parameters":{"type":"object"}}]`

// spanCases are traces of spans, of which each shows one rule.
func spanCases() (cases []graphCase) {
	add := func(name string, spans ...object) {
		cases = append(cases, graphCase{Name: name, Format: "otel", Trace: object{"spans": spans},
			IncludeErrors: true})
	}
	q, again := say("user", "And then?"), say("assistant", "Answer one.")
	add("a chain", testSpan("a", 0, 1, dialog(), "Answer one."),
		testSpan("b", 1.5, 2, dialog(again, q), "Answer two."),
		testSpan("c", 4, 5, dialog(again, q, say("assistant", "Answer two."), q), "Answer three."))
	add("contained output", testSpan("a", 0, 1, dialog(), "Answer"),
		testSpan("b", 2, 3, dialog(again, q, say("assistant", "Answer")), "Two"))
	add("an answer in a message of the user", testSpan("a", 0, 1, dialog(), "Hello."),
		testSpan("b", 2, 3, dialog(), "Two"))
	add("parallel calls that join", testSpan("a", 0, 1, dialog(), "Plan."),
		testSpan("b", 1, 3, []object{say("user", "Left?")}, "Left."), testSpan("c", 1, 4, []object{say("user",
			"Right?")}, "Right."),
		testSpan("d", 5, 6, dialog(say("assistant", "Plan."), q, say("assistant", "Left."), say("assistant",
			"Right.")), "Done."))
	add("overlapping calls", testSpan("a", 0, 3, dialog(), "A1"), testSpan("b", 1, 2, []object{q}, "A2"),
		testSpan("c", 4, 5, []object{q}, "A3"), testSpan("d", 4.5, 6, []object{q}, "A4"))
	add("an answer before it ended", testSpan("x", 0, 1, []object{q}, "X"), testSpan("a", 0, 5, dialog(),
		"Answer one."),
		testSpan("b", 2, 3, dialog(again, q), "Z"))
	add("the same answer of two calls, twice repeated", testSpan("a", 0, 1, dialog(), "Yes."),
		testSpan("b", 2, 3, []object{q}, "Yes."),
		testSpan("c", 4, 5, []object{q, say("assistant", "Yes."), q, say("assistant", "Yes.")}, "No."))
	add("an ancestor's answer twice", testSpan("a", 0, 1, dialog(), "Answer one."),
		testSpan("b", 2, 3, dialog(again, q), "BB"),
		testSpan("c", 4, 5, []object{q, say("assistant", "BB"), again, q, again}, "CC"))
	add("empty answers", testSpan("a", 0, 1, dialog(), ""), testSpan("b", 2, 3, dialog(again, q), nil),
		testSpan("c", 4, 5, dialog(say("assistant", ""), q), "Z"))
	add("errors are kept", testSpan("a", 0, 1, dialog(), "Answer one.", object{"status": object{"code": 2}}),
		testSpan("b", 2, 3, dialog(again, q), "Z"))
	add("errors are left out", testSpan("a", 0, 1, dialog(), "Answer one.",
		object{"status": object{"code": 2}}),
		testSpan("b", 2, 3, dialog(again, q), "Z"), testSpan("c", 4, 5, dialog(again, q), "Z"))
	cases[len(cases)-1].IncludeErrors = false
	add("duplicates", testSpan("a", 0, 1, dialog(), "A1"), testSpan("b", 0, 1, dialog(), "A1"),
		testSpan("c", 0, 1, dialog(), "A1", attrs("x", 1)), testSpan("d", 4, 5, dialog(), "A2"))
	add("microseconds", testSpan("b", 0.0009, 1.0001, dialog(), "Answer one."), testSpan("a", 0.0011, 1.0001,
		[]object{q}, "X"),
		testSpan("c", 2.0005, 3.0015, dialog(again, q), "B1"), testSpan("d", 4.0009, 5.0015, dialog(again,
			q), "B2"))
	add("numbers of tokens", testSpan("a", 0, 1, dialog(), "A", attrs("gen_ai.usage.input_tokens", 7,
		"gen_ai.usage.output_tokens", 9)), testSpan("b", 0, 1, dialog(), "B",
		attrs("gen_ai.usage.prompt_tokens", 7,
			"gen_ai.usage.completion_tokens", "9", "gen_ai.usage.output_tokens", 90)), testSpan("c", 1, 2, dialog(),
		"twelve chars"))
	add("names of attributes", testSpan("a", 0, 1, dialog(say("developer", "d")), nil,
		attrs("gen_ai.completion", "A1")),
		testSpan("b", 2, 3, dialog(say("system", "d"), say("assistant", "A1"), q), nil, attrs("gen_ai.output",
			"A2")))
	cases = append(cases, graphCase{
		Name: "the sample of the scripts", Format: "otel", Trace: json.RawMessage(data.OTel), IncludeErrors: true,
	})
	return append(cases, toolCases()...)
}

// toolCases are traces with tools.
func toolCases() (cases []graphCase) {
	pair := func(name string, output object, messages ...object) {
		cases = append(cases, graphCase{Name: name, Format: "otel", IncludeErrors: true,
			Trace: object{"spans": []object{
				testSpan("a", 0, 1, dialog(), output, attrs("gen_ai.tool.definitions", weather)),
				testSpan("b", 2, 3, dialog(messages...), "End."),
			}}})
	}
	hey := say("assistant", "Hey.")
	two := inParts(textPart("Hey."), callPart("1", "f"), callPart("2", "g"))
	pair("a tool loop", two, two, toolResult("1", "r"), toolResult("2", "s"))
	pair("ids in one message", two, inParts(callPart("2", "g"), callPart("1", "f")), toolResult("1", "r"))
	pair("ids in two messages", two, inParts(callPart("1", "f")), inParts(callPart("2", "g")), toolResult("1", "r"))
	pair("some of the ids", two, inParts(callPart("1", "f")), toolResult("2", "r"))
	pair("each part by itself", two, hey, inParts(callPart("x", "f")), toolResult("x", "r"), inParts(callPart("y",
		"g")))
	pair("each part by itself, without results", two, hey, inParts(callPart("x", "f")), inParts(callPart("y", "g")))
	pair("the text with each tool", two, inParts(textPart("Hey."), callPart("x", "f")), toolResult("x", "r"),
		inParts(textPart("Hey."), callPart("y", "g")))
	pair("the tools without text", two, inParts(callPart("x", "f")), toolResult("x", "r"), inParts(callPart("y",
		"g")))
	pair("another order of tools", two, inParts(callPart("y", "g")), toolResult("y", "r"), inParts(callPart("x",
		"f")))
	pair("an id twice", inParts(textPart("Hey."), callPart("1", "f")), inParts(callPart("1", "f")), toolResult("1",
		"r"),
		inParts(callPart("1", "f")))
	pair("two texts", inParts(textPart("x"), textPart("y")), say("assistant", "x"), say("assistant", "y"))
	pair("reasoning", inParts(object{"type": "reasoning", "content": "rr"}, textPart("y")), say("assistant", "y"),
		say("user", "u"))
	openai := object{"role": "assistant", "content": nil, "tool_calls": []object{{"id": "1", "type": "function",
		"function": object{"name": "f", "arguments": `{"a":1}`}}}}
	pair("OpenAI's messages", openai, openai, object{"role": "tool", "tool_call_id": "1", "content": "r"})
	facing := func(name string, more object) {
		cases = append(cases, graphCase{Name: name, Format: "otel", IncludeErrors: true,
			Trace: object{"spans": []object{
				testSpan("a", 0, 1, dialog(), "k", more)}}})
	}
	facing("finish reason of tools", attrs("gen_ai.response.finish_reasons", []string{"tool_calls"}))
	facing("finish reason of text", attrs("gen_ai.response.finish_reasons", []string{"stop"}))
	facing("answer in JSON", attrs("gen_ai.output.type", "json"))
	facing("answer by a schema", attrs("gen_ai.request.output_schema", ""))
	for _, name := range []string{"execute_tool f", "tool.execution", "my.tool_execution.f"} {
		tool := object{"span_id": "x", "parent_span_id": "r", "name": name, "start_time": at(0), "end_time": at(9),
			"attributes": object{}}
		inner := object{"span_id": "y", "parent_span_id": "x", "name": "inner", "start_time": at(0),
			"attributes": object{}}
		cases = append(cases, graphCase{Name: "nested in " + name, Format: "otel", IncludeErrors: true,
			Trace: object{"spans": []object{
				tool, inner, testSpan("a", 0, 1, dialog(), openai, attrs("gen_ai.tool.definitions", weather)),
				testSpan("b", 2, 3, []object{say("user", "sub")}, "sub answer", object{"parent_span_id": "y"}),
				testSpan("c", 4, 5, dialog(openai, say("user", "r")), "End."),
			}}})
	}
	return cases
}

// randomSpans returns a trace of a few calls whose prompts are put together from earlier messages and answers.
func randomSpans(seed uint64) graphCase {
	r := rand.New(rand.NewPCG(seed, 1))
	var spans []object
	var known [][]object // prompts
	pool := []object{say("user", "u1"), say("user", "u2"), say("assistant", "x"), say("assistant", "ab")}
	now := 0.0
	for i := range 2 + r.IntN(10) {
		var messages []object
		if len(known) > 0 && r.IntN(4) > 0 {
			before := known[r.IntN(len(known))]
			messages = append(messages, before[:1+r.IntN(len(before))]...)
		} else {
			messages = append(messages, say("system", fmt.Sprint("s", r.IntN(2))))
		}
		for range r.IntN(4) {
			messages = append(messages, pool[max(0, len(pool)-1-r.IntN(6))])
		}
		messages = append(messages, say("user", fmt.Sprint("q", r.IntN(3))))
		known = append(known, messages)
		from := now + float64(r.IntN(3000))/1000
		to := from + float64(r.IntN(4000))/1000
		now = from + float64(r.IntN(3))
		answer := randomAnswer(r, i)
		spans = append(spans, testSpan(fmt.Sprintf("%c%d", 'a'+rune(r.IntN(26)), i), from, to, messages, answer))
		switch answer := answer.(type) {
		case string:
			pool = append(pool, say("assistant", answer))
		case object:
			pool = append(pool, answer)
			for _, part := range answer["parts"].([]object) {
				pool = append(pool, inParts(part))
				if part["type"] == "tool_call" {
					pool = append(pool, toolResult(part["id"].(string), "res"))
				}
			}
		}
	}
	r.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	return graphCase{Name: fmt.Sprint("spans ", seed), Format: "otel", Trace: object{"spans": spans},
		IncludeErrors: true}
}

// randomAnswer returns an answer: text, or parts with calls of tools.
func randomAnswer(r *rand.Rand, i int) any {
	switch r.IntN(6) {
	case 0:
		return "ab" // again and again
	case 1:
		return fmt.Sprint("answer ", r.IntN(3))
	case 2:
		return inParts(textPart(fmt.Sprint("t", i)), callPart(fmt.Sprint("id", i), "f"))
	case 3:
		return inParts(textPart(fmt.Sprint("t", i)), callPart(fmt.Sprint("id", i), "f"), callPart(fmt.Sprint("ie", i),
			"g"))
	case 4:
		return inParts(callPart(fmt.Sprint("id", i), "f"))
	}
	return fmt.Sprint("answer of call ", i)
}
