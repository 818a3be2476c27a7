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
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
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
	if s.slo == "" {
		s.slo = slo.Text(found.SLO)
		s.remark(otherTiers(found))
	}
	return nil
}

// otherTiers says which SLOs of a search its stages do not have; "" if it has one.
func otherTiers(found *record.Search) string {
	if len(found.Tiers) < 2 {
		return ""
	}
	var others []string
	for _, t := range found.Tiers[1:] {
		others = append(others, fmt.Sprintf("%s (%s)", t.Name, t.SLO))
	}
	return fmt.Sprintf("--stages: the stages are judged by the first SLO of the search, %s (%s), and not by %s: "+
		"choose another by --slo", found.Tiers[0].Name, found.Tiers[0].SLO, strings.Join(others, ", "))
}

// ownData says that what --stages sends is not what the search sent, unless the flags say what it is.
func (s *settings) ownData() string {
	for _, name := range []string{"input", "output", "prompts", "dataset"} {
		if s.flags.Changed(name) {
			return ""
		}
	}
	text := "--stages: the loads are those of the search, and the prompts and their lengths are those of this command"
	dir := s.stages
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err != nil {
		return text
	}
	return text + "; those of the search: " + ladderCommand(dir)
}

// ladderCommand is the command that sends the loads of the search in a report's directory as plain stages.
func ladderCommand(dir string) string {
	return fmt.Sprintf("k6 x llm run -c %s --stages %s", plain.Terminal(filepath.Join(dir, configFile)),
		plain.Terminal(filepath.Join(dir, searchFile)))
}

// nameLadder prints the command that sends the loads of a search in the report's directory as plain stages, if there
// is one.
func nameLadder(w io.Writer, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, searchFile)); err != nil {
		return nil // no search
	}
	_, err := fmt.Fprintln(w, "the same loads as plain stages:", ladderCommand(dir))
	return err
}
