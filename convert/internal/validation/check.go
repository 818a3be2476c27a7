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

// Config holds what the check needs from the run's configuration.
type Config struct {
	// Stages is the number of stages that the run was meant to have, including the stages of a sweep, of which the
	// configuration gives only the number. 0 means unknown: surplus or missing stages are then not reported.
	Stages int
}

// Input holds the files of a report.
type Input struct {
	// Files maps names without their prefix to contents. Files other than summary, stages and partial reports are
	// ignored; the file of requests belongs into PerRequest.
	Files map[string][]byte
	// PerRequest reads the file of requests; nil means that there is none. It is read once, request by request, so
	// that at most the largest request is held in memory.
	PerRequest io.Reader
}

// Check checks the files of a report, one by one and against each other. A fault in a file becomes a finding; Check
// returns an error only if PerRequest cannot be read.
func Check(in Input, c Config) (*Report, error) {
	r, run := new(Report), run{stages: map[int]gjson.Result{}}
	checkNamed := func(prefix, name string) (doc gjson.Result) {
		r.file(prefix, name, func(s scope) { doc = checkLifecycle(s, in.Files[name]) })
		return doc
	}
	if _, there := in.Files[reportdir.Summary]; there {
		run.summary = checkNamed("summary.", reportdir.Summary)
	}
	for stage, name := range numbered(in.Files, reportdir.StagePattern) {
		run.stages[stage] = checkNamed("per_stage.", name)
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

// numbered yields the files whose names match the pattern, by ascending number. Numbers with leading zeros are skipped,
// since no report has them.
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

// CheckDir checks the report in a directory. prefix is the prefix of the names of its files, mostly empty.
func CheckDir(dir fs.FS, prefix string, c Config) (*Report, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	in := Input{Files: map[string][]byte{}}
	for _, e := range entries {
		name, found := strings.CutPrefix(e.Name(), prefix)
		if !found || name != reportdir.Summary && !reportdir.StagePattern.MatchString(name) &&
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
