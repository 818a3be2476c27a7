package engine

import (
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// classified returns a call whose class is settled.
func classified(t *testing.T, opts Options, own *traffic.Leave, p Position, place *asked) *Call {
	t.Helper()
	opts.BaseURL, opts.Model = "http://server", "m"
	opts.Speak(opts.API)
	wire, err := client.New(opts.Options)
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{Job: Job{Class: traffic.Class{Label: "a", Leave: own}, asked: place}, wire: wire,
		client:   &Client{opts: &opts, target: &target{classes: newClasses(&opts)}},
		position: p}
	c.classify()
	return c
}

func TestWhoMayLeave(t *testing.T) {
	t.Parallel()
	all, own := &traffic.Leave{Share: 1, After: time.Second}, &traffic.Leave{Share: 1, Tokens: 3}
	inside := Position{scenario: "load"}
	warmup := Position{scenario: "load", due: &arrival.Arrival{Warmup: true}}
	prime := &asked{Ask: &replay.Ask{Place: record.Call{Primes: true}}}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		own    *traffic.Leave
		at     Position
		place  *asked
		want   string
	}{
		{"nobody", nil, nil, inside, nil, ""},
		{"users of the client", func(o *Options) { o.Class.Leave = all }, nil, inside, nil, "1s"},
		{"users of the class before", func(o *Options) {
			o.Class.Leave = all
			o.Classes = map[string]traffic.Class{"a": {Leave: &traffic.Leave{Share: 1, When: "queued"}}}
		}, nil, inside, nil, "queued"},
		{"the request says first", func(o *Options) { o.Class.Leave = all }, own, inside, nil, "3 tokens"},
		{"not in a warm-up", func(o *Options) { o.Class.Leave = all }, own, warmup, nil, ""},
		{"not where a session fills the cache", func(o *Options) { o.Class.Leave = all }, nil, inside, prime, ""},
		{"not in setup", func(o *Options) { o.Class.Leave = all }, nil, Position{}, nil, ""},
		{"but if the request says so", nil, own, Position{}, nil, "3 tokens"},
		{"not after tokens that do not come", func(o *Options) { o.Class.Leave, o.API = own, api.Embeddings }, nil,
			inside, nil, ""},
	} {
		opts := DefaultOptions()
		if tt.change != nil {
			tt.change(&opts)
		}
		got := ""
		if l := classified(t, opts, tt.own, tt.at, tt.place).Leave; l != nil {
			got = l.Rule
		}
		if got != tt.want {
			t.Errorf("%s: leaves by %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A signal stays where a rule joins it.
func TestSignalsBesideRules(t *testing.T) {
	t.Parallel()
	opts := DefaultOptions()
	opts.BaseURL, opts.Class.Leave = "http://server", &traffic.Leave{Share: 1, When: traffic.PromptSent}
	c := &Call{position: Position{scenario: "load"},
		client: &Client{opts: &opts, target: &target{classes: newClasses(&opts)}}}
	c.Class.Label, c.Leave = "a", &client.Leave{Signal: t.Context()}
	if c.classify(); c.Leave.Signal != t.Context() || !c.Leave.Sent || c.Leave.Rule != "prompt-sent" {
		t.Errorf("got %+v", c.Leave)
	}
}
