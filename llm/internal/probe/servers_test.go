package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Each kind of server is told by its lines.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server fake
		want   []string
	}{
		{"vLLM", fake{
			maker: "vllm", stopAfter: 2, cached: true,
			page: map[string]string{"/version": `{"version":"0.11.0"}`, "/metrics": "vllm:num_requests_running 0\n"},
			tokenize: func(_ map[string]json.RawMessage, n int) string {
				return fmt.Sprintf(`{"count":%d,"max_model_len":4096,"tokens":[]}`, n)
			},
		}, []string{
			"server      vLLM 0.11.0, ", "model       m; served are m, n\n", "key         not needed\n",
			"stream      yes, one token an event\n", "usage       with and without streaming\n",
			"cache       32 of 69 prompt tokens at the second time\n",
			"ignore_eos  kept: 16 tokens, where the model stops after 2\n", "max_tokens  kept\n",
			"metrics     http://127.0.0.1", "tokens      counted by http://127.0.0.1",
		}},
		{"several tokens an event", fake{perEvent: 4}, []string{"stream      yes, about 4.0 tokens an event\n",
			"server      unknown software, ", "tokens      no /tokenize\n",
			"ignore_eos  accepted: 16 tokens came for 16 asked\n", "cache       cached tokens are not reported\n"}},
		{"no usage", fake{noUsage: true, stopAfter: 3}, []string{
			"usage       none: events or a tokenizer count tokens\n", "stream      yes, one token an event\n",
			"ignore_eos  kept: 16 tokens, where the model stops earlier\n"}},
		{"no stream", fake{noStream: true},
			[]string{"stream      no: answers come whole, so there is no TTFT and no ITL\n"}},
		{"ignores ignore_eos", fake{deafEOS: true, stopAfter: 2, minTokens: true}, []string{
			"ignore_eos  ignored: answers end where the model stops\n", "min_tokens  kept\n",
			`advice      --body '{"min_tokens":N}'`}},
		{"ignores all fields of a length", fake{deafEOS: true, stopAfter: 2}, []string{"min_tokens  ignored\n"}},
		{"ignores max_tokens", fake{deafLimit: true}, []string{"max_tokens  ignored: more than 16 tokens came\n"}},
		{"llama.cpp", fake{header: map[string]string{"Server": "llama.cpp"}, page: map[string]string{
			"/props": `{"build_info":"b0-unknown"}`}}, []string{"server      llama.cpp, "}},
		{"Ollama", fake{maker: "library", page: map[string]string{"/api/version": `{"version":"0.12.3"}`}},
			[]string{"server      Ollama 0.12.3, "}},
		{"LiteLLM", fake{header: map[string]string{"x-litellm-version": "1.80"}}, []string{"server      LiteLLM, "}},
		{"another root", fake{root: "/openai/v1"}, []string{"/openai/v1/chat/completions\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Options{URL: tt.server.start(t)})
			if err := r.Err(); err != nil {
				t.Errorf("problem: %v", err)
			}
			got := text(t, r)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%s\nwant %q in it", got, want)
				}
			}
			for line := range strings.Lines(got) {
				if len([]rune(strings.TrimSpace(line))) > 80 && !strings.Contains(line, "http") {
					t.Errorf("a line of more than 80 columns: %q", line)
				}
			}
		})
	}
}

// A proxy that holds a stream back until its end is told.
func TestBufferingProxy(t *testing.T) {
	t.Parallel()
	o := sim.DefaultOptions()
	o.TTFT, o.ITL = 5*time.Millisecond, 80*time.Millisecond // far above what a busy machine adds
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	to, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	direct := httputil.NewSingleHostReverseProxy(to)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		direct.ServeHTTP(whole, r)
		_, _ = w.Write(whole.Body.Bytes())
	}))
	t.Cleanup(proxy.Close)
	for url, want := range map[string]bool{server.URL(): false, proxy.URL: true} {
		if r := run(t, Options{URL: url}); r.AtOnce != want || !r.Streams {
			t.Errorf("%s (proxy: %v): streams %v, at once %v", url, want, r.Streams, r.AtOnce)
		}
	}
}

// A load is begun with what the server is and does not keep, and with what the load adopts.
func TestBrief(t *testing.T) {
	t.Parallel()
	f := fake{deafEOS: true, stopAfter: 2, noUsage: true,
		refuse: refusing("stream_options", 400, "unknown field stream_options")}
	r := run(t, Options{URL: f.start(t)})
	var out strings.Builder
	if err := r.WriteBrief(&out, 80); err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out.String()) {
		if name, _, _ := strings.Cut(line, " "); name != "" {
			names = append(names, name)
		}
	}
	want := "server path model stream usage ignore_eos adopted"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got lines %s, want %s, of\n%s", got, want, out.String())
	}
}

// A refused field is left out or renamed, and told with its flag.
func TestRefusedFields(t *testing.T) {
	t.Parallel()
	both := func(fields map[string]json.RawMessage) (int, string) {
		if fields["ignore_eos"] != nil || string(fields["stream_options"]) != "" {
			return http.StatusBadRequest, "bad request"
		}
		return 0, ""
	}
	inTurn := func(fields map[string]json.RawMessage) (int, string) {
		for _, field := range []string{"ignore_eos", "max_tokens"} {
			if fields[field] != nil {
				return http.StatusBadRequest, "Unsupported parameter: '" + field +
					"'. Use 'max_completion_tokens' for max_tokens."
			}
		}
		return 0, ""
	}
	const eos, rename = "--ignore-eos=false", "--max-tokens-field max_completion_tokens"
	const options = `--body '{"stream_options":null}'`
	for _, tt := range []struct {
		name   string
		refuse func(map[string]json.RawMessage) (int, string)
		flags  []string
	}{
		{"OpenAI's ignore_eos", refusing("ignore_eos", 400, "Unrecognized request argument supplied: ignore_eos"),
			[]string{eos}},
		{"Mistral's ignore_eos", refusing("ignore_eos", 422, "body.ignore_eos: Extra inputs are not permitted"),
			[]string{eos}},
		{"no name", refusing("ignore_eos", 400, "bad request"), []string{eos}},
		{"max_tokens", refusing("max_tokens", 400, "Unsupported parameter: 'max_tokens' is not supported with this "+
			"model. Use 'max_completion_tokens' instead."), []string{rename}},
		{"stream_options", refusing("stream_options", 422, "unknown field stream_options"), []string{options}},
		{"two without a name", both, []string{eos, options}},
		{"two in turn", inTurn, []string{rename, eos}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := fake{refuse: tt.refuse}
			r := run(t, Options{URL: f.start(t)})
			if err := r.Err(); err != nil {
				t.Fatalf("problem: %v", err)
			}
			var flags []string
			for _, a := range r.Advice {
				flags = append(flags, a.Flag)
				if !a.Settled {
					t.Errorf("%s is left to the user", a.Flag)
				}
			}
			if got, want := strings.Join(flags, " "), strings.Join(tt.flags, " "); got != want {
				t.Errorf("advice %s, want %s", got, want)
			}
			s := r.Settings
			if got := strings.Contains(strings.Join(tt.flags, " "), eos); got == s.IgnoreEOS {
				t.Errorf("settings %+v after advice %s", s, flags)
			}
		})
	}
}

// A server that cannot be used is told with what to do about it.
func TestProblems(t *testing.T) {
	t.Parallel()
	const page = "<html><title>Welcome</title></html>"
	for _, tt := range []struct {
		name   string
		server fake
		opts   Options
		want   string
	}{
		{"no key", fake{key: "sk-secret-key"}, Options{}, "refused a request without a key with status 401"},
		{"no key, flag", fake{key: "sk-secret-key"}, Options{}, "give the key's variable by --api-key-env NAME"},
		{"wrong key", fake{key: "sk-secret-key"}, Options{APIKey: "sk-wrong-key"},
			"refused the key with status 401 (you gave Bearer ***): check the value that --api-key-env NAME names"},
		{"no list of models", fake{noModels: true}, Options{},
			"answered with status 404 (404 page not found): check the URL, or name the model by --model"},
		{"a web page", fake{page: map[string]string{"/v1/models": page, "/api/v1/models": page,
			"/openai/v1/models": page}}, Options{},
			"is no list of models: check the URL, or name the model by --model"},
		{"no endpoint", fake{page: map[string]string{"/a/v1/models": `{"data":[{"id":"m"}]}`}}, Options{URL: "/a/v1"},
			"/a/v1/chat/completions (status 404, 404 page not found): check the URL and --api, or give --endpoint"},
		{"no such API", fake{}, Options{API: api.Responses, Model: "m"}, "the server has no API responses at http://"},
		{"another model", fake{refuse: func(map[string]json.RawMessage) (int, string) {
			return 404, "The model `x` does not exist."
		}}, Options{Model: "x"}, `model "x" is refused (status 404, The model ` + "`x` does not exist.): " +
			"name the model by --model, one of m, n"},
		{"a limit of requests", fake{refuse: func(map[string]json.RawMessage) (int, string) {
			return 429, "slow down"
		}}, Options{}, "answered with status 429 (slow down): it limits how many requests it takes: send fewer"},
		{"a field of the user", fake{refuse: refusing("top_k", 400, "Unknown name \"top_k\": Cannot find field.")},
			Options{Body: api.Extra{"top_k": json.RawMessage("1")}}, `refuses the field "top_k" of --body (status 400`},
		{"a gateway that wants a key", fake{refuse: func(map[string]json.RawMessage) (int, string) {
			return 500, "Internal Server Error"
		}}, Options{}, "(Internal Server Error): give the key's variable by --api-key-env NAME if it wants one"},
		{"a gateway that knows no key", fake{refuse: func(map[string]json.RawMessage) (int, string) {
			return 400, "No connected db."
		}}, Options{APIKey: "sk-wrong-key"}, "(No connected db.): check the value that --api-key-env NAME names"},
		{"a failing server", fake{refuse: func(map[string]json.RawMessage) (int, string) { return 500, "CUDA error" }},
			Options{}, "answered with status 500 (CUDA error)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.URL = tt.server.start(t) + tt.opts.URL
			r := run(t, tt.opts)
			if err := r.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("problem %v, want %q in it", err, tt.want)
			}
			if lines := text(t, r); strings.Contains(lines, "secret") {
				t.Errorf("a secret in\n%s", lines)
			}
		})
	}
}

// A deployment of Azure has a path and a query, no list of models, and wants the key in a header of its own.
func TestDeployment(t *testing.T) {
	t.Parallel()
	server := fake{key: "sk-secret-key", keyHeader: "api-key", root: "/openai/deployments/d", noModels: true}
	opts := Options{URL: server.start(t) + "/openai/deployments/d?api-version=2024-06-01&sig=sig-secret",
		APIKey: "sk-secret-key", APIKeyHeader: "api-key", IgnoreEOS: true}
	r := run(t, opts)
	if !r.Usable || r.Key != KeyAccepted || r.Settings.Model != "d" || r.Settings.BaseURL != opts.URL ||
		!strings.HasSuffix(r.Endpoint, "/openai/deployments/d/chat/completions") {
		t.Errorf("got %+v", r)
	}
	opts.APIKey = "another-secret"
	wrong := run(t, opts)
	if err := wrong.Err(); wrong.Key != KeyRefused || err == nil || !strings.Contains(err.Error(),
		"refused the key with status 401 (you gave ***)") {
		t.Errorf("with a wrong key: %s, %v", wrong.Key, err)
	}
	for _, each := range []*Result{r, wrong} {
		if lines := text(t, each); strings.Contains(lines, "secret") {
			t.Errorf("a secret in\n%s", lines)
		}
	}
}
