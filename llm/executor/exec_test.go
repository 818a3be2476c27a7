package executor

import (
	"encoding/json"
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib"
)

func TestExec(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"named"`:                  `"named"`,
		`null`:                     `null`,
		`{"client": 1, "data": 2}`: `{"client":1,"data":2}`,
		`{"client":{"number":3},"data":{"length":null,"number":0}}`: `{"client":3,"data":0}`,
	} {
		var e Exec
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := json.Marshal(e); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"client": 1}`:                       "data must be a Dataset that the script made",
		`{"client": null, "data": 1}`:         "client must be a Client that the script made",
		`{"client": {}, "data": 1}`:           "client must be a Client that the script made",
		`{"client": "a", "data": 1}`:          "client must be a Client that the script made",
		`{"client": 1, "data": 1.5}`:          "data must be a Dataset that the script made",
		`{"client": 1, "data": 1, "also": 1}`: `unknown "also"`,
		`5`:                                   "cannot unmarshal",
	} {
		if err := json.Unmarshal([]byte(text), new(Exec)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// A native scenario makes few VUs, and may have as many as requests in flight.
func TestNativeScenarioMakesFewVUs(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"exec": {"client": 0, "data": 0}, "stages": [{"rate": 10, "duration": "60s"}]}`)
	if errs := c.Validate(); len(errs) != 1 || !strings.Contains(errs[0].Error(), "needs the module k6/x/llm") {
		t.Errorf("without the module: %v", errs)
	}
	c.module = &noModule{}
	if errs := c.Validate(); len(errs) != 0 {
		t.Error(errs)
	}
	et, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	steps := c.GetExecutionRequirements(et)
	if steps[0].PlannedVUs != 8 || steps[0].MaxUnplannedVUs != 592 || c.Streams(et) != 100 ||
		c.GetExec() != "default" {
		t.Errorf("%+v, %d streams, exec %s; want 8 of 600 VUs, 100 streams and default", steps[0], c.Streams(et),
			c.GetExec())
	}
	if got, want := c.GetDescription(et), "10/s for 1m, by exec {client, data}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The header of k6 counts sessions where the data consists of them.
func TestSessionsInTheHeader(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"exec": {"client": 0, "data": 1}, "stages": [{"requests": 20, "rate": 2}]}`)
	for sessions, want := range map[bool]string{
		true:  "20 sessions, at most 2/s, by exec {client, data}",
		false: "20 requests, at most 2/s, by exec {client, data}",
	} {
		c.module = &noModule{sessions: sessions}
		if got := c.GetDescription(nil); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// noModule has data sets with or without sessions, and nothing else.
type noModule struct {
	Module
	sessions bool
}

func (m *noModule) Sessions(data int) bool { return m.sessions && data == 1 }
