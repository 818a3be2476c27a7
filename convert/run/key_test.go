package run

import (
	"fmt"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	r := &Run{Clients: []*record.Client{{Number: 0, Options: map[string]any{"baseURL": "http://a"}},
		{Number: 2, Options: map[string]any{"baseURL": []any{"http://b", "http://c"}, "label": "batch"}}}}
	q := func(client int, endpoint string) *Request {
		return &Request{Traits: &Traits{Label: "l", Scenario: "stage_1", Model: "m", Client: client,
			Endpoint: endpoint}}
	}
	for _, tt := range []struct {
		key  string
		of   *Request
		want string
	}{
		{"label", q(0, ""), "l"}, {"scenario", q(0, ""), "load"}, {"model", q(0, ""), "m"}, {"adapter", q(0, ""), ""},
		{"endpoint", q(0, ""), "http://a"}, {"endpoint", q(2, "http://b"), "http://b"}, {"endpoint", q(2, ""), ""},
		{"endpoint", q(1, ""), ""}, {"client", q(0, ""), "0 http://a"}, {"client", q(2, ""), "2 batch"},
		{"client", q(1, ""), "1"},
	} {
		keys, err := Keys([]string{tt.key, tt.key})
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s: %v, %v", tt.key, keys, err)
		}
		if got := keys[0].Of(r, tt.of); got != tt.want {
			t.Errorf("%s of client %d at %q: got %q, want %q", tt.key, tt.of.Client, tt.of.Endpoint, got, tt.want)
		}
	}
	for name, want := range map[string]string{
		"lable": `unknown key "lable": did you mean label?`,
		"user":  `unknown key "user", known are label, scenario, model, endpoint, adapter, client`,
	} {
		if _, err := Keys([]string{"model", name}); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// A label or an endpoint counts even if the users of all its requests left.
func TestUsualKeys(t *testing.T) {
	t.Parallel()
	of := func(label, endpoint string) []*Request {
		return []*Request{{Traits: &Traits{Model: "m"}}, {Traits: &Traits{Label: label, Endpoint: endpoint}}}
	}
	for _, tt := range []struct {
		r    Run
		want string
	}{
		{Run{}, "[]"}, {Run{Requests: of("", "")}, "[]"}, {Run{Requests: of("a", "")}, "[label]"},
		{Run{Requests: of("", "http://a")}, "[endpoint]"}, {Run{Requests: of("a", "http://a")}, "[label endpoint]"},
		{Run{Requests: of("", ""), Abandoned: of("a", "http://a")}, "[label endpoint]"},
	} {
		names := []string{}
		for _, k := range UsualKeys(&tt.r) {
			names = append(names, k.Name)
		}
		if got := fmt.Sprint(names); got != tt.want {
			t.Errorf("%d requests and %d abandoned: got %s, want %s", len(tt.r.Requests), len(tt.r.Abandoned), got,
				tt.want)
		}
	}
}

func TestLoadName(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]string{"stage_12": "load", "stage_": "stage_", "stage_1a": "stage_1a",
		"a": "a"} {
		if got := LoadName(scenario); got != want {
			t.Errorf("%s: got %s, want %s", scenario, got, want)
		}
	}
}
