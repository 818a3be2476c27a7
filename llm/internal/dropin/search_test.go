package dropin

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// Every option of a search has an example, which is read.
func TestSearchOptions(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(arrival.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(members))
	if got := slices.Sorted(maps.Keys(searchExamples)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, example := range searchExamples {
		o, err := readSearch(searchOf(t, "{"+example+"}"))
		if err != nil {
			t.Errorf("%s: %v", example, err)
			continue
		}
		text, _ := json.Marshal(o)
		if _ = json.Unmarshal(text, &members); members[name] == nil {
			t.Errorf("%s: got %s", example, text)
		}
	}
}

func searchOf(t *testing.T, search string) config.Own {
	t.Helper()
	c, err := config.Parse([]byte("x-llm: {slo: 'failures<1%', search: " + search + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Own
}

// A search without an SLO is about that of the stages.
func TestSearchTakesTheSLO(t *testing.T) {
	t.Parallel()
	for search, want := range map[string]string{
		"{over: rate}":                                     "failures<1%",
		"{over: rate, slo: 'ttft=1s'}":                     "ttft=1s",
		"{over: rate, tiers: [{name: a, slo: 'ttft=1s'}]}": "",
	} {
		if o, err := readSearch(searchOf(t, search)); err != nil || o.SLO.String != want {
			t.Errorf("%s: got %v, %v, want %q", search, o, err, want)
		}
	}
}

// A share may be a text with a per cent sign, and a number of milliseconds a time.
func TestSearchReadsShares(t *testing.T) {
	t.Parallel()
	o, err := readSearch(searchOf(t, "{resolution: 20%, confidence: '0.9', probe: 5000}"))
	if err != nil || o.Resolution.Float64 != 0.2 || o.Confidence.Float64 != 0.9 ||
		o.Probe.TimeDuration() != 5*time.Second {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	for search, want := range map[string]string{
		"{ovr: rate}":         `x-llm.search.ovr: unknown key: did you mean "over"?`,
		"{nonsense_key: 1}":   `x-llm.search.nonsense_key: unknown key, known are confidence, hold, max, maxProbes, min, `,
		"{min: many}":         `x-llm.search.min: cannot read "many": write it as in min: 1`,
		"{probe: '60'}":       `x-llm.search.probe: "60" has no unit: write 60s`,
		"{probe: 5}":          "x-llm.search.probe: 5 has no unit and counts as milliseconds: write 5s",
		"{resolution: 20 %}":  `x-llm.search.resolution: cannot read "20 %": write it as in resolution: 0.05`,
		"{hold: soon}":        `x-llm.search.hold: cannot read "soon": write it as in hold: 60s`,
		"{tiers: {name: a}}":  `x-llm.search.tiers: cannot read {"name":"a"}: write it as in tiers: [{name: fast, `,
		"{maxProbes: [1, 2]}": `x-llm.search.maxProbes: cannot read [1,2]: write it as in maxProbes: 20`,
	} {
		if _, err := readSearch(searchOf(t, search)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", search, err, want)
		}
	}
}

// Answers in one piece, the default of a configuration, have no TTFT.
func TestSearchNeedsStreaming(t *testing.T) {
	t.Parallel()
	const ttft, fault = "x-llm: {search: {slo: 'p99(ttft)<1s'}", "x-llm.search: p99(ttft)<1s needs streaming: "
	for text, want := range map[string]string{
		ttft + "}":                            fault,
		ttft + ", client: {streaming: true}}": "",
		ttft + ", client: {streaming: false}}\napi: {streaming: true}": fault,
		ttft + "}\napi: {streaming: true}":                             "",
		"x-llm: {search: {slo: 'p99(latency)<1s'}}":                    "",
		"x-llm: {search: {tiers: [{name: a, slo: itl=5ms}]}}":          "x-llm.search: itl=5ms needs streaming: ",
		ttft + "}\napi: {type: embeddings}":                            "x-llm.search: p99(ttft)<1s is about tokens, ",
		ttft + "}\napi: {type: speech, streaming: true}":               "x-llm.search: p99(ttft)<1s is about tokens, ",
		"x-llm: {search: {slo: 'p99(rtf)<1'}}\napi: {type: speech}":    "",
	} {
		c, err := config.Parse([]byte(text + "\nserver: {base_url: h}\n"))
		if err != nil {
			t.Fatal(err)
		}
		c.Load.BaseSeed = new(int64(1))
		switch _, err := NewOptions(c, "", Found{}); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
