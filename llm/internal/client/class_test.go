package client

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// The priority goes where an API has a place for it, and what is nearer to the request goes before.
func TestWhatARequestHasOfItsClass(t *testing.T) {
	t.Parallel()
	low, high := int64(5), int64(-1)
	for _, tt := range []struct {
		name    string
		change  func(*Options)
		ask     func(*Request)
		header  map[string]string
		has, no string // parts of the body
	}{
		{"class", nil, func(r *Request) { r.Class = 1 }, map[string]string{"X-Priority": "5", "X-Tier": "class"},
			`"priority":5`, ""},
		{"no class", nil, nil, map[string]string{"X-Priority": "", "X-Tier": "client"}, "", "priority"},
		{"request's own", nil, func(r *Request) {
			r.Class, r.Priority, r.Headers = 1, &high, map[string]string{"x-tier": "own"}
		}, map[string]string{"X-Priority": "-1", "X-Tier": "own"}, `"priority":-1`, ""},
		{"field of the request", nil, func(r *Request) { r.Class, r.Extra = 1, api.Extra{"priority": []byte("9")} },
			map[string]string{"X-Priority": "5"}, `"priority":9`, `"priority":5`},
		{"other names", func(o *Options) { o.PriorityField, o.PriorityHeader = "urgency", "" },
			func(r *Request) { r.Class = 1 }, map[string]string{"X-Priority": ""}, `"urgency":5`, `"priority"`},
		{"an API that refuses unknown fields", func(o *Options) { o.API = api.Messages },
			func(r *Request) { r.Class = 1 }, map[string]string{"X-Priority": "5"}, "", "priority"},
	} {
		c := newClient(t, func(o *Options) {
			o.Headers = map[string]string{"X-Tier": "client"}
			o.Classes = []Class{{}, {Name: "batch", Priority: &low, Headers: map[string]string{"x-tier": "class"}}}
			if tt.change != nil {
				tt.change(o)
			}
		})
		req := Request{ID: "1", Messages: json.RawMessage(`[]`)}
		if tt.ask != nil {
			tt.ask(&req)
		}
		seen := inspects(func(r *http.Request, body string) {
			for name, want := range tt.header {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: header %s is %q, want %q", tt.name, name, got, want)
				}
			}
			if !strings.Contains(body, tt.has) || tt.no != "" && strings.Contains(body, tt.no) {
				t.Errorf("%s: sent %s, want %q in it and not %q", tt.name, body, tt.has, tt.no)
			}
		})
		if _, err := c.Do(t.Context(), seen, &req); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A request of a class allocates nothing more than one without.
func TestAClassCostsNothing(t *testing.T) {
	priority := int64(1)
	c := newClient(t, func(o *Options) {
		o.Classes = []Class{{}, {Name: "a", Priority: &priority, Headers: map[string]string{"X-A": "1"}}}
	})
	allocations := func(class int32) float64 {
		rt := inspects(func(*http.Request, string) {})
		return testing.AllocsPerRun(200, func() {
			_, _ = c.Do(t.Context(), rt, &Request{ID: "1", Class: class, Messages: json.RawMessage(`[]`)})
		})
	}
	without, with := allocations(0), allocations(1)
	if with > without+1 { // the list of the names of the fields that the body has beside its own
		t.Errorf("a request with a class allocates %v times, one without %v", with, without)
	}
}
