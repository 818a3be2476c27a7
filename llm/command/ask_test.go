package command

import (
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

func TestBaseOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, given, endpoint, want string }{
		{"http://h", "", "http://h/v1/chat/completions", "http://h/v1"},
		{"http://h/api", "", "http://h/api/v1/chat/completions", "http://h/api/v1"},
		{"http://h?key=x", "", "http://h/v1/chat/completions", "http://h?key=x"},
		{"http://u:p@h", "", "http://h/v1/chat/completions", "http://u:p@h"},
		{"http://h", "/deployments/x", "http://h/deployments/x", "http://h"},
		{"http://h", "/team/v1/chat/completions", "http://h/team/v1/chat/completions", "http://h"},
	} {
		found := &probe.Result{Endpoint: tt.endpoint, Settings: probe.Settings{BaseURL: tt.base, API: "chat"}}
		if got := baseOf(found, tt.given); got != tt.want {
			t.Errorf("%s, endpoint %s: %s, want %s", tt.base, tt.endpoint, got, tt.want)
		}
	}
}

// A bench adopts what the server needs, and nothing where the server does what is asked.
func TestAdopt(t *testing.T) {
	t.Parallel()
	asked := probe.Options{URL: "http://h", IgnoreEOS: true}
	for _, tt := range []struct {
		found probe.Result
		want  []config.Override
	}{
		{probe.Result{Settings: probe.Settings{API: "chat", IgnoreEOS: true, MaxTokensField: "max_tokens"}},
			[]config.Override{{Key: "api.type", Value: "chat"}}},
		{probe.Result{Settings: probe.Settings{API: "completion", MaxTokensField: "max_completion_tokens",
			Body: api.Extra{"stream_options": []byte("null")}}},
			[]config.Override{{Key: "api.type", Value: "completion"}, {Key: "server.ignore_eos", Value: "false"},
				{Key: "x-llm.client", Value: `{"extraBody":{"stream_options":null},` +
					`"maxTokensField":"max_completion_tokens"}`}}},
	} {
		if got := adopted(&tt.found, asked); !slices.Equal(got, tt.want) {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
}
