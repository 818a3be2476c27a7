package record

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/schematest"
)

func schema(t *testing.T) *schematest.Schema {
	t.Helper()
	s, err := schematest.Load("../../docs/schema/records.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func appended(t *testing.T, line Line) []byte {
	t.Helper()
	text, err := Append(nil, line)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fill sets everything in v to something other than zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("name"), value)
	case reflect.Interface:
		v.Set(reflect.ValueOf("anything"))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Uint8, reflect.Uint64: // raw JSON, a hash
		v.SetUint(1)
	default:
		v.SetInt(1)
	}
}

// fullLines returns lines with everything set.
func fullLines() []Line {
	lines := []Line{new(Run), new(Client), new(Request), new(Dropped), new(Stage), new(Server), new(Search),
		new(Session), new(End)}
	for _, line := range lines {
		fill(reflect.ValueOf(line).Elem())
		switch l := line.(type) {
		case *Run:
			l.Schema = Schema
		case *Request:
			l.Usage, l.ErrorType = json.RawMessage(`{"completion_tokens":1}`), ErrorHTTP
			l.Call, l.Media, l.Output = fullCall(), []Media{*fullMedia()}, []Media{*fullMedia()}
		case *Search:
			*l = *fullSearch()
		case *Session:
			*l = *fullSession()
		}
	}
	return lines
}

// leastLines returns lines that hold only what is always written. Writers make lists and maps even if they are empty.
func leastLines() []Line {
	return []Line{
		&Run{Schema: Schema, Versions: map[string]string{}, Scenarios: []Scenario{}},
		&Run{Schema: Schema, Versions: map[string]string{}, Scenarios: []Scenario{{Stages: []Stage{{}}}}},
		&Client{Options: map[string]any{}},
		&Request{Start: 1, End: 1, Chunks: []int64{}},
		&Dropped{},
		&Stage{},
		&Server{Values: map[string]float64{}},
		&Heartbeat{Start: 1, End: 1},
		&Search{Over: OverRate, Tiers: []SearchTier{}, Probes: []SearchProbe{}},
		&Session{ID: "a", Start: 1, End: 1},
		&End{},
	}
}

func TestSchemaHoldsForAllLines(t *testing.T) {
	t.Parallel()
	s := schema(t)
	lines := append(append(append(fullLines(), leastLines()...), allLines...), fullRequest())
	for _, line := range lines {
		if text := appended(t, line); s.Validate(text) != nil {
			t.Errorf("%s\n%v", text, s.Validate(text))
		}
	}
}

func TestSchemaRefusesBrokenLines(t *testing.T) {
	t.Parallel()
	s := schema(t)
	open := []string{"/usage", "/options"}
	for _, line := range leastLines() {
		accepted, err := s.Accepted(appended(t, line), schematest.Loose{Open: open})
		if err != nil || len(accepted) > 0 {
			t.Errorf("%s line without options: accepted %q, %v", line.lineType(), accepted, err)
		}
	}
	for _, line := range fullLines() {
		accepted, err := s.Accepted(appended(t, line), schematest.Loose{Open: open, Optional: []string{"*"}})
		if err != nil || len(accepted) > 0 {
			t.Errorf("%s line with everything: accepted %q, %v", line.lineType(), accepted, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := schema(t)
	request := func(change func(*Request)) string {
		r := Request{Start: 1, End: 1, Chunks: []int64{}}
		change(&r)
		return string(appended(t, &r))
	}
	for line, want := range map[string]string{
		`{"type":"requests"}`:          "'/type'",
		`[]`:                           "want object",
		`{"type":"stage"}`:             "missing property 'index'",
		`{"type":"stage","index":NaN}`: "not a JSON document",
		`{"type":"server","time_ns":1,"values":{"running":"NaN"}}`:         "'/values/running'",
		request(func(r *Request) { r.Start = 0 }):                          "'/start_ns'",
		request(func(r *Request) { r.Chunks = nil }):                       "'/chunks_us'",
		request(func(r *Request) { r.Chunks = []int64{-1} }):               "'/chunks_us/0'",
		request(func(r *Request) { r.ErrorType = "nonsense" }):             "'/error_type'",
		request(func(r *Request) { r.Usage = json.RawMessage("null") }):    "'/usage'",
		request(func(r *Request) { r.Seq = -1 }):                           "'/seq'",
		string(appended(t, &Dropped{Count: -1})):                           "'/count'",
		string(appended(t, &Client{})):                                     "'/options'",
		string(appended(t, &Search{Over: "rates"})):                        "'/over'",
		string(appended(t, &Stage{Duration: new(0.0)})):                    "'/duration'",
		strings.Replace(string(appended(t, leastLines()[0])), "1", "2", 1): "'/schema'",
	} {
		if err := s.Validate([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

func TestSchemaHasEveryField(t *testing.T) {
	t.Parallel()
	s := schema(t)
	own := map[reflect.Type]string{reflect.TypeFor[json.RawMessage](): "", reflect.TypeFor[[]byte](): ""}
	types := schematest.Types{Own: own, Beside: []string{"type"}}
	for _, line := range leastLines() {
		for _, fault := range s.Compare(line.lineType(), reflect.TypeOf(line).Elem(), types) {
			t.Error(fault)
		}
	}
}

// A new error type in the code must be added to the schema too.
func TestSchemaHasEveryErrorType(t *testing.T) {
	t.Parallel()
	s := schema(t)
	file, err := parser.ParseFile(token.NewFileSet(), "request.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Error") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = true
		if err := s.Validate(appended(t, &Request{Start: 1, End: 1, Chunks: []int64{}, ErrorType: value})); err != nil {
			t.Errorf("%s: %v", spec.Names[0], err)
		}
		return true
	})
	if !found {
		t.Error("request.go has no kinds of failure")
	}
}
