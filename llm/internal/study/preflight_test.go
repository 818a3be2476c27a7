package study

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kubectl answers what a check asks.
const kubectl = `#!/bin/sh
[ "$1" = config ] && echo here
exit 0
`

// What would keep an experiment from running here is told at the place where the file asks for it; of a deployment
// whose cells are done nothing is asked.
func TestPreflight(t *testing.T) {
	dir := t.TempDir()
	const pod = "kind: Pod\nmetadata: {name: 'x-${slots}'}\n"
	for name, text := range map[string]string{"kubectl": kubectl, "m.yaml": pod,
		"typo.yaml": strings.Replace(pod, "slots", "slot", 1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, tt := range []struct{ deployments, want string }{
		{"{name: d, command: 'sh ${port}'}", ""},
		{"{name: d, manifests: M/m.yaml, url: u, matrix: {slots: [1, 2]}}", ""},
		{"{name: d, manifests: M/m.yaml, url: 'u/${gpus}', matrix: {slots: [1, 2], gpus: [1]}}", ""},
		{"{name: d, command: 'no-such-server ${port} ${a}', matrix: {a: [1, 2]}}",
			`e.yml:1:34: deployment d a=1: there is no program "no-such-server" in PATH`},
		{"{name: d, manifests: M/typo.yaml, url: u, matrix: {slots: [1]}}",
			`unknown ${slot}: did you mean ${slots}?`},
		{"{name: d, manifests: M/m.yaml, url: u, matrix: {slots: [1], gpus: [1, 2]}}",
			"matrix: neither the deployment nor its files have ${gpus}, so its values make no difference"},
	} {
		text := "deployments: [" + strings.ReplaceAll(tt.deployments, "M/", dir+"/") + "]\nworkloads: [{name: w}]\n" +
			"loads: [{rate: 2}]\ndirectory: " + dir + "/results\n"
		e, err := Read("e.yml", []byte(text), fakeTool())
		if err != nil {
			t.Fatal(err)
		}
		store, err := Open(e)
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Plan(store, fakeTool())
		if err != nil {
			t.Fatal(err)
		}
		err = p.Preflight(t.Context(), func(string) {})
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) ||
			strings.Count(err.Error(), "\n") > 0) {
			t.Errorf("%s: got  %v\nwant %s", tt.deployments, err, tt.want)
		}
		for _, c := range p.Cells {
			c.Why = ""
		}
		if err := p.Preflight(t.Context(), func(string) {}); err != nil {
			t.Errorf("nothing is to run: got %v", err)
		}
	}
}
