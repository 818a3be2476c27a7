package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Names of files in the directory of a report: the answer of a search, and the configuration of the run.
const (
	searchFile = "search.json"
	configFile = "config.yaml"
)

// readLadder reads the answer of a search, from its file or from the directory of its report.
func readLadder(path string) (*record.Search, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, searchFile)
	}
	text, err := textfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--stages: %w", err)
	}
	s := new(record.Search)
	if json.Unmarshal(text, s) != nil || s.Over == "" {
		return nil, fmt.Errorf("--stages: %s is not the %s of a search: bench --search writes one into its report",
			path, searchFile)
	}
	if len(loadsOf(s)) == 0 {
		return nil, fmt.Errorf("--stages: the search of %s measured no load", path)
	}
	return s, nil
}

// loadsOf returns the loads that a search measured, in ascending order.
func loadsOf(s *record.Search) (loads []float64) {
	for _, p := range s.Probes {
		if p.Outcome != search.Refused {
			loads = append(loads, p.Value)
		}
	}
	slices.Sort(loads)
	return slices.Compact(loads)
}

// longestProbe returns the seconds of the longest probe of a search, and of the longest transient.
func longestProbe(s *record.Search) (seconds, transient float64) {
	for _, p := range s.Probes {
		seconds, transient = max(seconds, p.Seconds), max(transient, p.Transient)
	}
	return seconds, transient
}

// ladder takes the loads of a search as plain stages, each as long as its longest probe and with its longest transient
// as the warm-up, if the flags say nothing else.
func (s *settings) ladder() error {
	if s.stages == "" {
		return nil
	}
	for _, o := range []struct {
		flag  string
		given bool
	}{
		{"--rate", s.rates != nil}, {"--concurrency", s.concurrencies != nil}, {"--requests", s.requests != ""},
		{"--replay", s.trace != ""}, {"--search", s.search.over != ""},
	} {
		if o.given {
			return fmt.Errorf("--stages has the loads of a search: leave %s out", o.flag)
		}
	}
	found, err := readLadder(s.stages)
	if err != nil {
		return err
	}
	var loads []string
	for _, load := range loadsOf(found) {
		loads = append(loads, strconv.FormatFloat(load, 'f', -1, 64))
	}
	if found.Over == search.Concurrency {
		s.concurrencies = loads
	} else {
		s.rates, s.arrival = loads, cmp.Or(s.arrival, found.Arrival)
	}
	seconds, transient := longestProbe(found)
	s.duration = cmp.Or(s.duration, fmt.Sprintf("%.0fs", max(1, math.Ceil(seconds))))
	if transient > 0 {
		s.warmup = cmp.Or(s.warmup, fmt.Sprintf("%.3gs", transient))
	}
	s.slo = cmp.Or(s.slo, found.SLO)
	return nil
}

// nameLadder prints the command that sends the loads of a search in the report's directory as plain stages, if there
// is one.
func nameLadder(w io.Writer, dir string) error {
	answer := filepath.Join(dir, searchFile)
	if _, err := os.Stat(answer); err != nil {
		return nil // no search
	}
	_, err := fmt.Fprintf(w, "the same loads as plain stages: k6 x llm run -c %s --stages %s\n",
		plain.Terminal(filepath.Join(dir, configFile)), plain.Terminal(answer))
	return err
}
