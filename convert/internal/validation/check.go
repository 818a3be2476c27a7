package validation

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// Config is what has to be known of the run's configuration.
type Config struct {
	// Stages is how many stages the run was to have. Those of a sweep count, though they are not listed in its
	// configuration: it is their number that is. 0 means unknown, and nothing is said about stages too many or missing.
	Stages int
}

// Input are the files of a report.
type Input struct {
	// Files holds the files by name, without a prefix. Those that are none of summary, stages and partial reports are
	// passed over; the file of requests is not to be here.
	Files map[string][]byte
	// PerRequest gives the file of requests, nil for none. It is read once, request by request: what is held of it is
	// the largest request.
	PerRequest io.Reader
}

// Check checks the files of a report, one by one and against each other. What is wrong with a file is a finding; the
// error is that of reading PerRequest.
func Check(in Input, c Config) (*Report, error) {
	r, run := new(Report), run{stages: map[int]gjson.Result{}}
	lifecycleOf := func(prefix, name string) (doc gjson.Result) {
		r.file(prefix, name, func(s scope) { doc = checkLifecycle(s, in.Files[name]) })
		return doc
	}
	if _, there := in.Files[reportdir.Summary]; there {
		run.summary = lifecycleOf("summary.", reportdir.Summary)
	}
	for stage, name := range numbered(in.Files, reportdir.StagePattern) {
		run.stages[stage] = lifecycleOf("per_stage.", name)
	}
	if in.PerRequest != nil {
		var err error
		r.file("per_request.", reportdir.PerRequest, func(s scope) {
			run.requests, err = checkRequests(s, in.PerRequest)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", reportdir.PerRequest, err)
		}
	}
	for stage, name := range numbered(in.Files, reportdir.PartialPattern) {
		r.file("br_partial.", name, func(s scope) { checkPartial(s, in.Files[name], run.stages[stage]) })
	}
	run.check(scope{"cross_report.", nil, &r.Global}, c)
	return r, nil
}

// numbered gives the files whose names match, by ascending number. A number written with leading zeros is none of ours.
func numbered(files map[string][]byte, pattern *regexp.Regexp) iter.Seq2[int, string] {
	names := map[int]string{}
	for name := range files {
		if m := pattern.FindStringSubmatch(name); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && strconv.Itoa(n) == m[1] {
				names[n] = name
			}
		}
	}
	return func(yield func(int, string) bool) {
		for _, n := range slices.Sorted(maps.Keys(names)) {
			if !yield(n, names[n]) {
				return
			}
		}
	}
}

// CheckDir checks the report in a directory. prefix is what stands before the names of its files, mostly nothing.
func CheckDir(dir fs.FS, prefix string, c Config) (*Report, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	in := Input{Files: map[string][]byte{}}
	for _, e := range entries {
		name, ours := strings.CutPrefix(e.Name(), prefix)
		if !ours || name != reportdir.Summary && !reportdir.StagePattern.MatchString(name) &&
			!reportdir.PartialPattern.MatchString(name) {
			continue
		}
		if in.Files[name], err = fs.ReadFile(dir, e.Name()); err != nil {
			return nil, err
		}
	}
	f, err := dir.Open(prefix + reportdir.PerRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return Check(in, c)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	in.PerRequest = f
	return Check(in, c)
}
