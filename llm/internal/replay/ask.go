package replay

import (
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ask makes the request of a call.
func (r *run) ask(i int, w *waiting) (*Ask, error) {
	c := &r.calls[i]
	last, err := r.prompts.make(i)
	if err != nil {
		return nil, err
	}
	tools, err := r.prompts.toolset(c.Tools)
	if err != nil {
		return nil, err
	}
	a := r.newAsk(c, tools)
	a.At = w.ready
	a.MaxTokens = c.MaxTokens
	if a.MaxTokens == 0 {
		a.MaxTokens = c.Answer.Tokens
	}
	least := a.MaxTokens
	r.Rules.choose(a, tools)
	if last, err = r.prompts.fit(a, last, least); err != nil {
		return nil, err
	}
	r.prompts.sent(i, last)
	a.Place = record.Call{Number: i, ID: c.ID, After: r.begins.waitedFor(c), Ready: record.UnixNano(w.ready),
		Wait: record.Micros(w.wait), Pause: string(c.Pause), Held: record.Micros(w.held),
		PromptTokens: c.PromptTokens, OutputTokens: c.Answer.Tokens, UserFacing: c.UserFacing,
		Labels: mapped(c.Attributes, r.Rules.Labels)}
	a.Blocks = func(place *record.Call) { r.prompts.blocks(last, place, r.begins.recordedKin(c)) }
	return a, nil
}

// askPrime makes the request of a call that fills the server's cache.
func (r *run) askPrime(i int) (*Ask, error) {
	c, last := &r.calls[i], r.prompts.said[i].prompt
	tools, err := r.prompts.toolset(c.Tools)
	if err != nil {
		return nil, err
	}
	a := r.newAsk(c, tools)
	a.At, a.MaxTokens = r.began, 1
	if last, err = r.prompts.fit(a, last, 1); err != nil {
		return nil, err
	}
	r.prompts.sent(i, last)
	a.Place = record.Call{Number: i, ID: c.ID, Ready: record.UnixNano(r.began), Primes: true,
		PromptTokens: c.PromptTokens, Labels: mapped(c.Attributes, r.Rules.Labels)}
	a.Blocks = func(place *record.Call) { r.prompts.blocks(last, place, -1) }
	return a, nil
}

func (r *run) newAsk(c *workload.Call, tools *toolset) *Ask {
	return &Ask{Call: c, Stop: r.stop, Tools: tools.list, Headers: mapped(c.Attributes, r.Rules.Headers)}
}

// mapped returns the attributes that are named, by their new names. An attribute that the call has not is "default".
func mapped(attributes, names map[string]string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	texts := make(map[string]string, len(names))
	for attribute, name := range names {
		text, ok := attributes[attribute]
		if !ok {
			text = "default"
		}
		texts[name] = text
	}
	return texts
}
