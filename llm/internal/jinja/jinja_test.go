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

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/tidwall/gjson"
)

var (
	update = flag.Bool("update", false, "ask Jinja2 for what the constructs render to")
	seed   = flag.String("seed", "1", "of the random templates")
)

// constructs returns the templates of testdata/constructs.txt.
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

// maxUnsupported is the number of constructs of Jinja2 that are unsupported here and return an error that says so.
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
		lines := strings.Join(askJinja2(t, list, data), "\n") + "\n"
		if err := os.WriteFile(golden, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
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

// Random templates render as in Jinja2, too, or return an error.
func TestRandom(t *testing.T) {
	python := testenv.Python(t, "jinja2")
	out, err := exec.Command(python, "testdata/generate.py", *seed, "3000").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		var source string
		if err := json.Unmarshal([]byte(line), &source); err != nil {
			t.Fatal(err)
		}
		list = append(list, source)
	}
	vars, data := variables(t)
	same := 0
	for i, line := range askJinja2(t, list, data) {
		var want rendered
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		switch got, err := renderText(list[i], vars); {
		case err != nil:
		case want.Error != "" || got != want.Text:
			t.Errorf("%q\n got %q\nwant %q %s", list[i], got, want.Text, want.Error)
		default:
			same++
		}
	}
	if same < len(list)/4 {
		t.Errorf("%d of %d are the same, want at least a quarter", same, len(list))
	}
}

// askJinja2 returns Jinja2's renderings of templates, a line of JSON each.
func askJinja2(t *testing.T, list []string, data json.RawMessage) []string {
	t.Helper()
	var in strings.Builder
	for _, source := range list {
		job, err := json.Marshal(map[string]any{"template": source, "plain": data})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(job, '\n'))
	}
	cmd := exec.Command(testenv.PythonPath(), "../../tokenizer/testdata/templates/reference.py")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(list) {
		t.Fatalf("Jinja2 answered %d of %d templates", len(lines), len(list))
	}
	return lines
}
