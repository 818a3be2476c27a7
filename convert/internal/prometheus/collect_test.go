package prometheus

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/schematest"
)

// aRun returns a run that ended long ago.
func aRun() Run {
	at := func(sec int64) time.Time { return time.Unix(1_700_000_000+sec, 0) }
	own := Client{Requests: 10, PromptTokens: 100, OutputTokens: 50, TTFTMean: new(0.5), LatencyMean: new(3.0)}
	return Run{Window{at(0), at(60)}, own, []Stage{{0, Window{at(0), at(29)}, own}, {1, Window{at(30), at(60)}, own}}}
}

var both = Settings{Engine: VLLM, Model: "m", ScrapeInterval: 15 * time.Second, Summary: true, Stages: true}

func collect(t *testing.T, c *Prometheus, s Settings, r Run) (files []File, messages []string) {
	t.Helper()
	files, err := c.Collect(t.Context(), s, r, func(line string) { messages = append(messages, line) })
	if err != nil {
		t.Fatal(err)
	}
	return files, messages
}

func TestCollect(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(q string) string {
		switch {
		case strings.HasPrefix(q, "sum(resets") || strings.Contains(q, "unless") || strings.HasPrefix(q, "count("):
			return answered()
		case strings.HasPrefix(q, "avg_over_time(vllm:num_requests_running"):
			return answered("1.23456789", "5")
		}
		return answered("2.5")
	})
	files, messages := collect(t, open(t, Source{URL: f.URL + "/"}), both, aRun())
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
		holds(t, file.Document)
		if bad := nullsWithoutReason(t, file.Document); len(bad) > 0 {
			t.Errorf("%s: null without a reason: %q", file.Name, bad)
		}
	}
	if want := []string{"summary_prometheus_metrics.json", "stage_0_prometheus_metrics.json",
		"stage_1_prometheus_metrics.json"}; !slices.Equal(names, want) {
		t.Fatalf("got %q, want %q", names, want)
	}
	d := files[0].Document
	if got := *d.Successes.RequestsRunning.Mean; got != 1.234568 {
		t.Errorf("of two series: got %v, want the first, rounded", got)
	}
	if got := *d.Successes.PrefixCacheHits.Mean; got != 100 {
		t.Errorf("hit percent: got %v, want 100", got)
	}
	if got := d.Additions.Reasons["successes.num_requests_swapped.mean"]; got != "not exported by vllm" {
		t.Errorf("reason: got %q", got)
	}
	if got := d.Additions.Original; got.Range != 77 || got.Time != 1_700_000_077 {
		t.Errorf("summary: got a range of %d s at %v, want 77 at the end and 17 s", got.Range, got.Time)
	}
	if got := files[1].Additions.Original; got.Range != 46 || got.Time != 1_700_000_046 {
		t.Errorf("stage: got a range of %d s at %v", got.Range, got.Time)
	}
	if want := "1 of inference-perf's queries gave several series"; len(messages) < 1 ||
		!strings.Contains(messages[0], want) {
		t.Errorf("got messages %q, want %q", messages, want)
	}
	if c := d.Additions.Reconciliation[0]; *c.Difference != -7.5 || *c.Share != -0.75 ||
		!strings.HasPrefix(c.Explanation, "the server finished fewer") {
		t.Errorf("requests: got %+v", c)
	}
}

// holds checks a document against its schema.
func holds(t *testing.T, d *Document) {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(text); err != nil {
		t.Error(err)
	}
}

func schema(t *testing.T) *schematest.Schema {
	t.Helper()
	s, err := schematest.Load("../../../docs/schema/prometheus.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// nullsWithoutReason returns the paths of null figures without a reason.
func nullsWithoutReason(t *testing.T, d *Document) (list []string) {
	t.Helper()
	text, err := json.Marshal(d.Successes)
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]any{}
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if v == nil && d.Additions.Reasons[path] == "" {
			list = append(list, path)
		}
		if m, ok := v.(map[string]any); ok {
			for key, value := range m {
				walk(path+"."+key, value)
			}
		}
	}
	walk("successes", tree)
	for name, figure := range d.Additions.Figures {
		if figure.Value == nil && d.Additions.Reasons["figures."+name] == "" {
			list = append(list, "figures."+name)
		}
	}
	return list
}

func TestSchemaHasEveryField(t *testing.T) {
	t.Parallel()
	types := schematest.Types{Lacking: []string{"xk6_llm"}}
	for _, fault := range schema(t).Compare("", reflect.TypeFor[Document](), types) {
		t.Error(fault)
	}
	for _, fault := range schema(t).Compare("accelerators", reflect.TypeFor[Accelerators](), schematest.Types{}) {
		t.Error(fault)
	}
}

func TestSchemaRefusesBrokenDocuments(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(q string) string {
		if strings.Contains(q, "avg_over_time(DCGM_FI_DEV_POWER_USAGE") {
			return fmt.Sprintf(vector, `{"metric":{"UUID":"GPU-1","gpu":"0","Hostname":"h"},"value":[1,"300"]}`)
		}
		return answered("2.5")
	})
	s := both
	s.Stages = false
	files, _ := collect(t, open(t, Source{URL: f.URL}), s, aRun())
	additions := &files[0].Additions
	onlyOne(additions.Figures) // the test breaks each of them in turn, which takes time
	onlyOne(additions.Reasons)
	onlyOne(additions.Original.Queries)
	onlyOne(additions.Accelerators.Queries)
	text, err := files[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	loose := schematest.Loose{Optional: []string{"/xk6_llm", "/xk6_llm/inference_perf/queries/*", "/xk6_llm/figures/*",
		"/xk6_llm/reasons/*", "/xk6_llm/accelerators/queries/*", "/xk6_llm/accelerators/devices/figures/*"}}
	if accepted, err := schema(t).Accepted(text, loose); err != nil || len(accepted) > 0 {
		t.Errorf("accepted %q, %v", accepted, err)
	}
}

func onlyOne[V any](m map[string]V) {
	keys := slices.Sorted(maps.Keys(m))
	maps.DeleteFunc(m, func(key string, _ V) bool { return key != keys[0] })
}

// A figure that an engine does not have is null, with a reason.
func TestUndeclaredFields(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(string) string { return answered("2.5") })
	s := both
	s.Stages = false
	for engine, want := range map[Engine][3]bool{SGLang: {true, false, true}, TGI: {false, false, false}} {
		s.Engine = engine
		files, _ := collect(t, open(t, Source{URL: f.URL}), s, aRun())
		d := files[0].Document
		holds(t, d)
		if bad := nullsWithoutReason(t, d); len(bad) > 0 {
			t.Errorf("%s: null without a reason: %q", engine, bad)
		}
		got := [3]bool{d.Successes.TTFT.Mean != nil, d.Successes.Preemptions.Mean != nil,
			d.Successes.KVCacheUsage.P99 != nil}
		if got != want {
			t.Errorf("%s: TTFT, preemptions, cache are there: got %v, want %v", engine, got, want)
		}
		if want := "not exported by " + string(engine); d.Additions.Reasons["successes.corrupted_requests"] != want {
			t.Errorf("got %q, want %q", d.Additions.Reasons["successes.corrupted_requests"], want)
		}
	}
}

// For any answer the document is valid JSON, and every null has a reason.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		answered("NaN"):  "not a number: nothing was observed in the window",
		answered("+Inf"): "infinite",
		answered():       "no samples in the window",
		answered("x"):    `the answer holds "x", want a number`,
		`{"status":"error","errorType":"bad_data","error":"parse\nerror"}`: "the query was refused (bad_data: parse error)",
		`{"status":"success","data":{"resultType":"matrix","result":[]}}`:  `the answer is a "matrix", want a vector`,
	} {
		f := newFake(t, func(string) string { return reply })
		files, messages := collect(t, open(t, Source{URL: f.URL}), both, aRun())
		d := files[0].Document
		holds(t, d)
		if got := d.Additions.Reasons["successes.count"]; d.Successes.Count != nil || got != want {
			t.Errorf("%s: got %q, want %q", reply, got, want)
		}
		if len(messages) == 0 {
			t.Errorf("%s: a run without figures gets no message", reply)
		}
	}
}

func TestNoSamplesHint(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(q string) string {
		if strings.HasPrefix(q, "count by (model_name)") {
			return fmt.Sprintf(vector, `{"metric":{"model_name":"org/m"},"value":[1,"1"]}`)
		}
		return answered()
	})
	s := both
	s.Stages = false
	_, messages := collect(t, open(t, Source{URL: f.URL}), s, aRun())
	want := `summary_prometheus_metrics.json: Prometheus has no samples of vllm in the window with ` +
		`{model_name='m'}; there are those of the models "org/m"`
	if !slices.Equal(messages, []string{want}) {
		t.Errorf("got %q, want %q", messages, want)
	}
}

// After a restart the difference of a counter's values at the ends of a window is wrong.
func TestRestart(t *testing.T) {
	t.Parallel()
	for probe, replies := range map[string][2]string{"resets": {"sum(resets", "1"}, "gone": {" unless ", "2"},
		"neither": {"sum(resets", "0"}} {
		f := newFake(t, func(q string) string {
			switch {
			case strings.Contains(q, replies[0]):
				return answered(replies[1])
			case strings.HasPrefix(q, "sum(resets") || strings.Contains(q, " unless "):
				return answered()
			}
			return answered("2.5")
		})
		s := both
		s.Stages = false
		files, _ := collect(t, open(t, Source{URL: f.URL}), s, aRun())
		additions, want := files[0].Additions, probe != "neither"
		if got := strings.HasPrefix(additions.Figures["requests_total"].Query, "sum(increase("); got != want ||
			additions.Window.Restarted != want {
			t.Errorf("%s: got %v and %+v, want %v", probe, got, additions.Window, want)
		}
	}
}
