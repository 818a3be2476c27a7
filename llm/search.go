package llm

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/grafana/sobek"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searchFields are the options of a search.
func searchFields(rt *sobek.Runtime, s *arrival.SearchOptions) fields {
	return fields{
		"over":       optional(&s.Over.Valid, text(&s.Over.String)),
		"slo":        optional(&s.SLO.Valid, objectives(&s.SLO.String)),
		"tiers":      func(v sobek.Value) error { return readTiers(rt, v, &s.Tiers) },
		"min":        optional(&s.Min.Valid, number(&s.Min.Float64)),
		"max":        optional(&s.Max.Valid, number(&s.Max.Float64)),
		"resolution": optional(&s.Resolution.Valid, share(&s.Resolution.Float64)),
		"confidence": optional(&s.Confidence.Valid, share(&s.Confidence.Float64)),
		"probe":      optional(&s.Probe.Valid, probeTime((*time.Duration)(&s.Probe.Duration))),
		"hold":       optional(&s.Hold.Valid, probeTime((*time.Duration)(&s.Hold.Duration))),
		"maxProbes":  optional(&s.MaxProbes.Valid, integer(&s.MaxProbes.Int64, 1)),
	}
}

// readSearch reads the options of a search.
func (o *loadOptions) readSearch(rt *sobek.Runtime, v sobek.Value) error {
	if absent(v) {
		return nil
	}
	o.Search = new(arrival.SearchOptions)
	return searchFields(rt, o.Search).read(rt, "search", v)
}

// share reads 0.05 or '5%'.
func share(dst *float64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		text, isText := export(v).(string)
		if !isText {
			return number(dst)(v)
		}
		x, ok := slo.Share(text)
		if !ok {
			return fmt.Errorf("%q is no share: write 0.05 or '5%%'", text)
		}
		*dst = x
		return nil
	}
}

// probeTime reads the time of a probe. A number below a second is one of seconds whose unit is missing.
func probeTime(dst *time.Duration) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var x float64
		if number(&x)(v) == nil && x > 0 && x < 1000 {
			return fmt.Errorf("%v has no unit and counts as milliseconds: write '%vs'", x, x)
		}
		return duration(dst)(v)
	}
}

// objectives reads an SLO: a text such as p99(ttft)<500ms, or bounds on each request as a client has them.
func objectives(dst *string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if _, isText := export(v).(string); isText {
			return text(dst)(v)
		}
		bounds, err := readBounds(v)
		if err != nil {
			return err
		}
		o, found := slo.Of(*bounds)
		if !found {
			return errors.New("has no bound: write 'p99(ttft)<500ms', or {ttft: '500ms'}")
		}
		*dst = o.String()
		return nil
	}
}

// readTiers reads several SLOs, each with a name.
func readTiers(rt *sobek.Runtime, v sobek.Value, tiers *[]arrival.SearchTier) error {
	list, ok := v.(*sobek.Object)
	if !ok || list.ClassName() != "Array" {
		return fmt.Errorf("must be an array such as [{name: 'fast', slo: 'p99(ttft)<500ms'}], got %s", describe(v))
	}
	for i := range int(list.Get("length").ToInteger()) {
		var tier arrival.SearchTier
		err := fields{"name": text(&tier.Name), "slo": objectives(&tier.SLO)}.read(rt, "tier",
			list.Get(strconv.Itoa(i)))
		if err != nil {
			return fmt.Errorf("tier %d: %w", i, err)
		}
		*tiers = append(*tiers, tier)
	}
	return nil
}

// checkSearch chooses the executor and the arrivals of a search, and refuses what does not go with one.
func (o *loadOptions) checkSearch() error {
	if o.executor != "" && o.executor != record.ExecutorName {
		return fmt.Errorf("a search needs the executor %q, got %q: leave executor out", record.ExecutorName, o.executor)
	}
	if o.pair != nil {
		return engine.ErrPairSearch
	}
	options, err := search.Check(*o.Search)
	if err != nil {
		return err
	}
	if err := o.settleSearch(options.Over); err != nil {
		return err
	}
	if _, err := o.Plan(); err != nil {
		return err
	}
	return checkStream(options, o.client)
}

// checkStream refuses bounds on latencies that the answers of a client do not have. Clients of functions are not known
// before their first request: nil.
func checkStream(options search.Options, client *jsClient) error {
	if client == nil {
		return nil
	}
	text := client.Dialect().Output() == api.OutputText
	for _, tier := range options.Tiers {
		if err := slo.APIFault(tier.SLO, client.Dialect().Name(), text); err != nil {
			return fmt.Errorf("search: %w", err)
		}
		if !text || client.Streaming() {
			continue
		}
		if err := slo.StreamFault(tier.SLO); err != nil {
			return fmt.Errorf("search: %w: leave streaming of the client out", err)
		}
	}
	return nil
}

// settleSearch fills in what follows from a search.
func (o *loadOptions) settleSearch(over string) error {
	o.executor = record.ExecutorName
	closed := over == search.Concurrency
	switch {
	case closed && o.arrives:
		return errors.New("arrival is for a search over rate: a closed loop sends when an answer has come")
	case closed:
		o.Arrival = null.String{}
	case !o.arrives:
		o.Arrival = null.StringFrom("poisson")
	}
	return nil
}

// searchMembers returns the options of a search as a script would have written them.
func searchMembers(s *arrival.SearchOptions) map[string]any {
	members := map[string]any{}
	add := func(name string, given bool, value any) {
		if given {
			members[name] = value
		}
	}
	var tiers []map[string]string
	for _, t := range s.Tiers {
		tiers = append(tiers, map[string]string{"name": t.Name, "slo": t.SLO})
	}
	add("over", s.Over.Valid, s.Over.String)
	add("slo", s.SLO.Valid, s.SLO.String)
	add("tiers", len(tiers) > 0, tiers)
	add("min", s.Min.Valid, s.Min.Float64)
	add("max", s.Max.Valid, s.Max.Float64)
	add("resolution", s.Resolution.Valid, s.Resolution.Float64)
	add("confidence", s.Confidence.Valid, s.Confidence.Float64)
	add("probe", s.Probe.Valid, s.Probe.String())
	add("hold", s.Hold.Valid, s.Hold.String())
	add("maxProbes", s.MaxProbes.Valid, s.MaxProbes.Int64)
	return members
}
