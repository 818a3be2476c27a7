package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// classes are the classes of a client, each joined with what all of its requests have. All VUs share them.
type classes struct {
	own    settledClass             // of requests with no label, or with one that has no class
	labels map[string]*settledClass // nil if the client has no classes
	odd    sync.Map                 // labels without a class of which the user was told
}

// settledClass is a class with its number among those of the wire's client.
type settledClass struct {
	traffic.Class
	number int32
	used   atomic.Bool
}

// settleClasses checks the classes, and gives the wire's client and the search for models what they have.
func settleClasses(o *Options) error {
	if o.Class.Label != "" {
		if err := traffic.CheckLabel(o.Class.Label); err != nil {
			return invalid("label", err)
		}
	}
	o.Options.Classes = []client.Class{{Priority: o.Class.Priority, Headers: o.Class.Headers}}
	for _, label := range slices.Sorted(maps.Keys(o.Classes)) {
		if err := traffic.CheckLabel(label); err != nil {
			return invalid("classes", err)
		}
		c := o.Classes[label].Over(o.Class)
		o.Options.Classes = append(o.Options.Classes, client.Class{Name: label, Headers: c.Headers,
			Priority: c.Priority})
		if c.Model != "" && c.Model != o.Model && !slices.Contains(o.Adapters, c.Model) {
			o.Adapters = append(o.Adapters, c.Model)
		}
	}
	return nil
}

// newClasses returns the classes of options that are settled.
func newClasses(o *Options) *classes {
	c := &classes{own: settledClass{Class: o.Class}}
	for i, label := range slices.Sorted(maps.Keys(o.Classes)) {
		if c.labels == nil {
			c.labels = make(map[string]*settledClass, len(o.Classes))
		}
		c.labels[label] = &settledClass{Class: o.Classes[label].Over(o.Class), number: int32(i + 1)}
	}
	return c
}

// find returns the class of a label. A label without a class may be a typing error, of which the user is told once.
func (c *classes) find(label string, state *lib.State) *settledClass {
	if c.labels == nil || label == "" {
		return &c.own
	}
	class := c.labels[label]
	if class == nil {
		if _, told := c.odd.LoadOrStore(label, true); !told {
			if near, ok := spelling.Nearest(label, c.names()); ok {
				state.Logger.Warnf("label %q has no entry in classes, did you mean %q?", label, near)
			}
		}
		return &c.own
	}
	if !class.used.Load() {
		class.used.Store(true)
	}
	return class
}

func (c *classes) names() []string { return slices.Sorted(maps.Keys(c.labels)) }

// tellUnused logs which classes had no request, and which labels the requests had.
func (c *classes) tellUnused(log logrus.FieldLogger, labels []string) {
	for _, name := range c.names() {
		if c.labels[name].used.Swap(true) { // k6 may tell of its exit twice
			continue
		}
		had := "no request has a label"
		if len(labels) > 0 {
			had = "labels are " + strings.Join(labels, ", ")
		}
		log.Warnf("class %q of the client had no request: %s", name, had)
	}
}

// tellUnused logs which classes of the clients that sent something had no request. An instance that sends a part of the
// load need not have all.
func tellUnused(p *Process, log logrus.FieldLogger) {
	if p.part.Load() || p.Board() == nil || p.Interrupted() {
		return
	}
	for _, t := range p.clients.list() {
		t.mu.Lock()
		sent := t.classes != nil && t.final
		t.mu.Unlock()
		if sent {
			t.classes.tellUnused(log, p.Board().Labels())
		}
	}
}

// classify settles the class of a request: what the request says goes before what its label has in the client's
// classes, and that before what all requests of the client have. A scenario names a label by a tag.
func (c *Call) classify() {
	own := &c.Class
	own.Label = c.label()
	class := c.client.target.classes.find(own.Label, c.state)
	c.Model = cmp.Or(c.Model, own.Model, class.Model)
	says := own.Leave != nil
	own.SLO, own.Leave = cmp.Or(own.SLO, class.SLO), cmp.Or(own.Leave, class.Leave)
	c.Request.Class, c.Priority = class.number, own.Priority
	switch {
	case len(own.Headers) == 0:
	case len(c.Headers) == 0:
		c.Headers = own.Headers
	default:
		c.Headers = traffic.Class{Headers: c.Headers}.Over(*own).Headers
	}
	l := own.Leave
	if l != nil && says && l.Share < 1 {
		l = c.client.vu.process.leaves.shared(l)
	}
	if l != nil && c.mayLeave(l, says) && l.Of(c.position.seed, c.position.index, c.position.draw()) {
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

// checkLeave returns an error if users leave after tokens that answers do not have.
func checkLeave(l *traffic.Leave, d api.Dialect, trickles bool) error {
	if l == nil || l.Tokens == 0 || trickles {
		return nil
	}
	return fmt.Errorf("tokens: answers of api %q do not come in pieces of text here: leave after a time, as in "+
		"after: '2s', or ask for a stream of text", d.Name())
}

// checkLeaving checks when users of a client, and of its classes, leave.
func checkLeaving(o *Options) error {
	if err := checkLeave(o.Class.Leave, o.API, client.Trickles(&o.Options)); err != nil {
		return invalid("cancel", err)
	}
	for _, label := range slices.Sorted(maps.Keys(o.Classes)) {
		if err := checkLeave(o.Classes[label].Leave, o.API, client.Trickles(&o.Options)); err != nil {
			return invalid("classes", fmt.Errorf("%q: cancel: %w", label, err))
		}
	}
	return nil
}

// label returns the name of the request's class, "" without one.
func (c *Call) label() string {
	label := cmp.Or(c.Class.Label, c.client.opts.Class.Label)
	if label == "" {
		label, _ = c.tags.Tags.Get(samples.LabelTag)
	}
	return label
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

// redactClasses adds the classes and what belongs to them, without the values of their headers.
func redactClasses(o *Options, m map[string]any) {
	maps.Copy(m, redactClass(&o.Class))
	if o.Class.Label != "" {
		m["label"] = o.Class.Label
	}
	if len(o.Classes) > 0 {
		all := map[string]any{}
		for label, c := range o.Classes {
			all[label] = redactClass(&c)
		}
		m["classes"] = all
	}
	for name, names := range map[string][2]string{
		"priorityField":  {o.PriorityField, client.DefaultPriorityField},
		"priorityHeader": {o.PriorityHeader, client.DefaultPriorityHeader},
	} {
		if names[0] != names[1] {
			m[name] = names[0]
		}
	}
}

// redactClass returns a class as a script would have written it, without its label.
func redactClass(c *traffic.Class) map[string]any {
	m := map[string]any{}
	if c.Model != "" {
		m["model"] = c.Model
	}
	if c.SLO != nil {
		m["slo"] = c.SLO
	}
	if c.Priority != nil {
		m["priority"] = *c.Priority
	}
	if len(c.Headers) > 0 {
		m["headers"] = redactHeaders(c.Headers)
	}
	if c.Leave != nil {
		m["cancel"] = c.Leave.Options()
	}
	return m
}

// redactHeaders returns headers without their values.
func redactHeaders(headers map[string]string) map[string]string {
	shown := make(map[string]string, len(headers))
	for name := range headers {
		shown[name] = redactedValue
	}
	return shown
}

// checkLabels returns an error if a scenario has a tag that names no class.
func checkLabels(scenarios lib.ScenarioConfigs) error {
	for _, s := range scenarios.GetSortedConfigs() {
		label, given := s.GetTags()[samples.LabelTag]
		if !given {
			continue
		}
		if err := traffic.CheckLabel(label); err != nil {
			return fmt.Errorf("scenario %q: tag %q: %w", s.GetName(), samples.LabelTag, err)
		}
	}
	return nil
}
