package study

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// fakeTool is a load tester with a few flags. A test with a rate takes its duration.
func fakeTool() Tool {
	flags := func(config bool) *pflag.FlagSet {
		set := pflag.NewFlagSet("bench", pflag.ContinueOnError)
		for _, name := range []string{"input", "output", "duration", "requests", "search", "slo", "seed", "body",
			"model", "out", "api-key-env", "warmup", "prompts"} {
			set.String(name, "", "")
		}
		set.StringSlice("rate", nil, "")
		set.StringSlice("concurrency", nil, "")
		set.StringArray("header", nil, "")
		set.Bool("stream", true, "")
		set.Int("turns", 0, "")
		set.Func("load.stages", "", func(string) error { return nil })
		set.Func("load.base_seed", "", func(string) error { return nil })
		set.Func("price", "", func(text string) error {
			if text == "much" {
				return fmt.Errorf("%q is no price", text)
			}
			return nil
		})
		if !config {
			set.Bool("no-probe", false, "")
		}
		return set
	}
	return Tool{Flags: flags, Check: func(t Test) (e Estimate, err error) {
		text := strings.Join(arguments(t.Flags), " ")
		for _, f := range t.Flags {
			if f.Name == "duration" {
				if e.Duration, err = time.ParseDuration(f.Texts[0]); err != nil {
					return e, fmt.Errorf("--duration: %w", err)
				}
			}
		}
		e.Open = e.Duration == 0
		if strings.Contains(text, "--rate") && strings.Contains(text, "--concurrency") {
			return e, fmt.Errorf("--rate and --concurrency exclude each other")
		}
		if strings.Contains(text, "--search") && !strings.Contains(text, "--slo") {
			return e, fmt.Errorf("within which SLO?")
		}
		return e, nil
	}, Reported: func(dir string) (string, bool) {
		text, err := os.ReadFile(filepath.Join(dir, "report"))
		_, verdict, _ := strings.Cut(string(text), " ")
		return verdict, err == nil
	}}
}

const whole = `
name: flags
directory: DIR
repeats: 2
flags: {slo: 'p99(ttft)<500ms', header: ['A: 1', 'B: 2'], body: {temperature: 0, stop: ['x']}}
deployments:
  - name: server
    command: >-
      serve --port ${port} "--note=two words" ${spec}
      --slots ${slots}
    matrix: {slots: [1, 4], spec: ['', --fast]}
    environment: {A: '${slots}', TOKEN: secret}
    flags: {model: 'm-${slots}', stream: false}
    ready: {timeout: 5m, path: /ready, model: m, token: false}
    warmup: {duration: 2s}
    stop: {signal: INT, grace: 5s, command: [echo, '${port}']}
    units: ${slots}
    price: 2 USD/h
  - {name: there, url: 'http://127.0.0.1:8000', flags: {slo: null}}
workloads:
  - {name: chat, input: 512}
  - {config: rag.yml}
loads:
  - {rate: [2, 4], duration: 30s}
  - {name: many, concurrency: 16, requests: 100}
`

func read(t *testing.T, text string) *Experiment {
	t.Helper()
	text = strings.ReplaceAll(text, "DIR", filepath.Join(t.TempDir(), "x"))
	e, err := Read("experiment.yml", []byte(text), fakeTool())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A whole file is read as it says.
func TestRead(t *testing.T) {
	t.Parallel()
	e := read(t, whole)
	cells := e.Cells()
	if len(cells) != (4+1)*2*2*2 {
		t.Fatalf("got %d cells", len(cells))
	}
	var got strings.Builder
	for _, i := range []int{0, 3, 4, 8, 39} {
		c := cells[i]
		fmt.Fprintln(&got, c.Label(e.Repeats)+" | "+c.Name+" | "+c.Test.Config)
		fmt.Fprintln(&got, "  "+strings.Join(c.Variant.Spec().Command, "|"))
	}
	want := `server slots=1 spec= · chat · rate=2,4 duration=30s · 1 | server-slots=1-spec=.chat.rate=2,4-duration=30s.1 | 
  serve|--port|${port}|--note=two words|--slots|${slots}
server slots=1 spec= · rag · many · 1 | server-slots=1-spec=.rag.many.1 | rag.yml
  serve|--port|${port}|--note=two words|--slots|${slots}
server slots=1 spec= · chat · rate=2,4 duration=30s · 2 | server-slots=1-spec=.chat.rate=2,4-duration=30s.2 | 
  serve|--port|${port}|--note=two words|--slots|${slots}
server slots=1 spec=--fast · chat · rate=2,4 duration=30s · 1 | ` +
		`server-slots=1-spec=--fast.chat.rate=2,4-duration=30s.1 | 
  serve|--port|${port}|--note=two words|${spec}|--slots|${slots}
there · rag · many · 2 | there.rag.many.2 | rag.yml
  
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	v := cells[0].Variant
	spec := v.Spec()
	if got, want := spec.String(), "serve --port '${port}' '--note=two words' --slots 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if spec.Ready.Timeout != 5*time.Minute || spec.Ready.Path != "/ready" || !spec.Ready.NoToken ||
		spec.Stop.Signal != "INT" ||
		spec.Stop.Grace != 5*time.Second || len(spec.Stop.Command) != 2 || spec.URL != "http://127.0.0.1:${port}" ||
		spec.Values["slots"] != "1" || v.Units != "1" || v.Price != "2 USD/h" {
		t.Errorf("got %+v, units %s", spec, v.Units)
	}
	first := strings.Join(arguments(cells[0].Test.Flags), " ")
	for _, want := range []string{`--body={"temperature":0,"stop":["x"]} --duration=30s --header=A: 1 --header=B: 2 `,
		" --input=512 --model=m-1 --rate=2,4 --seed=", " --slo=p99(ttft)<500ms --stream=false"} {
		if !strings.Contains(first, want) {
			t.Errorf("got %s, want %s", first, want)
		}
	}
	if last := strings.Join(arguments(cells[39].Test.Flags), " "); strings.Contains(last, "--slo") {
		t.Errorf("null leaves --slo there: %s", last)
	}
	if warm := strings.Join(arguments(e.warmupOf(v)), " "); !strings.Contains(warm, "--concurrency=4 --duration=2s") {
		t.Errorf("warm-up: got %s", warm)
	}
}

// All variants are sent the same requests; other loads, workloads and repeats are sent others.
func TestSeeds(t *testing.T) {
	t.Parallel()
	seed := func(c *Cell) string {
		for _, f := range c.Test.Flags {
			if f.Name == seedFlag {
				return f.Texts[0]
			}
		}
		return ""
	}
	seen := map[string]string{}
	for _, c := range read(t, whole).Cells() {
		id := fmt.Sprint(c.Workload.Name, c.Load.Name, c.Repeat)
		for other, s := range seen {
			if (s == seed(c)) != (other == id) {
				t.Errorf("%s and %s: seeds %s and %s", other, id, s, seed(c))
			}
		}
		seen[id] = seed(c)
	}
	if len(seen) != 8 {
		t.Errorf("got %d requests", len(seen))
	}
	chosen := read(t, strings.Replace(whole, "flags: {slo", "flags: {seed: 7, slo", 1)).Cells()[0]
	if s := seed(chosen); s == seen["chatrate=2,4 duration=30s1"] || s == "" || s == "7" {
		t.Errorf("with another base the seed is %q", s)
	}
}

// Each mistake is named with its line and column.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const rest = "\nworkloads: [{name: w}]\nloads: [{rate: 2}]\n"
	there := func(text string) string { return "deployments:\n - {name: d, url: u, " + text + "}" + rest }
	started := func(text string) string { return "deployments:\n - {name: d, " + text + "}" + rest }
	load := func(text string) string {
		return "deployments: [{name: d, url: u}]\nworkloads: [{name: w}]\nloads:\n - " + text + "\n"
	}
	for _, tt := range []struct{ text, want string }{
		{"", "e.yml:1:1: is empty"},
		{"- a", "e.yml:1:1: expected a mapping with deployments"},
		{"a: [", "e.yml:"},
		{"a: 1\na: 2", "e.yml:2:1: \"a\" is given twice"},
		{"a: *b", "e.yml:"},
		{"name: !x 1", "e.yml:1:7: a tag (!…) is not supported"},
		{"{a: 1}\n---\n{b: 2}", "a second document: one is allowed"},
		{"nam: x" + rest, "e.yml:1:1: unknown key \"nam\": did you mean name?"},
		{"deployment: []" + rest, "e.yml:1:1: unknown key \"deployment\": did you mean deployments?"},
		{"name: x" + rest, "e.yml:1:1: deployments are missing"},
		{"deployments: []" + rest, "e.yml:1:14: deployments: expected a list of at least one, got an empty list"},
		{"deployments: [7]" + rest, "e.yml:1:15: deployments: expected a mapping, got a single value"},
		{"repeats: 0\n" + there("flags: {}"), "e.yml:1:10: repeats: write how often each cell runs, from 1 to 1000"},
		{"flags: {inptu: 3}\n" + there("flags: {}"), "e.yml:1:9: unknown flag \"inptu\": did you mean input?"},
		{"flags: {out: 3}\n" + there("flags: {}"), "e.yml:1:9: out is no flag of a cell: each cell has a directory"},
		{"flags: 3\n" + there("flags: {}"), "e.yml:1:8: flags: expected a mapping, got a single value"},
		{"flags: {seed: x}\n" + there("flags: {}"), "e.yml:1:15: --seed: expected a whole number"},
		{"flags: {price: much}\n" + there("flags: {}"), "e.yml:1:16: --price: \"much\" is no price"},
		{"flags: {header: 'Authorization: Bearer abc'}\n" + there("flags: {}"),
			"e.yml:1:17: the header \"Authorization\" is a secret"},
		{"flags: {body: {api_key: abc}}\n" + there("flags: {}"), "e.yml:1:16: \"api_key\" is a secret"},
		{started("command: 'a ${port}', compose: b, url: u"), "compose are two kinds of deployment: give one"},
		{started("flags: {}"), "e.yml:2:4: a deployment needs command, manifests, compose, or the url"},
		{started("compose: c"), "e.yml:2:4: a deployment of compose needs the url"},
		{started("compose: nofile, url: u"), "compose: stat nofile: no such file"},
		{started("command: serve"), "e.yml:2:23: the command has no ${port}"},
		{started("command: 'serve ${prt}'"), "e.yml:2:23: unknown ${prt}: did you mean ${port}?"},
		{"deployments:\n - name: d\n   command: serve ${prt} ${port}" + rest, "e.yml:3:19: unknown ${prt}"},
		{started("command: 'serve ${port} | cat'"), "no shell runs the command, so '|' has no meaning"},
		{started("command: 'serve ${port} \"x'"), "a quote (\") has no end"},
		{started("command: [serve, [x]]"), "e.yml:2:31: command: expected a word, got a list"},
		{started("command: []"), "e.yml:2:23: command: expected a text or a list of words, got an empty list"},
		{started("command: [bash, -lc, 'serve ${port} ${a}'], matrix: {a: [1 2, 'x;y']}"),
			"e.yml:2:23: the shell would take \"x;y\" of ${a} apart: write environment: {X: '${a}'}, and \"$X\" in"},
		{there("matrix: {a: [1]}"), "e.yml:2:30: matrix: no text of the deployment has ${a}"},
		{there("matrix: {port: [1]}"), "e.yml:2:31: matrix: ${port} has a meaning of its own"},
		{there("matrix: {api_key: [1]}"), "e.yml:2:31: matrix: api_key names a secret"},
		{there("matrix: {a: []}"), "e.yml:2:34: matrix: a: expected a list of values, got an empty list"},
		{there("matrix: {a: 1}"), "e.yml:2:34: matrix: a: expected a list of values, got a single value"},
		{there("matrix: {a: [1, 1]}"), "e.yml:2:38: matrix: a: \"1\" is given twice"},
		{there("units: none"), "e.yml:2:29: units: \"none\" is no number above 0"},
		{there("price: much"), "e.yml:2:29: price: \"much\" is no price"},
		{there("ready: {timeout: 5}"), "e.yml:2:39: timeout: \"5\" is no duration such as 1.5s: it has no unit"},
		{there("ready: {token: yes}"), "e.yml:2:37: token: expected true or false"},
		{there("ready: {pth: /}"), "e.yml:2:30: unknown key \"pth\": did you mean path?"},
		{there("directory: x"), "e.yml:2:33: directory is for deployments with command"},
		{there("flags: {model: '${port}'}"), "e.yml:2:37: unknown ${port}"},
		{there("flags: {model: '${nam'}"), "has no end: write ${NAME}"},
		{load("7"), "e.yml:4:4: loads: expected a mapping, got a single value"},
		{load("{}"), "e.yml:4:4: loads: each needs flags, such as rate: 2"},
		{load("{rate: 2, concurrency: 3}"), "e.yml:4:11: --rate and --concurrency exclude each other"},
		{load("{rate: 2, duration: soon}"), "e.yml:4:24: --duration: "},
		{load("{search: rate}"), "e.yml:4:4: d · w · search=rate: within which SLO?"},
		{load("{stream: maybe}"), "e.yml:4:13: --stream: expected true or false"},
		{load("{turns: x, price: much}"), "e.yml:4:12: --turns: "},
		{load("{turns: x, price: much}"), "\ne.yml:4:22: --price: \"much\" is no price"},
		{load("{rate: 2}\n - {rate: 2}"), "e.yml:5:4: two loads are named \"rate=2\""},
		{"deployments: [{name: d, url: u}]\nworkloads: [{name: w, config: c, no-probe: true}]\nloads: [{rate: 2}]\n",
			"e.yml:2:44: --no-probe is no flag of a test with a configuration"},
	} {
		_, err := Read("e.yml", []byte(tt.text), fakeTool())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "abc") {
			t.Errorf("%q: the message shows a secret: %v", tt.text, err)
		}
	}
}

// A matrix of too many values is refused before its cells are made.
func TestTooManyCells(t *testing.T) {
	t.Parallel()
	var matrix strings.Builder
	for i := range 30 {
		fmt.Fprintf(&matrix, "a%d: [1,2,3,4,5,6,7,8,9,10], ", i)
	}
	_, err := Read("e.yml", []byte("deployments: [{name: d, compose: c, url: u, matrix: {"+matrix.String()+"}}]\n"+
		"workloads: [{name: w}]\nloads: [{rate: 2}]\n"), fakeTool())
	if err == nil || !strings.Contains(err.Error(), "cells are more than 10000") {
		t.Errorf("got %v", err)
	}
}

// Aliases that grow without bound are refused.
func TestManyAliases(t *testing.T) {
	t.Parallel()
	text := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		text += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 10))
	}
	_, err := Read("e.yml", []byte(text), fakeTool())
	if err == nil || !strings.Contains(err.Error(), "values with aliases") {
		t.Errorf("got %v", err)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"a  b\tc\n", "a|b|c"},
		{`a 'b c' "d \"e\" 'f'" g\ h ''`, `a|b c|d "e" 'f'|g h|`},
		{`a=${x y} ${port}`, `a=${x y}|${port}`},
		{"a \\\n b", "a|b"},
		{`a"b"'c'`, "abc"},
		{`a > b`, "error"},
		{`a 'b`, "error"},
		{`a \`, "error"},
		{`a ${b`, "error"},
		{"$HOME $$", "$HOME|$$"},
	} {
		words, err := split(tt.text)
		got := strings.Join(words, "|")
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s (%v)", tt.text, got, tt.want, err)
		}
	}
}

// FuzzRead reads any text, and makes the cells of what can be read.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("deployments: [{name: d, url: '${x}', matrix: {x: [1,'$$']}}]\nworkloads: [{name: w}]\n" +
		"loads: [{rate: 2}]\n"))
	f.Add([]byte("deployments: [{name: d, command: 'a \"b ${port}\" ''', stop: {command: [x]}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Read("e.yml", text, fakeTool())
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "e.yml") {
					t.Errorf("%q names no place", line)
				}
			}
			return
		}
		names := map[string]bool{}
		for _, c := range e.Cells() {
			if names[c.Name] || c.Name == "" || strings.ContainsAny(c.Name, "/\\\x00") {
				t.Errorf("name of a cell: %q", c.Name)
			}
			names[c.Name] = true
		}
	})
}
