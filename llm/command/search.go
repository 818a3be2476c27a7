package command

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
)

// searchFlags are the flags of a search for the highest load within an SLO.
type searchFlags struct {
	over, min, max, resolution string
	tiers                      []string
	keyed                      bool // the configuration, or a flag with its key, asks for a search
}

// searchKey is the key of the options of a search.
const searchKey = "x-llm.search"

// flagForLoad refuses a flag that stands where --search has its load.
func flagForLoad(cmd *cobra.Command) error {
	if over := cmd.Flags().Lookup("search").Value.String(); strings.HasPrefix(over, "-") {
		return fmt.Errorf("--search: the most of what? Write --search rate or --search concurrency, and then %s", over)
	}
	return nil
}

// register adds the flags to those of a command.
func (f *searchFlags) register(flags *pflag.FlagSet) {
	text := func(p *string, name, usage string) { flags.StringVar(p, name, "", usage) }
	text(&f.over, "search", "`LOAD` to find the most of within --slo: rate, concurrency")
	text(&f.min, "search-min", "lowest `LOAD` to try (default: found from 1)")
	text(&f.max, "search-max", "highest `LOAD` to try (default: no limit)")
	text(&f.resolution, "resolution", "`SHARE` to find the load to (default 5%)")
	flags.StringArrayVar(&f.tiers, "tier", nil, "`'NAME: OBJECTIVES'` of one SLO of several")
}

// errSLO is the answer to a search that has no SLO.
var errSLO = errors.New("--search: within which SLO? Add one, such as --slo 'p99(ttft)<500ms,failures<1%'")

// options returns the options of a search that the flags stand for. longest is the text of --duration.
func (f *searchFlags) options(longest string) (o options, err error) {
	o = options{}
	if f.over != "" {
		if err := oneOf("--search", f.over, search.Rate, search.Concurrency); err != nil {
			return nil, err
		}
		o["over"] = f.over
	}
	for _, load := range []struct{ flag, name, text string }{
		{"--search-min", "min", f.min}, {"--search-max", "max", f.max},
	} {
		if load.text == "" {
			continue
		}
		if o[load.name], err = f.load(load.flag, load.text); err != nil {
			return nil, err
		}
	}
	if low, high := o["min"], o["max"]; low != nil && high != nil && low.(float64) > high.(float64) {
		return nil, fmt.Errorf("--search-min (%v) must not be above --search-max (%v)", low, high)
	}
	if f.resolution != "" {
		if o["resolution"], err = resolution(f.resolution); err != nil {
			return nil, err
		}
	}
	if longest != "" {
		if _, err := timespan.Parse(longest); err != nil {
			return nil, fmt.Errorf("--duration: %w", err)
		}
		o["probe"] = longest
	}
	if len(f.tiers) > 0 {
		o["tiers"], err = tiers(f.tiers)
	}
	return o, err
}

// searched sets the keys of a search.
func (s *settings) searched(set func(key, value string)) error {
	name := "--search"
	if s.search.over == "" {
		name = searchKey
	}
	for _, o := range []struct {
		flag  string
		given bool
	}{
		{"--rate", s.rates != nil}, {"--concurrency", s.concurrencies != nil}, {"--requests", s.requests != ""},
		{"--replay", s.trace != ""}, {"--warmup", s.warmup != ""},
	} {
		if o.given {
			return fmt.Errorf("%s chooses the loads by itself: leave %s out", name, o.flag)
		}
	}
	if s.slo != "" && len(s.search.tiers) > 0 {
		return errors.New("--slo and --tier: give one of them: a tier is an SLO with a name")
	}
	if s.arrival == string(config.InferencePerf) {
		return fmt.Errorf("--arrival: %s fills stages of a known length: a search takes poisson, constant or gamma",
			s.arrival)
	}
	o, err := s.search.options(s.duration)
	err = cmp.Or(err, s.checkStream())
	if err == nil {
		o.set(searchKey, set)
	}
	return err
}

// checkStream refuses bounds on latencies that the answers of --stream=false do not have.
func (s *settings) checkStream() error {
	if s.stream {
		return nil
	}
	for i, text := range append([]string{string(s.slo)}, s.search.tiers...) {
		flag := "--slo"
		if _, objectives, _ := strings.Cut(text, ":"); i > 0 {
			flag, text = "--tier", objectives
		}
		list, err := slo.Parse(text)
		if err != nil {
			return err // not after the flags were read
		}
		if err := slo.StreamFault(list); err != nil {
			return fmt.Errorf("%s: %w: leave --stream=false out", flag, err)
		}
	}
	return nil
}

// unused refuses flags that have no effect without --search.
func (f *searchFlags) unused() error {
	for _, o := range []struct {
		flag  string
		given bool
	}{
		{"--search-min", f.min != ""}, {"--search-max", f.max != ""}, {"--resolution", f.resolution != ""},
		{"--tier", len(f.tiers) > 0},
	} {
		if o.given {
			return fmt.Errorf("%s needs --search rate or --search concurrency", o.flag)
		}
	}
	return nil
}

// oneOf returns an error unless the text of a flag is one of those known.
func oneOf(flag, text string, known ...string) error {
	for _, name := range known {
		if text == name {
			return nil
		}
	}
	if near, ok := spelling.Nearest(text, known); ok {
		return fmt.Errorf("%s: unknown %q: did you mean %s?", flag, text, near)
	}
	return fmt.Errorf("%s: unknown %q, known are %s", flag, text, strings.Join(known, ", "))
}

// load reads a rate or a concurrency.
func (f *searchFlags) load(flag, text string) (float64, error) {
	load, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(load > 0) || math.IsInf(load, 0):
		return 0, fmt.Errorf("%s: %q is no load above 0, such as 2", flag, text)
	case f.over == search.Concurrency && load != math.Trunc(load):
		return 0, fmt.Errorf("%s: %q is no whole number of requests at a time", flag, text)
	}
	return load, nil
}

// resolution reads a share such as 5% or 0.05.
func resolution(text string) (float64, error) {
	share, ok := slo.Share(text)
	if !ok || share == 0 {
		return 0, fmt.Errorf("--resolution: %q is no share such as 5%%", text)
	}
	return share, nil
}

// tiers reads SLOs with a name each, as in fast: p99(ttft)<500ms.
func tiers(texts []string) (list []map[string]string, err error) {
	for _, text := range texts {
		name, objectives, ok := strings.Cut(text, ":")
		name, objectives = strings.TrimSpace(name), strings.TrimSpace(objectives)
		if !ok || name == "" || objectives == "" {
			return nil, fmt.Errorf("--tier: %q is no name with an SLO, as in 'fast: p99(ttft)<500ms'", text)
		}
		if err := readable("--tier", objectives); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(tier map[string]string) bool { return tier["name"] == name }) {
			return nil, fmt.Errorf("--tier: two are named %q: give each a name of its own", name)
		}
		list = append(list, map[string]string{"name": name, "slo": objectives})
	}
	return list, nil
}

// readable returns an error with the column if the objectives of a flag cannot be read.
func readable(flag, objectives string) error {
	_, err := slo.Parse(objectives)
	var fault *slo.SyntaxError
	if errors.As(err, &fault) {
		return fmt.Errorf("%s: column %d: %w", flag, fault.Column, err)
	}
	return err
}

// replaced returns overrides in front of those of the flags, so that a search takes the place of the stages of a
// configuration's file, and stages that of its search.
func (s *settings) replaced() (list []config.Override) {
	switch {
	case s.search.over != "":
		list = append(list, config.Override{Key: "load.stages", Value: "[]"},
			config.Override{Key: "load.sweep", Value: "null"})
	case s.rates != nil, s.concurrencies != nil, s.trace != "": // --stages has become one of these
		list = append(list, config.Override{Key: searchKey, Value: "null"})
	}
	return list
}
