package llm

import (
	"errors"
	"fmt"
	"maps"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// classFields returns the options of a class of users.
func classFields(rt *sobek.Runtime, c *traffic.Class) fields {
	f := ownClassFields(rt, c)
	f["slo"], f["model"], f["headers"] = bounds(&c.SLO), text(&c.Model), texts(&c.Headers)
	return f
}

// ownClassFields returns those options of a class that a Client has no other use for.
func ownClassFields(rt *sobek.Runtime, c *traffic.Class) fields {
	return fields{
		"label": label(&c.Label),
		"priority": func(v sobek.Value) error {
			if absent(v) {
				return nil
			}
			c.Priority = new(int64)
			return integer(c.Priority, -1<<31)(v)
		},
		"cancel": func(v sobek.Value) error { return readLeave(rt, &c.Leave, 0, v) },
	}
}

// label reads the name of a class.
func label(dst *string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if err := text(dst)(v); err != nil {
			return err
		}
		return traffic.CheckLabel(*dst)
	}
}

// readClasses reads the classes of a Client by their labels.
func readClasses(rt *sobek.Runtime, dst *map[string]traffic.Class) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if absent(v) {
			return nil
		}
		obj, ok := v.(*sobek.Object)
		if _, isFunc := sobek.AssertFunction(v); !ok || isFunc || obj.ClassName() == "Array" {
			return fmt.Errorf("must be an object such as {chat: {slo: {ttft: '500ms'}}}, got %s", describe(v))
		}
		*dst = map[string]traffic.Class{}
		for _, name := range obj.Keys() {
			c := traffic.Class{Label: name}
			f := classFields(rt, &c)
			delete(f, "label")
			err := f.read(rt, "class", obj.Get(name))
			if err == nil {
				err = traffic.CheckLabel(name)
			}
			if err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
			(*dst)[name] = c
		}
		return nil
	}
}

// readLeave reads which users leave, and when. share is that of a rule that names none; 0 means that each must.
func readLeave(rt *sobek.Runtime, dst **traffic.Leave, share float64, v sobek.Value) error {
	if absent(v) {
		return nil
	}
	l := traffic.Leave{Share: share}
	var tokens, seed int64
	given := map[string]bool{}
	f := fields{
		"share": number(&l.Share), "tokens": integer(&tokens, 1), "seed": integer(&seed, -1<<53),
		"after": func(v sobek.Value) error {
			if when, isText := export(v).(string); isText && (when == traffic.Queued || when == traffic.PromptSent) {
				l.When = when
				return nil
			}
			return duration(&l.After)(v)
		},
	}
	for name, read := range maps.Clone(f) {
		f[name] = func(v sobek.Value) error { given[name] = true; return read(v) }
	}
	if err := f.read(rt, "cancel", v); err != nil {
		return err
	}
	switch l.Tokens = int(tokens); {
	case share == 0 && !given["share"]:
		return errors.New("share is missing: how many of the requests are given up, such as 0.05")
	case given["after"] && !given["tokens"] && l.String() == "0s":
		return errors.New("after must be above 0: a time such as '2s', 'queued' or 'prompt-sent'")
	case given["seed"]:
		l.Seed = &seed
	}
	*dst = &l
	return l.Check()
}
