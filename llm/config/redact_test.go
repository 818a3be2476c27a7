package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// secrets is a configuration with a credential, each containing the word sesame, in every place that may hold one.
const secrets = stages + `
api:
  headers:
    Authorization: Bearer sesame
    X-Api-Key: sesame
    my_token: sesame
    Set-Cookie: sesame
    client-secret: sesame
    x-trace: shown
server: {base_url: "http://user:sesame@host:8000/x?v=1&api-key=sesame", api_key: sesame}
tokenizer: {token: sesame}
metrics: {type: prometheus, prometheus: {url: "https://sesame@prom/"}}
storage: {simple_storage_service: {bucket_name: b, endpoint_url: "http://a:sesame@s3"}}
data:
  otel_trace_replay:
    hf_dataset_path: {path: a/b, token: sesame, storage_options: {secret: sesame, key: sesame, plain: shown}, urls: ["http://u:sesame@h/", "https://h/a?X-Amz-Signature=sesame"]}
`

func TestRedacted(t *testing.T) {
	t.Parallel()
	c := mustParse(t, secrets)
	text, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "sesame") || strings.Count(string(text), "shown") != 2 {
		t.Errorf("got\n%s", text)
	}
	again := mustParse(t, string(text))
	if got := again.Server; got.APIKey != "***" || got.BaseURL != "http://***@host:8000/x?v=1&api-key=***" {
		t.Errorf("got %+v", got)
	}
	if got := again.API.Headers; got["Authorization"] != "***" || got["x-trace"] != "shown" || len(got) != 6 {
		t.Errorf("got %v", got)
	}
	if c.Server.APIKey != "sesame" || c.API.Headers["my_token"] != "sesame" ||
		!strings.Contains(string(c.Data.OTel.Hub.Options), "sesame") {
		t.Error("the configuration itself was changed")
	}
	checkRoundTrip(t, again)
}

// TestErrorsHideSecrets puts secrets in wrong places and checks that no error shows them.
func TestErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"server: {api_key: 5353}", "server: {api_key: [sesame]}", "server: {api_key: {sesame: 1}}", "server: sesame",
		"server: {api_key: *sesame}",
		"server: {api_key: !sesame x}", "server: {api_keyy: sesame}", "api: {headers: {authorization: 5353}}",
		"api: {headers: sesame}",
		"api: {headers: {authorization: [sesame]}}", "tokenizer: {token: 5353}", "tokenizer: {token: 2020-01-01}",
		"tokenizer: sesame",
		"metrics: {type: prometheus, prometheus: {url: 'ftp://u:sesame@h'}}",
		"metrics: {type: prometheus, prometheus: {url: 'u:sesame@h:9090'}}",
		"metrics: {type: prometheus, prometheus: {url: 'http://u:sesame/x@h'}}",
		"metrics: {type: 'http://u:sesame@h'}",
		"server: {base_url: [sesame]}", "data: {otel_trace_replay: {hf_dataset_path: {path: [sesame]}}}",
		"server: {api_key: @sesame}",
		"server: {api_key: \"sesame\\q\"}", "server: {api_key: `sesame`}", "server: [{api_key: sesame}]",
	} {
		_, err := Parse([]byte(stages + text + "\n"))
		if err == nil {
			t.Errorf("%s: accepted", text)
		}
		if got := fmt.Sprint(err); strings.Contains(got, "sesame") || strings.Contains(got, "5353") ||
			strings.Contains(got, "2020") {
			t.Errorf("%s: got %s", text, got)
		}
	}
	for _, o := range []Override{
		{Key: "api.headers", Value: `{"authorization": "sesame"`},
		{Key: "api.headers", Value: `{"authorization": 5353}`},
		{Key: "api.headers", Value: `"sesame"`}, {Key: "server.api_key.x", Value: "sesame"},
		{Key: "tokenizer.tokn", Value: "sesame"}, {Key: "metrics.prometheus.url", Value: "ftp://u:sesame@h"},
	} {
		_, err := Parse([]byte(stages), o)
		if got := fmt.Sprint(err); err == nil || strings.Contains(got, "sesame") || strings.Contains(got, "5353") {
			t.Errorf("%v: got %s", o, got)
		}
	}
}

// FuzzParse checks that no input makes Parse panic, and that every accepted input can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(secrets), "load.interval", "3")
	f.Add([]byte(example+exampleLoad), "api.headers", `{"a":"b"}`)
	f.Add([]byte(example+exampleSession+"\ndata: {type: otel_trace_replay, otel_trace_replay: {trace_files: [a]}}"),
		"data.shared_prefix.num_groups", "2")
	for _, text := range []string{
		"load: {type: constant, stages: [{rate: 4, duration: 99999999999}]}",
		"load: {type: constant, request_timeout: -1, stages: [{rate: -1e999, duration: .nan}]}", "a: &a [*a]",
		"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", strings.Repeat("[", 500), strings.Repeat("a: {", 200),
		"\xff\xfea\x00", "report: {goodput: {constraints: {tttf: 0.5, ttft: -9}}}", "data: {output_len: false}\x00",
		"server: {base_url: 'http://u:p\u202e@h', api_key: \"\\e[2J\"}",
	} {
		f.Add([]byte(text), "load.stages", text)
		f.Add([]byte(example+exampleLoad), "api.headers", text)
	}
	for _, text := range yamlGoldens(f) {
		f.Add([]byte(text), "api.type", "chat")
	}
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		c, err := Parse(data, Override{Key: key, Value: value})
		if err != nil {
			return
		}
		once, err := c.Redacted()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("%v of\n%s", err, once)
		}
		if twice, err := again.Redacted(); err != nil || string(twice) != string(once) {
			t.Errorf("%v\ngot  %s\nwant %s", err, twice, once)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse([]byte(secrets)); err != nil {
			b.Fatal(err)
		}
	}
}

// yamlGoldens returns the documents on which the decoder is compared with PyYAML.
func yamlGoldens(f *testing.F) []string {
	f.Helper()
	data, err := os.ReadFile("internal/tagged/testdata/coercion.json")
	if err != nil {
		f.Fatal(err)
	}
	var goldens struct{ Documents []struct{ YAML string } }
	if err := json.Unmarshal(data, &goldens); err != nil {
		f.Fatal(err)
	}
	texts := make([]string, len(goldens.Documents))
	for i, g := range goldens.Documents {
		texts[i] = g.YAML
	}
	return texts
}
