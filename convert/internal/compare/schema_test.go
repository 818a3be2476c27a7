package compare

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/schematest"
)

func compareSchema(t *testing.T) *schematest.Schema {
	t.Helper()
	s, err := schematest.Load("../../../docs/schema/compare.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The schema has every field of a result.
func TestSchemaHasEveryField(t *testing.T) {
	t.Parallel()
	for _, fault := range compareSchema(t).Compare("", reflect.TypeFor[Result](), schematest.Types{}) {
		if !strings.HasPrefix(fault, ".groups[]: ") { // which are results again
			t.Error(fault)
		}
	}
}

// Comparisons of all kinds are as the schema says.
func TestSchemaOfComparisons(t *testing.T) {
	t.Parallel()
	s := compareSchema(t)
	goldens, err := filepath.Glob("testdata/*.json")
	if err != nil || len(goldens) < 6 {
		t.Fatalf("goldens %q, %v", goldens, err)
	}
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for name, r := range kindsOfResults(t) {
		var text bytes.Buffer
		if err := r.WriteJSON(&text); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(text.Bytes()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text.Bytes())
		}
	}
	text, err := os.ReadFile("testdata/gates.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(bytes.ReplaceAll(text, []byte(`"INCONCLUSIVE"`), []byte(`"perhaps"`))); err == nil {
		t.Error("a status that there is not was accepted")
	}
}

// kindsOfResults returns results that no golden file has.
func kindsOfResults(t *testing.T) map[string]*Result {
	t.Helper()
	o := Options{Resamples: 200, Gates: bounds(t, "p99(ttft)<500ms,mean(ttft)<+5%,failures<1%,p50(itl)<+1ms")}
	var sides [2][]Side
	for i := range 6 {
		sides[i%2] = append(sides[i%2], usual(300).run(uint64(i+1)))
	}
	several, err := CompareSides(sides[0], sides[1], o)
	if err != nil {
		t.Fatal(err)
	}
	figures := Figures{Name: "report", Requests: 10, Values: map[string]float64{"p99(ttft)": 0.3, "failures": 0}}
	bare, err := CompareFigures(figures, figures, o)
	if err != nil {
		t.Fatal(err)
	}
	six, seven := 6.0, 7.0
	search := Search{Tier: "a", SLO: "p99(ttft)<1s", Over: "rate", Highest: &six, Fails: true,
		Interval: [2]*float64{&six, &seven}, Confidence: 0.95}
	searching := Side{Name: "search", Searches: []Search{search}}
	violated := &Violated{Seconds: 2, Of: 30, Longest: 1, Marks: []Mark{{At: 3, Text: "pod killed", Outcome: "kept"}}}
	base, fresh := usual(300).run(1), usual(300).run(2)
	base.Violated = violated
	return map[string]*Result{"several": several, "figures": bare,
		"searches":   mustCompare(t, searching, searching, Options{Gates: bounds(t, "capacity>-5%")}),
		"violations": mustCompare(t, base, fresh, o), "stages": mustCompare(t, base, fresh,
			Options{Resamples: 200, OtherStages: true})}
}
