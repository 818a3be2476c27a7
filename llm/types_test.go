package llm

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// sorted returns JSON with the keys of each object sorted.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// declared returns the members of an interface or class in docs/index.d.ts, and those of the options that it extends.
func declared(t *testing.T, types, name string) []string {
	t.Helper()
	body := regexp.MustCompile(`(?ms)^  export (?:interface|class) ` + name +
		`\b([^{]*)\{\n(.*?)^  \}`).FindStringSubmatch(types)
	if body == nil {
		t.Fatalf("docs/index.d.ts has no %s", name)
	}
	var members []string
	for _, m := range regexp.MustCompile(`(?m)^    (?:readonly )?(\w+)\??(?:\(|:)`).FindAllStringSubmatch(body[2], -1) {
		if m[1] != "constructor" {
			members = append(members, m[1])
		}
	}
	for _, of := range []string{"SoundOptions", "VisualOptions", "UserClass"} {
		if _, extends, found := strings.Cut(body[1], "extends "); found && strings.Contains(extends, of) {
			members = append(members, declared(t, types, of)...)
		}
	}
	slices.Sort(members)
	return members
}

// The types that editors show must have exactly the options that the code reads.
func TestTypesKeepStep(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	types := string(text)
	v := newVU(t, New())
	rt := v.VU.Runtime()
	request := declared(t, types, "RequestOptions")
	request = append(request, declared(t, types, "Request")...)
	slices.Sort(request)
	v.model(t, "/models", "")
	for _, tt := range []struct {
		name      string
		code, doc []string
	}{
		{"ClientOptions", keys(new(clientOptions).fields(rt)), declared(t, types, "ClientOptions")},
		{"PairOptions", keys(pairFields(nil, new(engine.PairOptions), nil)), declared(t, types, "PairOptions")},
		{"RequestOptions", keys(new(requestOptions).fields(rt)), declared(t, types, "RequestOptions")},
		{"Request", keys(new(requestOptions).withInput(rt)), request},
		{"DatasetOptions", keys(newDatasetOptions().fields(rt)), declared(t, types, "DatasetOptions")},
		{"LoadOptions", keys(new(loadOptions).fields(&ModuleInstance{vu: v.VU})), declared(t, types, "LoadOptions")},
		{"Search", keys(searchFields(rt, new(arrival.SearchOptions))), declared(t, types, "Search")},
		{"Stage", keys(stageFields(new(arrival.StageOptions))), declared(t, types, "Stage")},
		{"Result", tagsOf(reflect.TypeFor[result]()), declared(t, types, "Result")},
		{"Session", tagsOf(reflect.TypeFor[session]()), declared(t, types, "Session")},
		{"SessionResult", tagsOf(reflect.TypeFor[sessionResult]()), declared(t, types, "SessionResult")},
		{"Client", members(t, v, `Object.getOwnPropertyNames(new Client())`), declared(t, types, "Client")},
		{"Dataset", members(t, v, `Object.getOwnPropertyNames(new Dataset({type: 'mock'}))`), declared(t, types, "Dataset")},
		{"Tokenizer", members(t, v, `Object.keys(new Tokenizer('/models/tokenizer.json'))`),
			declared(t, types, "Tokenizer")},
	} {
		if !slices.Equal(tt.code, tt.doc) {
			t.Errorf("%s: the code has %v\ndocs/index.d.ts has %v", tt.name, tt.code, tt.doc)
		}
	}
	for name := range New().NewModuleInstance(newVU(t, New()).VU).Exports().Named {
		if !regexp.MustCompile(`export (class|function|const) ` + name + `\b`).MatchString(types) {
			t.Errorf("docs/index.d.ts does not export %s", name)
		}
	}
}

// tagsOf returns the names that scripts have for the fields of a type.
func tagsOf(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		if name := f.Tag.Get("js"); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func keys(f fields) []string { return slices.Sorted(maps.Keys(f)) }

func members(t *testing.T, v *vu, code string) []string {
	t.Helper()
	list := strings.Split(v.run(t, `(`+code+`).join(' ')`).String(), " ")
	slices.Sort(list)
	return list
}
