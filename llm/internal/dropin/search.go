package dropin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searchExamples holds the options of a search, and how each is written.
var searchExamples = map[string]string{
	"over": "over: rate", "slo": "slo: p99(ttft)<500ms", "tiers": "tiers: [{name: fast, slo: p99(ttft)<500ms}]",
	"min": "min: 1", "max": "max: 100", "resolution": "resolution: 0.05", "confidence": "confidence: 0.95",
	"probe": "probe: 30s", "hold": "hold: 60s", "maxProbes": "maxProbes: 20",
}

// readSearch returns the options of x-llm.search. Without an SLO of its own a search is about that of the stages.
func readSearch(own config.Own) (*arrival.SearchOptions, error) {
	o := new(arrival.SearchOptions)
	for _, name := range slices.Sorted(maps.Keys(own.Search)) {
		if err := readSearchOption(o, name, own.Search[name]); err != nil {
			return nil, fmt.Errorf("x-llm.search.%s: %w", name, err)
		}
	}
	if !o.SLO.Valid && len(o.Tiers) == 0 && own.SLO != "" {
		o.SLO = null.StringFrom(own.SLO)
	}
	return o, nil
}

// readSearchOption reads one option of a search.
func readSearchOption(o *arrival.SearchOptions, name string, value json.RawMessage) error {
	example, known := searchExamples[name]
	if !known {
		names := slices.Sorted(maps.Keys(searchExamples))
		if near, ok := spelling.Nearest(name, names); ok {
			return fmt.Errorf("unknown key: did you mean %q?", near)
		}
		return fmt.Errorf("unknown key, known are %s", strings.Join(names, ", "))
	}
	switch name {
	case "probe", "hold":
		if err := checkUnit(value); err != nil {
			return err
		}
	case "resolution", "confidence":
		value = plainShare(value)
	}
	option, err := json.Marshal(map[string]json.RawMessage{name: value})
	if err != nil {
		return err // not of a configuration, which holds valid JSON only
	}
	if json.Unmarshal(option, o) != nil {
		return fmt.Errorf("cannot read %s: write it as in %s", value, example)
	}
	return nil
}

// checkUnit refuses the time of a probe whose unit is missing. A number counts as milliseconds, and below a second it
// is one of seconds.
func checkUnit(value json.RawMessage) error {
	var text string
	if json.Unmarshal(value, &text) == nil {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return fmt.Errorf("%q has no unit: write %ss", text, text)
		}
	}
	var x float64
	if json.Unmarshal(value, &x) == nil && x > 0 && x < 1000 {
		return fmt.Errorf("%v has no unit and counts as milliseconds: write %vs", x, x)
	}
	return nil
}

// plainShare turns the text of a share, such as "5%", into its number.
func plainShare(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	share, ok := slo.Share(text)
	if !ok {
		return value
	}
	return json.RawMessage(strconv.FormatFloat(share, 'g', -1, 64))
}

// checkStream refuses bounds on latencies that answers in one piece do not have. It leaves an SLO that cannot be read
// to those who act on the search.
func (m mapping) checkStream(o *arrival.SearchOptions) error {
	streaming := m.config.API.Streaming
	_ = json.Unmarshal(m.config.Own.Client["streaming"], &streaming) // the client refuses another value
	of := record.Request{API: string(m.config.API.Type)}
	for _, tier := range append(slices.Clone(o.Tiers), arrival.SearchTier{SLO: o.SLO.String}) {
		list, err := slo.Parse(tier.SLO)
		if err != nil {
			continue
		}
		if err := slo.APIFault(list, of.API, of.Generates()); err != nil {
			return fmt.Errorf("x-llm.search: %w", err)
		}
		if streaming || !of.Generates() {
			continue
		}
		if err := slo.StreamFault(list); err != nil {
			return fmt.Errorf("x-llm.search: %w: set api.streaming: true", err)
		}
	}
	return nil
}
