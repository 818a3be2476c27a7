package tagged

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// goldens holds the results of PyYAML and Pydantic, see testdata/mkgoldens.py.
type goldens struct {
	Scalars []struct {
		YAML  string
		Loads bool
		Types map[string][]json.RawMessage // nil: refused
	}
	Documents []struct {
		YAML  string
		Loads bool
		JSON  string
	}
}

func readGoldens(t testing.TB) goldens {
	t.Helper()
	data, err := os.ReadFile("testdata/coercion.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Scalars) < 100 || len(g.Documents) < 40 {
		t.Fatalf("got %d scalars and %d documents", len(g.Scalars), len(g.Documents))
	}
	return g
}

func TestCoercion(t *testing.T) {
	t.Parallel()
	for _, g := range readGoldens(t).Scalars {
		for typ, want := range g.Types {
			compareScalar(t, g.YAML, typ, want)
		}
	}
}

func compareScalar(t *testing.T, text, typ string, want []json.RawMessage) {
	t.Helper()
	v := readDocument([]byte(text), &Faults{})
	got := ""
	switch typ {
	case "int", "int?":
		if n, ok := v.Int(); ok {
			got = strconv.FormatInt(n, 10)
		} else if typ == "int?" && v.Kind == NullKind {
			got = "null"
		}
	case "float":
		if x, ok := v.Float(); ok {
			got = strconv.FormatFloat(x, 'g', -1, 64)
		}
	case "bool":
		if yes, ok := v.Bool(); ok {
			got = strconv.FormatBool(yes)
		}
	case "str":
		if v.Kind == TextKind {
			got = Quote(v.Text)
		}
	}
	if wanted := wantedScalar(t, typ, want); got != wanted {
		t.Errorf("%s as %s: got %s, want %s", text, typ, got, wanted)
	}
}

// wantedScalar returns a golden in the form that compareScalar prints. It is empty where Pydantic refuses the value,
// and for infinities, NaN and whole numbers beyond 64 bits, which this package refuses on purpose.
func wantedScalar(t *testing.T, typ string, want []json.RawMessage) string {
	t.Helper()
	if want == nil {
		return ""
	}
	text := string(want[0])
	switch typ {
	case "str":
		var s string
		if err := json.Unmarshal(want[0], &s); err != nil {
			t.Fatal(err)
		}
		return Quote(s)
	case "float":
		x, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	case "int", "int?":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil && text != "null" {
			return ""
		}
	}
	return text
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, g := range readGoldens(t).Documents {
		var faults Faults
		v := readDocument([]byte(g.YAML), &faults)
		switch err := faults.err(); {
		case (err == nil) != g.Loads:
			t.Errorf("%q: got %v, PyYAML loads it: %t", g.YAML, err, g.Loads)
		case err == nil:
			if got := string(v.JSON()); got != g.JSON {
				t.Errorf("%q: got %s, want %s", g.YAML, got, g.JSON)
			}
		}
	}
}
