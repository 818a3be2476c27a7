package jinja

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

var update = flag.Bool("update", false, "ask Jinja2 for what the constructs render to")

// constructs are the templates of testdata/constructs.txt.
func constructs(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/constructs.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i, line := range list {
		if strings.HasPrefix(line, `"`) {
			if list[i], err = strconv.Unquote(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	return list
}

func variables(t testing.TB) (map[string]Value, json.RawMessage) {
	t.Helper()
	data, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]Value{}
	gjson.ParseBytes(data).ForEach(func(k, v gjson.Result) bool {
		vars[k.Str] = fromJSON(v)
		return true
	})
	return vars, data
}

func fromJSON(v gjson.Result) Value {
	switch {
	case v.IsArray():
		list := NewList()
		for _, item := range v.Array() {
			list.Items = append(list.Items, fromJSON(item))
		}
		return list
	case v.IsObject():
		dict := new(Dict)
		v.ForEach(func(k, item gjson.Result) bool {
			dict.Set(k.Str, fromJSON(item))
			return true
		})
		return dict
	}
	return v.Value()
}

// maxUnsupported is how many of the constructs of Jinja2 are an error here, which says so.
const maxUnsupported = 22

type rendered struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

// Each construct renders as in Jinja2, or there is an error where Jinja2 has one, or the error names what is not
// supported.
func TestConstructs(t *testing.T) {
	list := constructs(t)
	vars, data := variables(t)
	golden := "testdata/constructs.golden"
	if *update {
		askJinja2(t, list, data, golden)
	}
	file, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	unsupported := 0
	for _, source := range list {
		if !lines.Scan() {
			t.Fatalf("%s has fewer lines than constructs: use -update", golden)
		}
		var want rendered
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got, err := renderText(source, vars)
		switch {
		case err == nil && want.Error != "", err == nil && got != want.Text && !strings.Contains(source, "strftime"):
			t.Errorf("%s\n got %q\nwant %q %s", source, got, want.Text, want.Error)
		case err != nil && want.Error == "" && !strings.Contains(err.Error(), "not supported"):
			t.Errorf("%s\n got %v\nwant %q", source, err, want.Text)
		case err != nil && want.Error == "":
			t.Logf("unsupported: %s: %v", source, err)
			unsupported++
		}
	}
	if unsupported > maxUnsupported {
		t.Errorf("%d constructs are not supported, want at most %d", unsupported, maxUnsupported)
	}
}

func renderText(source string, vars map[string]Value) (string, error) {
	tmpl, err := Parse(source)
	if err != nil {
		return "", err
	}
	return tmpl.Render(vars)
}

func askJinja2(t *testing.T, list []string, data json.RawMessage, golden string) {
	t.Helper()
	python := os.Getenv("LLM_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	var in strings.Builder
	for _, source := range list {
		job, err := json.Marshal(map[string]any{"template": source, "plain": data})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(job, '\n'))
	}
	cmd := exec.Command(python, "../testdata/reference.py")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, out, 0o644); err != nil {
		t.Fatal(err)
	}
}
