package llm

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// knownOf returns the names that an error lists as known when a script uses an unknown name.
func knownOf(t *testing.T, v *vu, code string) []string {
	t.Helper()
	message := v.run(t,
		`(() => { try { `+code+`; return 'nothing was thrown' } catch (e) { return String(e) } })()`).String()
	m := regexp.MustCompile(`known are (.+?)(?:\s+at |$)`).FindStringSubmatch(message)
	if m == nil {
		t.Fatalf("%s: no list in %q", code, message)
	}
	return words(m[1])
}

// words returns the sorted names in a text.
func words(text string) []string {
	list := regexp.MustCompile(`[\w-]+`).FindAllString(text, -1)
	slices.Sort(list)
	return slices.Compact(list)
}

// membersOf returns the members of the object type of an option.
func membersOf(t *testing.T, types, option string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?s)\b` + option + `\??: \{(.*?)\}`).FindStringSubmatch(types)
	if m == nil {
		t.Fatalf("docs/index.d.ts has no option %s of members", option)
	}
	inside := regexp.MustCompile(`(?s)/\*\*.*?\*/`).ReplaceAllString(m[1], "")
	var names []string
	for _, name := range regexp.MustCompile(`(\w+)\??:`).FindAllStringSubmatch(inside, -1) {
		names = append(names, name[1])
	}
	slices.Sort(names)
	return names
}

// valuesOf returns the strings that an option of an interface accepts.
func valuesOf(t *testing.T, types, name, option string) []string {
	t.Helper()
	_, body, _ := strings.Cut(types, "export interface "+name+" ")
	m := regexp.MustCompile(`(?s)\n    ` + option + `\??:([^;]*);`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("docs/index.d.ts has no option %s of %s", option, name)
	}
	var quoted []string
	for _, value := range regexp.MustCompile(`'([^']+)'`).FindAllStringSubmatch(m[1], -1) {
		quoted = append(quoted, value[1])
	}
	return words(strings.Join(quoted, " "))
}

// The declared members and values of options are those that the code accepts.
func TestNestedTypesKeepStep(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	types := string(text)
	v := newVU(t, New())
	const unknown = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz" // resembles no name
	breaker := slices.Concat(declared(t, types, "CircuitBreaker"), declared(t, types, "BreakerTrigger"))
	slices.Sort(breaker)
	for _, tt := range []struct {
		code string
		doc  []string
	}{
		{`new Client({slo: {` + unknown + `: 1}})`, membersOf(t, types, "slo")},
		{`new Client({sloHeaders: {` + unknown + `: 1}})`, membersOf(t, types, "sloHeaders")},
		{`new Client({circuitBreaker: {` + unknown + `: 1}})`, breaker},
		{`new Client({api: '` + unknown + `'})`, valuesOf(t, types, "ClientOptions", "api")},
		{`new Dataset({type: '` + unknown + `'})`, valuesOf(t, types, "DatasetOptions", "type")},
		{`new Dataset({type: 'shared_prefix', sharedPrefix: {` + unknown + `: 1}})`,
			membersOf(t, types, "sharedPrefix")},
		{`new Dataset({type: 'conversation_replay', conversationReplay: {` + unknown + `: 1}})`,
			membersOf(t, types, "conversationReplay")},
		{`new Dataset({type: 'workload_replay', workload: {` + unknown + `: 1}})`, membersOf(t, types, "workload")},
		{`new Dataset({type: 'workload_replay', replay: {` + unknown + `: 1}})`, membersOf(t, types, "replay")},
		{`new Dataset({type: 'synthetic_agentic', syntheticAgentic: {` + unknown + `: 1}})`,
			membersOf(t, types, "syntheticAgentic")},
		{`new Dataset({type: 'mock', media: {` + unknown + `: 1}})`,
			words(strings.Join(declared(t, types, "MediaMix"), " ") + " " +
				strings.Join(declared(t, types, "MediaOptions"), " "))},
		{`new Dataset({type: 'shared_prefix', sharedPrefix: {media: {` + unknown + `: 1}}})`,
			declared(t, types, "MediaMix")},
		{`new Dataset({type: 'mock', media: {pool: {` + unknown + `: 1}}})`, membersOf(t, types, "pool")},
		{`new Dataset({type: 'mock', media: {image: {` + unknown + `: 1}}})`, declared(t, types, "ImageMix")},
		{`new Dataset({type: 'mock', media: {video: {` + unknown + `: 1}}})`, declared(t, types, "VideoMix")},
		{`new Dataset({type: 'mock', media: {video: {profiles: {` + unknown + `: 1}}}})`,
			declared(t, types, "VideoProfile")},
		{`new Dataset({type: 'mock', media: {audio: {` + unknown + `: 1}}})`, declared(t, types, "AudioMix")},
		{`new Dataset({type: 'mock', media: {image: {representation: '` + unknown + `'}}})`,
			valuesOf(t, types, "ImageMix", "representation")},
		{`new Dataset({type: 'mock', media: {video: {representation: '` + unknown + `'}}})`,
			valuesOf(t, types, "VideoMix", "representation")},
		{`new Dataset({type: 'random', inputDistribution: {` + unknown + `: 1}})`, declared(t, types, "Distribution")},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], executor: '` + unknown + `'})`,
			valuesOf(t, types, "LoadOptions", "executor")},
		{`scenarios({search: {slo: {` + unknown + `: 1}}})`, membersOf(t, types, "slo")},
		{`pace({stages: [{rate: 1, duration: '1s'}], arrival: '` + unknown + `'})`,
			valuesOf(t, types, "LoadOptions", "arrival")},
	} {
		if code := knownOf(t, v, tt.code); !slices.Equal(code, tt.doc) {
			t.Errorf("%s: the code has %v\ndocs/index.d.ts has %v", tt.code, code, tt.doc)
		}
	}
}

// The declared kinds of failures are those of the records.
func TestErrorTypesKeepStep(t *testing.T) {
	t.Parallel()
	types, err := os.ReadFile("../docs/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("record/request.go")
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	for _, m := range regexp.MustCompile(`(?m)^\tError\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		code = append(code, m[1])
	}
	slices.Sort(code)
	if doc := valuesOf(t, string(types), "Result", "errorType"); len(code) < 10 || !slices.Equal(code, doc) {
		t.Errorf("package record has %v\ndocs/index.d.ts has %v", code, doc)
	}
}

// The results of functions have the declared members.
func TestReturnedObjectsKeepStep(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	v := newVU(t, New())
	for function, code := range map[string]string{
		"pace": `pace({stages: [{rate: 1, duration: '1s'}]})`,
		"config": `config({load: {stages: [{rate: 1, duration: 1}]}, server: {type: 'mock', base_url: 'http://x'}, ` +
			`data: {type: 'mock'}})`,
		"summary": `summary({metrics: {}})`,
	} {
		m := regexp.MustCompile(`(?s)export function ` + function + `\([^)]*\): \{(.*?)\};\n\n`).FindStringSubmatch(
			string(text))
		if m == nil {
			t.Errorf("docs/index.d.ts does not declare the result of %s", function)
			continue
		}
		inner := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(m[1], "")
		var doc []string
		for _, name := range regexp.MustCompile(`(\w+)(?:\(\))?:`).FindAllStringSubmatch(inner, -1) {
			doc = append(doc, name[1])
		}
		slices.Sort(doc)
		if got := members(t, v, `Object.keys(`+code+`)`); !slices.Equal(got, doc) {
			t.Errorf("%s: the code returns %v\ndocs/index.d.ts has %v", function, got, doc)
		}
	}
}
