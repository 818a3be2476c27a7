package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// Run is a run for a page. [FromReport] and [FromDir] make one.
type Run struct {
	Name string // name of the run on the page

	summary gjson.Result // report of the whole run, in the format of the report's files
	// stages are in the order of their numbers, or of the beginnings of their scenarios.
	stages    stages
	scenarios []scenario // empty if the requests are unknown
	groups    []part     // reports on the scenarios if there are several
	adapters  []part
	keyed     []part // reports on the groups of requests by label, endpoint or another key
	// ofGroups has the reports on what the stages have of the groups, of the largest groups at least.
	ofGroups map[groupStage]gjson.Result
	facts    []fact
	bounds   []bound
	curves   *curves      // nil if the requests are unknown
	searches searches     // what the searches of the run found
	sessions gjson.Result // the report on the sessions of a replay
	// the same on each of several stages, in order of their numbers
	sessionStages []part
	lanes         *lanes // nil without sessions, or if their calls are unknown
}

// figuresOf returns a run of the figures of a report alone: of the whole and of its stages.
func figuresOf(name string, p *convert.Report) (r Run, err error) {
	r.Name = name
	if r.summary, err = document(p.Summary); err != nil {
		return r, err
	}
	for _, stage := range slices.Sorted(maps.Keys(p.Stages)) {
		doc, err := document(p.Stages[stage])
		if err != nil {
			return r, err
		}
		r.stages = append(r.stages, part{index: stage, name: fmt.Sprintf("stage %d", stage), doc: doc})
	}
	r.plan(p)
	takeSearches(&r)
	return r, nil
}

// FromReport returns a run for the page from a report and its requests.
func FromReport(name string, p *convert.Report) (Run, error) {
	r := Run{Name: name, curves: curvesOf(p), facts: factsOf(p), bounds: boundsOf(p.Bounds()),
		ofGroups: map[groupStage]gjson.Result{}}
	var failed error
	take := func(l *convert.Lifecycle) gjson.Result {
		doc, err := document(l)
		failed = errors.Join(failed, err)
		return doc
	}
	r.summary = take(p.Summary)
	if p.Sessions != nil {
		takeSessions := func(l *convert.SessionLifecycle) gjson.Result {
			text, err := json.Marshal(l)
			failed = errors.Join(failed, err)
			return gjson.ParseBytes(text)
		}
		r.sessions, r.lanes = takeSessions(p.Sessions), lanesOf(p)
		for _, stage := range slices.Sorted(maps.Keys(p.SessionStages)) {
			r.sessionStages = append(r.sessionStages, part{index: stage, name: fmt.Sprintf("stage %d", stage),
				doc: takeSessions(p.SessionStages[stage])})
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(p.Stages)) {
		r.stages = append(r.stages, part{index: stage, name: fmt.Sprintf("stage %d", stage),
			doc: take(p.Stages[stage])})
	}
	for _, adapter := range slices.Sorted(maps.Keys(p.Adapters)) {
		r.adapters = append(r.adapters, part{name: plain.Terminal(adapter), doc: take(p.Adapters[adapter])})
	}
	r.plan(p)
	takeSearches(&r)
	r.takeGroups(p, take)
	takeKeyed(&r, p, take)
	takeStages(&r, p, take)
	r.finishFacts()
	return r, failed
}

func document(l *convert.Lifecycle) (gjson.Result, error) {
	text, err := json.Marshal(l)
	return gjson.ParseBytes(text), err
}

// takeGroups takes the reports on scenarios of several stages. Those of a single stage have its figures.
func (r *Run) takeGroups(p *convert.Report, take func(*convert.Lifecycle) gjson.Result) {
	for _, s := range r.scenarios {
		if l := p.Scenarios[s.Name]; l != nil && len(s.Stages) > 1 && len(r.scenarios) > 1 {
			r.groups = append(r.groups, part{name: plain.Terminal(s.Name), doc: take(l)})
		}
	}
}

// takeKeyed takes the reports on groups of requests.
func takeKeyed(r *Run, p *convert.Report, take func(*convert.Lifecycle) gjson.Result) {
	r.keyed = nil
	for _, g := range p.Groups {
		of := keyedPart(g.GroupName, take(g.Lifecycle))
		for stage, own := range g.Stages {
			// A part of a stage may end before the rest, as at an endpoint that dies: its rate is over all its time.
			if len(g.Stages) == 1 && own.Additions.Requests.Sent == p.Stages[stage].Additions.Requests.Sent {
				of.only = own.Additions.Load
			}
		}
		r.keyed = append(r.keyed, of)
	}
}

// takeStages takes the reports on what the stages have of the groups that charts show, unless r has them.
func takeStages(r *Run, p *convert.Report, take func(*convert.Lifecycle) gjson.Result) {
	for _, key := range p.Groups.Keys() {
		shown, _ := largestOf(r, key)
		for _, g := range p.Groups.By(key) {
			if !slices.ContainsFunc(shown, func(s part) bool { return s.name == partName(g.GroupName) }) {
				continue
			}
			for stage, l := range g.Stages {
				of := groupStage{key, partName(g.GroupName), stage}
				if !r.ofGroups[of].Exists() {
					r.ofGroups[of] = take(l)
				}
			}
		}
	}
}

// FromDir reads a report directory of this program or of inference-perf. The figures come from its JSON files. If the
// directory has requests.parquet, or inference-perf's file of requests, FromDir takes everything else from that file.
// The run has the name of the directory. Its groups are those of the keys; nil means those that the directory has.
func FromDir(dir string, by []run.Key) (Run, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return Run{}, err
	}
	r := Run{Name: filepath.Base(path), ofGroups: map[groupStage]gjson.Result{}}
	if err := r.readFiles(path); err != nil {
		return r, err
	}
	report, err := requestsOf(path, keysOf(&r, by))
	switch {
	case err != nil:
		return r, err
	case report == nil && !r.summary.Exists() && len(r.stages) == 0:
		return r, fmt.Errorf("%s: it holds no report: neither *%s nor %s", dir, reportdir.Summary,
			reportdir.Parquet)
	case report == nil:
		keepKeyed(&r, by)
		r.configured(path)
		r.nameScenarios()
		takeSearches(&r)
	default:
		r.curves, r.facts, r.bounds = curvesOf(report), factsOf(report), boundsOf(report.Bounds())
		r.lanes = lanesOf(report)
		if !r.summary.Exists() {
			return FromReport(r.Name, report)
		}
		r.plan(report)
		takeSearches(&r)
		take := func(l *convert.Lifecycle) gjson.Result {
			if !sameObjectives(report, r.summary) {
				l.Additions.SLO = nil // the report was judged by others, which nobody knows here
			}
			doc, failed := document(l)
			err = errors.Join(err, failed)
			return doc
		}
		if r.takeGroups(report, take); by != nil || r.keyed == nil {
			takeKeyed(&r, report, take)
		}
		takeStages(&r, report, take)
		if err != nil {
			return r, err
		}
	}
	r.finishFacts()
	return r, nil
}

// keysOf returns the keys by which the requests of a directory are grouped: those asked for, or else those of its
// groups.
func keysOf(r *Run, by []run.Key) []run.Key {
	var names []string
	for _, g := range r.keyed {
		names = append(names, g.by)
	}
	if known, err := run.Keys(names); by == nil && err == nil && names != nil {
		return known
	}
	return by
}

// keepKeyed keeps the groups of the keys; nil means all.
func keepKeyed(r *Run, by []run.Key) {
	r.keyed = slices.DeleteFunc(r.keyed, func(g part) bool {
		return by != nil && !slices.ContainsFunc(by, func(k run.Key) bool { return k.Name == g.by })
	})
}

// Without returns the names of those of the keys by which the run has no groups.
func Without(r Run, by []run.Key) (names []string) {
	for _, key := range by {
		if !slices.ContainsFunc(r.keyed, func(g part) bool { return g.by == key.Name }) {
			names = append(names, key.Name)
		}
	}
	return names
}

// sameObjectives reports whether a report is judged by the objectives that a summary names.
func sameObjectives(p *convert.Report, summary gjson.Result) bool {
	same := func(a convert.Judgement, b gjson.Result) bool { return a.Objective == b.Get("objective").String() }
	return slices.EqualFunc(p.Summary.Additions.SLO, judgements(summary), same)
}

// readFiles reads the lifecycle reports of a directory.
func (r *Run) readFiles(dir string) error {
	list, err := reportdir.Lifecycles(dir)
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := r.readFile(dir, l); err != nil {
			return err
		}
	}
	slices.SortFunc(r.stages, func(a, b part) int { return a.index - b.index })
	slices.SortStableFunc(r.keyed, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	path, found := reportdir.Sessions(dir)
	if !found {
		return nil
	}
	if r.sessions, err = readDocument(path); err != nil {
		return err
	}
	r.sessionStages, err = readSessionStages(strings.TrimSuffix(path, reportdir.SessionSummary), r.stages)
	return err
}

// readSessionStages reads the reports on the sessions of the stages, whose paths have a beginning in common.
func readSessionStages(beginning string, all stages) (list []part, err error) {
	for _, stage := range all {
		doc, err := readDocument(beginning + reportdir.SessionStage(stage.index))
		switch {
		case errors.Is(err, fs.ErrNotExist): // a stage without sessions
		case err != nil:
			return nil, err
		default:
			list = append(list, part{index: stage.index, name: stage.name, doc: doc})
		}
	}
	return list, nil
}

// readDocument reads a report in JSON.
func readDocument(path string) (gjson.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return gjson.Result{}, err
	}
	if text, err = reportdir.JSON(text); err != nil {
		return gjson.Result{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	doc := gjson.ParseBytes(text)
	if !gjson.ValidBytes(text) || !doc.IsObject() {
		return gjson.Result{}, fmt.Errorf("%s: it is no JSON object", filepath.Base(path))
	}
	return doc, nil
}

func (r *Run) readFile(dir string, l reportdir.Lifecycle) error {
	doc, err := readDocument(filepath.Join(dir, l.File))
	if err != nil {
		return err
	}
	switch l.Subject {
	case reportdir.OfStage:
		n, err := strconv.Atoi(l.Label)
		if err != nil {
			return fmt.Errorf("%s: %w", l.File, err)
		}
		r.stages = append(r.stages, part{index: n, name: fmt.Sprintf("stage %d", n), doc: doc})
	case reportdir.OfAdapter:
		r.adapters = append(r.adapters, part{name: plain.Terminal(l.Label), doc: doc})
	case reportdir.OfGroup:
		switch by, name, ofStage := reportdir.GroupOf(doc); {
		case by == "":
		case ofStage:
			of := partName(convert.GroupName{By: by, Name: name})
			r.ofGroups[groupStage{by, of, int(doc.Get("xk6_llm.load.stage").Int())}] = doc
		default:
			r.keyed = append(r.keyed, keyedPart(convert.GroupName{By: by, Name: name}, doc))
		}
	default:
		r.summary = doc
	}
	return nil
}

// keyedPart returns the report on a group.
func keyedPart(g convert.GroupName, doc gjson.Result) part {
	return part{by: g.By, name: partName(g), doc: doc}
}

// partName returns the name of a group in the tables.
func partName(g convert.GroupName) string { return plain.Terminal(g.By + " " + g.Shown()) }

// requestsOf returns a report of a directory's requests, grouped by the keys, or nil if the directory has none.
func requestsOf(dir string, by []run.Key) (*convert.Report, error) {
	paths := reportdir.Requests(dir)
	if len(paths) == 0 {
		return nil, nil
	}
	o := run.Options{}
	if filepath.Base(paths[0]) != reportdir.Parquet {
		o.Config, _ = configIn(dir) // knows the stages, if it can be read
	}
	read, err := run.ReadFiles(o, paths[0])
	if err != nil {
		return nil, err
	}
	return convert.NewReport(read, convert.Options{By: by}), nil
}

// configIn reads the configuration in a report directory, which may be of another version and have any form.
func configIn(dir string) (*config.Config, error) {
	path, found := reportdir.Configuration(dir)
	if !found {
		return nil, os.ErrNotExist
	}
	return config.Load(path)
}
