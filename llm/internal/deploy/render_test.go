package deploy

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestRender(t *testing.T) {
	t.Parallel()
	text := `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server-${slots}
  namespace: elsewhere
spec:
  replicas: ${replicas}
  ratio: ${ratio}
  paused: ${paused}
  template:
    metadata:
      labels:
        slots: ${slots}
        "${slots}": x
    spec:
      containers:
      - image: ${slots}
        args:
        - --slots
        - ${slots}
        - --slots=${slots}
        - $(POD) $${HOME} $$(X)
        - ${odd}
        env:
        - name: SLOTS
          value: ${slots}
        quoted: "${slots}"
        block: |
          run ${slots}
          end
---
---
apiVersion: v1
kind: Service
metadata: {name: s}
`
	values := map[string]string{"slots": "4", "replicas": "2", "ratio": "0.5", "paused": "true",
		"odd": `a: "b" # {${slots}`}
	out, r, err := render([]byte(text), values)
	if err != nil {
		t.Fatal(err)
	}
	if !r.moved || len(r.objects) != 2 || r.objects[0] != (object{"Deployment", "server-4"}) ||
		r.objects[1] != (object{"Service", "s"}) {
		t.Errorf("objects %+v, moved %v", r.objects, r.moved)
	}
	var got struct {
		Metadata map[string]any
		Spec     struct {
			Replicas int
			Ratio    float64
			Paused   bool
			Template struct {
				Metadata struct{ Labels map[string]any }
				Spec     struct {
					Containers []struct {
						Image, Quoted, Block any
						Args                 []any
						Env                  []map[string]any
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := got.Spec.Template.Spec.Containers[0]
	if got.Spec.Replicas != 2 || got.Spec.Ratio != 0.5 || !got.Spec.Paused || got.Metadata["namespace"] != nil ||
		got.Spec.Template.Metadata.Labels["slots"] != "4" || got.Spec.Template.Metadata.Labels["4"] != "x" ||
		c.Image != "4" || c.Quoted != "4" || c.Block != "run 4\nend\n" || c.Env[0]["value"] != "4" {
		t.Errorf("got %+v\n%s", got, out)
	}
	want := []any{"--slots", "4", "--slots=4", "$(POD) ${HOME} $$(X)", `a: "b" # {${slots}`}
	for i, arg := range c.Args {
		if arg != want[i] {
			t.Errorf("argument %d: got %q, want %q", i, arg, want[i])
		}
	}
}

func TestManifestsThatCannotBeRendered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		value string
		want  string
	}{
		{"kind: Pod\nmetadata: {name: \"${slot}\"}\n", "4", "line 2, column 18: unknown ${slot}: did you mean " +
			"${slots}? (known are slots); $$ is a dollar; $${slot} is the text itself"},
		{"kind: Pod\nmetadata: {name: \"${slots\"}\n", "4", "line 2, column 18: \"${slots\" has no end"},
		{"kind: Pod\n", "4\nkind: Secret", "the value of ${slots} has a line break or a control character"},
		{"kind: [\n", "4", "line 2"},
		{"", "4", "there is no object in it"},
		{"metadata: {name: x}\n", "4", "line 1: an object without a kind"},
	} {
		_, _, err := render([]byte(tt.text), map[string]string{"slots": tt.value})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q in it", tt.text, err, tt.want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add([]byte("kind: Pod\nmetadata: {name: \"${v}\", x: ${v}}\n"), "a: b")
	f.Add([]byte("kind: &a [*a]\n---\nkind: ${v}\nb: |\n  ${v}\n"), "4")
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		out, r, err := render(text, map[string]string{"v": value})
		if err != nil {
			return
		}
		_, again, err := render(out, map[string]string{})
		if err != nil && strings.Contains(string(text)+value, "${") {
			return // a value, or what two dollars made plain, may look like a reference
		}
		if err != nil || len(again.objects) != len(r.objects) {
			t.Errorf("%q with %q became %q: %v", text, value, out, err)
		}
	})
}
