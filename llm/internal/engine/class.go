package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// labelTag is the tag of k6 that names the class of a scenario's requests.
const labelTag = "label"

// Names by which a request carries its priority.
const (
	priorityField  = "priority"
	priorityHeader = "X-Priority"
)

// classify settles the class of a request: what the request says goes before what its label has in the client's
// classes, and that before what all requests of the client have. A scenario names a label by a tag.
func (c *Call) classify() {
	opts := c.client.opts
	label := cmp.Or(c.Class.Label, opts.Class.Label)
	if label == "" {
		label, _ = c.tags.Tags.Get(labelTag)
	}
	own := c.Class.Leave != nil
	class := c.Class.Over(opts.Classes[label]).Over(opts.Class)
	class.Label = label
	c.Class = class
	c.Model = cmp.Or(c.Model, class.Model)
	if len(class.Headers) > 0 {
		headers := maps.Clone(class.Headers)
		maps.Copy(headers, c.Headers)
		c.Headers = headers
	}
	if class.Priority != nil {
		c.prioritize(*class.Priority)
	}
	l := class.Leave
	if l != nil && own && l.Share < 1 {
		l = c.client.vu.process.leaves.shared(l)
	}
	if l != nil && c.mayLeave(l, own) && l.Of(c.position.seed, c.position.index, c.position.draw()) {
		leave := leaveOf(l)
		if c.Leave != nil {
			leave.Signal = c.Leave.Signal
		}
		c.Leave = leave
	}
}

// mayLeave reports whether the user of the request may leave by a rule: not in a warm-up, outside of scenarios only if
// the rule is the request's own, and after tokens only where they come.
func (c *Call) mayLeave(l *traffic.Leave, own bool) bool {
	return !c.isWarmup() && (own || c.position.scenario != "") && (l.Tokens == 0 || c.wire.Trickles())
}

// checkLeave returns an error if the user of a request is to leave after tokens that the answer does not have.
func (c *Call) checkLeave(wire *client.Client) error {
	if l := c.Class.Leave; l != nil && l.Tokens > 0 && !wire.Trickles() {
		return fmt.Errorf("request option \"cancel\": tokens: %w", errNoPieces(c.Dialect))
	}
	return nil
}

// checkLeaving returns an error if users of the client, or of one of its classes, leave after tokens that answers do
// not have.
func checkLeaving(o *Options, wire *client.Client) error {
	if wire.Trickles() {
		return nil
	}
	if l := o.Class.Leave; l != nil && l.Tokens > 0 {
		return invalid("cancel", fmt.Errorf("tokens: %w", errNoPieces(o.API)))
	}
	for _, label := range slices.Sorted(maps.Keys(o.Classes)) {
		if l := o.Classes[label].Leave; l != nil && l.Tokens > 0 {
			return invalid("classes", fmt.Errorf("%q: cancel: tokens: %w", label, errNoPieces(o.API)))
		}
	}
	return nil
}

func errNoPieces(dialect api.Dialect) error {
	return fmt.Errorf("answers of api %q do not come in pieces of text here: leave after a time, as in after: '2s', "+
		"or ask for a stream of text", dialect.Name())
}

// prioritize sends a priority in the body and in a header, unless the request says otherwise.
func (c *Call) prioritize(priority int64) {
	text := strconv.FormatInt(priority, 10)
	extra := api.Extra{priorityField: []byte(text)}
	maps.Copy(extra, c.Extra)
	headers := map[string]string{priorityHeader: text}
	maps.Copy(headers, c.Headers)
	c.Extra, c.Headers = extra, headers
}

// isWarmup reports whether the request belongs to the warm-up of its stage, or fills the cache before a session.
func (c *Call) isWarmup() bool {
	return c.position.due != nil && c.position.due.Warmup || c.asked != nil && c.asked.Place.Primes
}

// leaveOf returns when the user of a request leaves.
func leaveOf(l *traffic.Leave) *client.Leave {
	leave := &client.Leave{Rule: l.String(), After: l.After, Tokens: l.Tokens, Sent: l.When == traffic.PromptSent}
	if l.When == traffic.Queued {
		leave.Queued = traffic.QueuedWait
	}
	return leave
}
