package agentic

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// themesOf returns all themes by name.
func themesOf(t *testing.T) map[string]*theme {
	t.Helper()
	all := map[string]*theme{}
	for name := range strings.SplitSeq(knownThemes, ", ") {
		th, err := loadTheme(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = th
	}
	return all
}

func TestTemplatesKnowTheirPlaceholders(t *testing.T) {
	for name, th := range themesOf(t) {
		for kind, list := range map[string][]template{
			"documents": th.Documents, "objectives": th.Objectives, "follow_ups": th.FollowUps, "tasks": th.Tasks,
			"filler": th.Filler, "summaries": th.Summaries, "delegate": th.shared.Delegate, "final": th.shared.Final,
			"report": th.shared.Report,
		} {
			if len(list) == 0 {
				t.Errorf("theme %s has no %s", name, kind)
			}
			for _, x := range list {
				checkPlaceholders(t, name+" "+kind, th, x, nil)
			}
		}
		for _, x := range th.Tools {
			given := map[string]bool{}
			for _, p := range x.Parameters {
				checkPlaceholders(t, name+" "+x.Name+" "+p.Name, th, p.Value, given)
				given[p.Name] = true
			}
			checkPlaceholders(t, name+" "+x.Name, th, x.Result, given)
		}
	}
}

func checkPlaceholders(t *testing.T, where string, th *theme, x template, given map[string]bool) {
	t.Helper()
	for _, p := range x {
		switch {
		case (p.kind == '.' || p.kind == '?') && len(th.Words[p.text]) == 0:
			t.Errorf("%s: no words for {%s}", where, p.text)
		case p.kind == '#' && p.low > p.high:
			t.Errorf("%s: {#%d-%d} is empty", where, p.low, p.high)
		case p.kind == '=' && !given[p.text]:
			t.Errorf("%s: no argument {=%s}", where, p.text)
		}
	}
}

func TestArgumentsSatisfyTheirSchemas(t *testing.T) {
	for name, th := range themesOf(t) {
		d := dice{seed: 1}
		for i := range 3 * len(th.Tools) {
			x, called := th.toolAt(i)
			call, _ := x.call("id", called, th, th.scene(d.of("", "scene")), d.of(called, "arguments"))
			var schema struct {
				Function struct {
					Name       string
					Parameters struct {
						Properties map[string]struct {
							Type string
							Enum []string
						}
						Required []string
					}
				}
			}
			if err := json.Unmarshal(th.definitions(i + 1)[i], &schema); err != nil {
				t.Fatal(err)
			}
			if schema.Function.Name != call.Name {
				t.Errorf("%s: tool %d is %q, and called %q", name, i, schema.Function.Name, call.Name)
			}
			var given map[string]any
			if err := json.Unmarshal([]byte(call.Arguments), &given); err != nil {
				t.Fatalf("%s: %s: arguments %s: %v", name, call.Name, call.Arguments, err)
			}
			for _, required := range schema.Function.Parameters.Required {
				if given[required] == nil {
					t.Errorf("%s: %s: %s lacks %q", name, call.Name, call.Arguments, required)
				}
			}
			for property, value := range given {
				p, known := schema.Function.Parameters.Properties[property]
				if !known || !fits(value, p.Type) {
					t.Errorf("%s: %s: %q is %v, want a value of type %q", name, call.Name, property, value, p.Type)
				}
				if text, _ := value.(string); p.Enum != nil && !slices.Contains(p.Enum, text) {
					t.Errorf("%s: %s: %q is %q, want one of %q", name, call.Name, property, text, p.Enum)
				}
			}
		}
	}
}

func fits(value any, kind string) bool {
	switch x := value.(type) {
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "integer" && x == float64(int(x))
	}
	return false
}

func TestDefinitionsHaveTheLengthThatIsReckonedWith(t *testing.T) {
	for name, th := range themesOf(t) {
		seen := map[string]bool{}
		for i, d := range th.definitions(2 * len(th.Tools)) {
			if len(d) < definitionBytes-200 || len(d) > definitionBytes+10 {
				t.Errorf("%s: definition %d has %d bytes, want about %d", name, i, len(d), definitionBytes)
			}
			x, called := th.toolAt(i)
			if seen[called] {
				t.Errorf("%s: the catalog has %q twice", name, called)
			}
			seen[called] = true
			if th.toolNamed(called) != x {
				t.Errorf("%s: %q is not found by its name", name, called)
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	th := &theme{Words: map[string][]string{"day": {"Friday"}}}
	for in, want := range map[string]string{
		"no placeholder": "no placeholder", "on {day}": "on Monday", "{day?} or {day}": "Friday or Monday",
		"{#7-7} of {=all}": "7 of 9", "{unknown}": "",
	} {
		var x template
		if err := x.UnmarshalText([]byte(in)); err != nil {
			t.Fatal(err)
		}
		got := string(x.write(nil, th, scene{"day": "Monday"}, dice{}.of("", ""), map[string]string{"all": "9"}))
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"{day", "{#1}", "{#a-b}", "{#3-}"} {
		err := new(template).UnmarshalText([]byte(in))
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(in)) {
			t.Errorf("%q: got error %v, want one that quotes it", in, err)
		}
	}
}
