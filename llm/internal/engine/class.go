package engine

import (
	"cmp"
	"maps"
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
	if l := class.Leave; l != nil && !c.isWarmup() && l.Of(c.position.seed, c.position.index, c.position.seq) {
		c.Leave = leaveOf(l)
	}
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

// isWarmup reports whether the request belongs to the warm-up of its stage.
func (c *Call) isWarmup() bool { return c.position.due != nil && c.position.due.Warmup }

// leaveOf returns when the user of a request leaves.
func leaveOf(l *traffic.Leave) *client.Leave {
	leave := &client.Leave{Rule: l.String(), After: l.After, Tokens: l.Tokens, Sent: l.When == traffic.PromptSent}
	if l.When == traffic.Queued {
		leave.Queued = traffic.QueuedWait
	}
	return leave
}
