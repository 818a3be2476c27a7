package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

func TestOverrides(t *testing.T) {
	t.Parallel()
	const file = "load: {interval: 2, stages: [{rate: 1, duration: 1}]}\napi: {headers: {a: x, b: y}}\ntokenizer: " +
		"null\n"
	for _, tt := range []struct {
		key, value string
		got        func(*Config) any
		want       any
	}{
		{"api.type", "chat", func(c *Config) any { return c.API.Type }, Chat},
		{"api.streaming", "TRUE", func(c *Config) any { return c.API.Streaming }, true},
		{"api.streaming", "1", func(c *Config) any { return c.API.Streaming }, true},
		{"api.streaming", "Yes", func(c *Config) any { return c.API.Streaming }, true},
		{"api.streaming", "on", func(c *Config) any { return c.API.Streaming }, false},
		{"api.headers", `{"b":"z","c":"w"}`, func(c *Config) any { return c.API.Headers }, map[string]string{
			"a": "x", "b": "z", "c": "w"}},
		{"load.interval", "1e1", func(c *Config) any { return c.Load.Interval }, 10.0},
		{"load.num_workers", "3", func(c *Config) any { return *c.Load.NumWorkers }, int64(3)},
		{"load.stages", `[{"rate": 7, "duration": 3}]`, func(c *Config) any { return c.Load.Stages.Standard[0].Rate },
			7.0},
		{"load.circuit_breakers", `[]`, func(c *Config) any { return len(c.Load.CircuitBreakers) }, 0},
		{"tokenizer.token", "yes", func(c *Config) any { return c.Tokenizer.Token }, "yes"},
		{"tokenizer.load_timeout", "5", func(c *Config) any { return *c.Tokenizer.LoadTimeout }, 5.0},
		{"server.base_url", "http://h", func(c *Config) any { return *c.Server }, Server{
			Type: VLLM, BaseURL: "http://h", IgnoreEOS: true}},
		{"data.input_distribution.mean", "3", func(c *Config) any { return c.Data.Input.Mean }, 3.0},
		{"data.shared_prefix.num_groups", "4", func(c *Config) any { return c.Data.SharedPrefix.Groups }, int64(4)},
		{"data.shared_prefix.num_unique_system_prompts", "4", func(c *Config) any { return c.Data.SharedPrefix.Groups },
			int64(4)},
		{"data.shared_prefix.question_len", "4", func(c *Config) any { return c.Data.SharedPrefix.Question.N },
			int64(4)},
		{"data.shared_prefix.question_len", `{"mean": 4}`, func(c *Config) any {
			return c.Data.SharedPrefix.Question.Distribution.Mean
		}, 4.0},
		{"data.visionarena.insertion_point", "0.5", func(c *Config) any { return c.Data.VisionArena.Insertion.X }, 0.5},
		{"data.multimodal.image.resolutions", `"4k"`, func(c *Config) any {
			return c.Data.Multimodal.Image.Resolutions[0].Resolution.Width
		}, int64(3840)},
		{"data.multimodal.image.resolutions", "720p", func(c *Config) any {
			return c.Data.Multimodal.Image.Resolutions[0].Resolution.Width
		}, int64(1280)},
		{"data.multimodal.audio.durations", `2.5`, func(c *Config) any {
			return c.Data.Multimodal.Audio.Durations[0].Duration
		}, 2.5},
		{"data.shared_prefix.multimodal.image.representation", "jpeg", func(c *Config) any {
			return c.Data.SharedPrefix.Multimodal.Image.Representation
		}, ImageFormat("jpeg")},
		{"report.request_lifecycle.percentiles", "[50, 90.5]", func(c *Config) any {
			return c.Report.Lifecycle.Percentiles
		}, []float64{50, 90.5}},
		{"storage.local_storage.path", "out", func(c *Config) any { return c.Storage.Local.Path }, "out"},
		{"x-llm.data", "inference-perf", func(c *Config) any { return c.Own.Data.Behaviour }, InferencePerf},
	} {
		c := mustParse(t, file, Override{Key: tt.key, Value: tt.value})
		if got := tt.got(c); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: got %v, want %v", tt.key, tt.value, got, tt.want)
		}
		if c.Tokenizer == nil || c.Tokenizer.Token == "" {
			checkRoundTrip(t, c)
		}
	}
}

func TestOverrideFaults(t *testing.T) {
	t.Parallel()
	const file = stages + "data: {shared_prefix: {num_unique_system_prompts: 1}}\n"
	for _, tt := range []struct{ key, value, want string }{
		{"api.type", "Chat", `--api.type: unknown value "Chat": did you mean "chat"?`},
		{"api.tpe", "chat", `--api.tpe: unknown key: did you mean "api.type"?`},
		{"percentiles", "[1]", `--percentiles: unknown key: did you mean "report.request_lifecycle.percentiles"?`},
		{"load.sweep", "{}",
			`--load.sweep: unknown key: it is a section, name one of its keys: type, num_requests, timeout, ` +
				`num_stages, stage_duration, saturation_percentile`},
		{"load.num_workers", "3.0", `--load.num_workers: expected a whole number, got the string "3.0"`},
		{"load.num_workers", "x", `--load.num_workers: expected a whole number, got the string "x"`},
		{"load.request_retries", "-1", `--load.request_retries: must be at least 0, got -1`},
		{"load.interval", "inf", `--load.interval: expected a finite number, got the string "inf"`},
		{"load.stages", "[{]", `--load.stages: expected list of stages as JSON: it is not JSON`},
		{"data.multimodal.image.resolutions", "720i",
			`--data.multimodal.image.resolutions: data.multimodal.image.resolutions[0].resolution: expected one of ` +
				`1080p, 360p, 4k, 720p or {height, width}, got the string "720i"`},
		{"data.multimodal.image.resolutions", `["720p"`,
			`--data.multimodal.image.resolutions: expected resolution or list of weighted resolution as JSON: it is not JSON`},
		{"load.stages", `[{"rate": 1}]`, `--load.stages: load.stages[0].duration: is required`},
		{"load.stages", strings.Repeat("[", 200) + strings.Repeat("]", 200),
			`--load.stages: expected list of stages as JSON: it is nested more than 100 deep`},
		{"report.request_lifecycle.percentiles", "[101]",
			`--report.request_lifecycle.percentiles: report.request_lifecycle.percentiles[0]: must be from 0 to ` +
				`100, got 101`},
		{"data.shared_prefix.num_groups", "5",
			`--data.shared_prefix.num_groups: is given twice, also as num_unique_system_prompts: leave one out`},
		{"metrics.type", "prometheus", ``},
		{"metrics.prometheus.url", "h:1",
			"--metrics.prometheus.url: expected an http or https URL, got the string " +
				"\"h:1\"\n--metrics.prometheus.url: metrics.type: is required"},
		{"server.api_key", "k", `--server.api_key: server.base_url: is required`},
		{"", "x", `config: unknown key`},
	} {
		_, err := Parse([]byte(file), Override{Key: tt.key, Value: tt.value})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s %s\n got %s\nwant %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestOverrideOrder(t *testing.T) {
	t.Parallel()
	c := mustParse(t, stages, Override{Key: "load.interval", Value: "3"},
		Override{Key: "api.headers", Value: `{"a":"1"}`},
		Override{Key: "load.interval", Value: "4"}, Override{Key: "api.headers", Value: `{"b":"2"}`})
	if got := fmt.Sprint(c.Load.Interval, c.API.Headers); got != "4 map[a:1 b:2]" {
		t.Errorf("got %s", got)
	}
}

// TestKeys checks that the list is complete and that every default in it equals the value in the default configuration.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := map[string]Key{}
	for _, k := range Keys() {
		if _, twice := keys[k.Name]; twice {
			t.Errorf("%s is listed twice", k.Name)
		}
		keys[k.Name] = k
		if (k.Default == "") != k.Required {
			t.Errorf("%s: required %t, default %q", k.Name, k.Required, k.Default)
		}
		if (k.Type == "enum") != (len(k.Choices) > 0) {
			t.Errorf("%s: type %q, choices %q", k.Name, k.Type, k.Choices)
		}
	}
	for _, want := range []Key{
		{Name: "api.type", Type: "enum", Default: "completion", Choices: APIType("").Choices()},
		{Name: "api.headers", Type: "map of string to string", Default: "null", Null: true, JSON: true},
		{Name: "load.stages", Type: "list of stages", Default: "[]", JSON: true},
		{Name: "load.num_workers", Type: "int", Default: "number of CPUs"},
		{Name: "load.lora_traffic_split", Type: "list of adapter", Default: "null", Null: true, JSON: true},
		{Name: "load.sweep.type", Type: "enum", Required: true, Choices: []string{"geometric", "linear"}},
		{Name: "load.sweep.num_requests", Type: "int", Default: "2000"},
		{Name: "data.shared_prefix.num_unique_system_prompts", Aliases: []string{"data.shared_prefix.num_groups"},
			Type: "int", Default: "10"},
		{Name: "data.shared_prefix.question_len", Type: "int or distribution", Default: "50"},
		{Name: "data.multimodal.image.resolutions", Type: "resolution or list of weighted resolution", Default: "null",
			Null: true, JSON: true},
		{Name: "data.otel_trace_replay.hf_dataset_path", Type: "string or map", Default: "null", Null: true,
			JSON: true},
		{Name: "data.otel_trace_replay.override_tool_call_max_tokens", Type: "bool", Default: "true"},
		{Name: "data.synthetic_agentic.override_tool_call_max_tokens", Type: "bool", Default: "false"},
		{Name: "data.synthetic_agentic.turns_per_session.type", Type: "enum", Default: "fixed",
			Choices: DistributionType("").Choices()},
		{Name: "data.synthetic_agentic.use_static_model", Type: "bool", Default: "false"},
		{Name: "server.api_key", Type: "string", Default: "null", Null: true, Secret: true},
		{Name: "server.base_url", Type: "string", Required: true},
		{Name: "report.request_lifecycle.percentiles", Type: "list of float",
			Default: "[0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9]", JSON: true},
		{Name: "tokenizer.load_timeout", Type: "float", Default: "300.0", Null: true},
		{Name: "metrics.prometheus.url", Type: "URL", Default: "null", Null: true},
		{Name: "circuit_breakers", Type: "list of circuit breaker", Default: "null", Null: true, JSON: true},
		{Name: "storage.local_storage.path", Type: "string", Default: "reports-{timestamp}"},
		{Name: "x-llm.arrivals", Type: "enum", Default: `""`, Choices: []string{"", "inference-perf"}},
	} {
		if got := keys[want.Name]; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

// TestTags checks the tags of the schema: every default is valid where it stands, and every field has a name and a
// default unless it is required, a section, or derived later.
func TestTags(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	checkTags(t, reflect.TypeFor[Config](), seen)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[StandardStage](), reflect.TypeFor[ConcurrentStage](), reflect.TypeFor[SessionStage](),
		reflect.TypeFor[Consecutive](), reflect.TypeFor[RateOverWindow](), reflect.TypeFor[size](),
	} {
		checkTags(t, typ, seen)
	}
}

func checkTags(t *testing.T, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	for !hasCustomForm(typ) && (typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice) {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || hasCustomForm(typ) || seen[typ] {
		return
	}
	seen[typ] = true
	if err := tagged.SetDefaults(reflect.New(typ).Interface()); err != nil {
		t.Errorf("%v: %v", typ, err)
	}
	for i := range typ.NumField() {
		sf := typ.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("key"), ",")
		_, hasDefault := sf.Tag.Lookup("default")
		section := sf.Type.Kind() == reflect.Struct && !hasCustomForm(sf.Type)
		required := strings.Contains(options, "required") || sf.Tag.Get("auto") != ""
		if name == "" && options != "inline" || name != "-" && hasDefault == required && !section {
			t.Errorf("%v.%s: tag %q", typ, sf.Name, sf.Tag)
		}
		checkTags(t, sf.Type, seen)
	}
}

func hasCustomForm(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[tagged.Custom]())
}
