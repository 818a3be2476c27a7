package llm

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// newTokenizer is the constructor of Tokenizer.
func (m *ModuleInstance) newTokenizer(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	var name string
	if err := text(&name)(call.Argument(0)); err != nil {
		throw(rt, fmt.Errorf("new Tokenizer: the path %w", err))
	}
	counter, err := m.counter(name)
	if err != nil {
		throw(rt, err)
	}
	t := &jsTokenizer{rt, counter}
	for name, method := range map[string]any{"count": t.count, "encode": t.encode, "decode": t.decode} {
		if err := call.This.Set(name, method); err != nil {
			throw(rt, err)
		}
	}
	return nil
}

// jsTokenizer is a Tokenizer object of a script.
type jsTokenizer struct {
	rt      *sobek.Runtime
	counter *tokenizer.Counter
}

func (t *jsTokenizer) count(v sobek.Value) (int, error) {
	var s string
	if err := text(&s)(v); err != nil {
		return 0, fmt.Errorf("count: the text %w", err)
	}
	return t.counter.Count(s), nil
}

func (t *jsTokenizer) encode(v sobek.Value) (sobek.Value, error) {
	var s string
	if err := text(&s)(v); err != nil {
		return nil, fmt.Errorf("encode: the text %w", err)
	}
	ids := t.counter.Encode(s)
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return t.rt.NewArray(list...), nil
}

func (t *jsTokenizer) decode(v sobek.Value) (string, error) {
	var list []float64
	if err := numbers(&list)(v); err != nil {
		return "", fmt.Errorf("decode: the ids: %w", err)
	}
	ids := make([]int32, len(list))
	for i, x := range list {
		if ids[i] = int32(x); float64(ids[i]) != x {
			return "", fmt.Errorf("decode: id %d must be a whole number, got %v", i, x)
		}
	}
	return t.counter.Decode(ids, false), nil
}

// counter opens a tokenizer, in the init context only.
func (m *ModuleInstance) counter(name string) (*tokenizer.Counter, error) {
	if m.vu.InitEnv() == nil {
		return nil, fmt.Errorf("tokenizer %q can be read in the init context only: make what uses it outside the "+
			"default function", name)
	}
	return m.source().Counter(name)
}

// loadTokenizers reads the tokenizers that a client's options name, for the client and for its simulator.
func (m *ModuleInstance) loadTokenizers(o *clientOptions) error {
	if o.Tokenizer != "" {
		counter, err := m.counter(o.Tokenizer)
		if err != nil {
			return err
		}
		log := m.vu.InitEnv().Logger
		if o.Count = counter.Count; o.API.Input() == api.InputMessages {
			o.ChatProblem = counter.Problem()
		}
		o.CountPrompt = func(d api.Dialect, r client.Request) (int, bool) {
			switch {
			case r.Inputs != nil:
				return countInputs(counter, r), false
			case r.Messages != nil:
			case r.AddSpecial != nil && !*r.AddSpecial:
				return counter.Count(r.Prompt), false
			default:
				return counter.CountSpecial(r.Prompt), false
			}
			messages, media := r.Messages, r.Media != nil
			if media {
				messages = api.WithoutMedia(messages)
			}
			n, err := counter.CountPrompt(templateChat(d, messages, api.Extra{"tools": r.Tools}, o.Extra, r.Extra))
			if err != nil && counter.Problem() == nil && counter.First(err) {
				log.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of such chats are the "+
					"tokens of their texts alone",
					o.Tokenizer, err)
			}
			return n + r.Media.Tokens(), err != nil || media
		}
	}
	for _, sim := range o.Spread.Simulators() {
		if sim.Tokenizer == "" {
			continue
		}
		counter, err := m.counter(sim.Tokenizer)
		if err == nil {
			err = sim.Use(counter)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// countInputs returns the tokens of texts to embed, or of documents to rank, each of which a model reads with the
// query.
func countInputs(counter *tokenizer.Counter, r client.Request) (n int) {
	for _, text := range r.Inputs {
		n += counter.CountSpecial(text)
	}
	if r.Query != "" {
		n += len(r.Inputs) * counter.CountSpecial(r.Query)
	}
	return n
}

// templateChat returns the inputs of the chat template: the messages, and the fields of the body that vLLM and SGLang
// pass to the template. Fields of later lists replace those of earlier lists.
func templateChat(d api.Dialect, messages json.RawMessage, lists ...api.Extra) (c tokenizer.Chat) {
	fields := api.Extra{}
	for _, list := range lists {
		maps.Copy(fields, list)
	}
	c.Messages, fields = api.TemplateChat(d, messages, fields)
	given := func(name string) bool { return len(fields[name]) > 0 && string(fields[name]) != "null" }
	variables := map[string]json.RawMessage{}
	if given("chat_template_kwargs") {
		_ = json.Unmarshal(fields["chat_template_kwargs"], &variables) // a value that is not an object has no variables
	}
	for _, name := range []string{"add_generation_prompt", "continue_final_message", "documents", "reasoning_effort",
		"chat_template"} {
		if given(name) {
			variables[name] = fields[name]
		}
	}
	c.Variables, _ = json.Marshal(variables) // cannot fail: the values are valid JSON
	if given("tools") {
		c.Tools = fields["tools"]
	}
	return c
}
