package convert

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Group is the report on the requests that have something in common, such as their label.
type Group struct {
	GroupName
	*Lifecycle
	Stages map[int]*Lifecycle
}

// GroupName tells a group of requests from the others.
type GroupName struct {
	By   string `json:"by"`   // the name of the key
	Name string `json:"name"` // what the requests have for the key; "" if they have nothing
}

// Shown returns the name as people read it.
func (g GroupName) Shown() string { return cmp.Or(g.Name, "(none)") }

// longestName is how many bytes of a label a sentence has. Those of this program have no more characters.
const longestName = 100

// brief returns the name as sentences have it.
func (g GroupName) brief() string { return plain.Clip(g.Shown(), longestName) }

// mostGroups is how many groups of a key have a report of their own. The limit exists because each has files of its
// own.
const mostGroups = mostAdapters

// addGroups adds the reports on the groups that the requests form by each key, in order of their names, and warns of
// endpoints at which everything failed. The groups of a key have all requests, unless there are too many.
func addGroups(p *Report) {
	keys := p.opts.By
	if keys == nil {
		keys = run.UsualKeys(p.run)
	}
	w := &warner{p.Summary.Additions.Warnings}
	for _, key := range keys {
		groups := key.Groups(p.run, run.Sent(p.run))
		w.warn(len(groups) > mostGroups, "the requests form %d groups by %s: only the %d with the most requests have "+
			"reports of their own", len(groups), key.Name, mostGroups)
		largest := mostRequests(groups, mostGroups)
		for _, name := range slices.Sorted(slices.Values(largest)) {
			p.Groups = append(p.Groups, groupOf(p, GroupName{key.Name, name}, groups[name]))
		}
	}
	if err := p.opts.CheckLabels(p.run); err != nil {
		w.warn(true, "an objective cannot be judged: %v", err)
	}
	w.warnOfEndpoints(p.run, p.opts)
	p.Summary.Additions.Warnings = w.list
	if f := fairnessOf(p); f != nil {
		p.Summary.Additions.Fairness = f
		p.Summary.Additions.define("fairness", fairnessDefinition)
	}
	if list := interferenceOf(p); len(list) > 0 {
		p.Summary.Additions.Interference = list
		p.Summary.Additions.define("interference", interferenceDefinition)
	}
}

// mostRequests returns the names of at most n groups, those with the most requests.
func mostRequests(groups map[string][]*run.Request, n int) []string {
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	return names[:min(n, len(names))]
}

// groupOf returns the report on a group and on what each stage has of it.
func groupOf(p *Report, name GroupName, requests []*run.Request) Group {
	out, whole := Group{GroupName: name, Stages: map[int]*Lifecycle{}}, newGaps(p.run)
	part := false
	for stage, requests := range run.ByStage(p.run, requests) {
		g := newSubset(p.run, requests, p.opts, nil)
		g.part = len(requests) < p.Stages[stage].Additions.Requests.Sent
		part = part || g.part
		whole.merge(g.gaps)
		l := g.stageReport(stage)
		if g.part {
			l.Load.Concurrency = nil // it applies to the whole stage
		}
		out.nameIn(l.Additions, g.part)
		out.Stages[stage] = l
	}
	all := divide(p.run, requests, p.opts)
	all.part = part
	all.chunkGaps, all.tokenGaps = whole.settle()
	out.Lifecycle = all.lifecycle()
	out.nameIn(out.Additions, part)
	return out
}

// nameIn names the group in a report on its requests. The arrivals that a stage dropped belong to no part of it.
func (g *Group) nameIn(a *Additions, part bool) {
	a.Group = &GroupName{g.By, g.Name}
	a.define("group", "what the requests of this report have in common, such as their label; an empty name is none")
	if part {
		a.Requests.Dropped = 0
	}
}

// Groups are the groups of each key in the order of the keys, those of a key in the order of their names.
type Groups []Group

// By returns the groups of a key.
func (all Groups) By(key string) (list Groups) {
	for _, g := range all {
		if g.By == key {
			list = append(list, g)
		}
	}
	return list
}

// Keys returns the names of the keys by which there are groups.
func (all Groups) Keys() (keys []string) {
	for _, g := range all {
		if !slices.Contains(keys, g.By) {
			keys = append(keys, g.By)
		}
	}
	return keys
}

// mostDead is how many endpoints without an answer have a warning.
const mostDead = 10

// fewestSilent is how many failures in a row are more than a bad moment, as in the summary of k6.
const fewestSilent = 10

// warnOfEndpoints warns of endpoints at which every request failed while others answered, or every one from some moment
// on.
func (w *warner) warnOfEndpoints(r *run.Run, o Options) {
	named := func(q *run.Request) bool { return q.Endpoint != "" }
	answered := func(q *run.Request) bool { return !q.Failed() }
	if !slices.ContainsFunc(r.Requests, named) || !slices.ContainsFunc(r.Requests, answered) {
		return
	}
	groups, dead := run.ByEndpoint.Groups(r, r.Requests), 0
	for _, endpoint := range mostRequests(groups, len(groups)) {
		g := divide(r, slices.DeleteFunc(groups[endpoint], unfinished), o)
		switch silent := afterLast(g); {
		case len(g.ok) == 0 && len(silent) > 0:
			dead++
			w.warn(dead <= mostDead, "endpoint %s: all %d requests failed: %s", GroupName{Name: endpoint}.brief(),
				len(silent), kindsText(countLabels(silent, 1).kinds()))
		case len(silent) >= fewestSilent:
			w.warn(true, "endpoint %s: all of its last %d requests failed, since %.1f s of the run: %s",
				GroupName{Name: endpoint}.brief(), len(silent), r.Seconds(silent[0].Start-run.Sent(r)[0].Start),
				kindsText(countLabels(silent, 1).kinds()))
		}
	}
	w.warn(dead > mostDead, "at %d other endpoints all requests failed", dead-mostDead)
}

// afterLast returns the failures that began after the last success did, in the order of their starts.
func afterLast(g *subset) (list []*run.Request) {
	last := int64(math.MinInt64)
	for _, q := range g.ok {
		last = max(last, q.Start)
	}
	for _, q := range g.failed {
		if q.Start > last {
			list = append(list, q)
		}
	}
	return list
}

// kindsText returns what most failures say.
func kindsText(kinds []kind) string {
	text := kinds[0].shown()
	if others := len(kinds) - 1; others > 0 {
		text += fmt.Sprintf(" (and %s)", plural(others, "other kind"))
	}
	return text
}

// fileNames returns the names that things have in names of files. One that is a valid file name stays unchanged,
// whatever the others are. used are the names in lower case that are taken, and further returns those that a thing
// takes besides.
func fileNames[T comparable](list []T, text func(T) string, used map[string]bool,
	further func(thing T, name string) []string) map[T]string {
	fit := func(thing T) bool { return plain.FileName(text(thing), nil) == text(thing) }
	list = slices.SortedStableFunc(slices.Values(list), func(a, b T) int {
		if fit(a) != fit(b) {
			return map[bool]int{true: -1, false: 1}[fit(a)]
		}
		return cmp.Compare(strings.ToLower(text(a)), strings.ToLower(text(b))) // a before a_stage_1
	})
	names := map[T]string{}
	for _, thing := range list {
		names[thing] = plain.FileName(text(thing), used)
		for _, other := range further(thing, names[thing]) {
			used[strings.ToLower(other)] = true
		}
	}
	return names
}

// stageNames returns the names that the files of stages have besides that of the whole.
func stageNames(name string, stages map[int]*Lifecycle) (names []string) {
	for stage := range stages {
		names = append(names, fmt.Sprintf("%s_stage_%d", name, stage))
	}
	return names
}

// groups adds the reports on the groups. The names of those of one key are in none of another.
func (d *collector) groups(p *Report, files Files) {
	used := map[string]bool{}
	for _, key := range p.Groups.Keys() {
		list := map[GroupName]Group{}
		for _, g := range p.Groups.By(key) {
			list[g.GroupName] = g
		}
		names := fileNames(slices.Collect(maps.Keys(list)), GroupName.Shown, used,
			func(g GroupName, name string) []string {
				if !files.GroupStages {
					return nil
				}
				return stageNames(name, list[g].Stages)
			})
		for _, g := range p.Groups.By(key) {
			name := names[g.GroupName]
			if files.Groups {
				d.add(reportdir.Group(name), "", g.Lifecycle)
			}
			for _, stage := range sortedKeys(g.Stages) {
				if files.GroupStages {
					d.add(reportdir.GroupStage(name, stage), "", g.Stages[stage])
				}
			}
		}
	}
}

// groups prints a row for each group under its key, how much the labels slow each other down, and how evenly they were
// served.
func (t *table) groups(p *Report) {
	for _, key := range p.Groups.Keys() {
		rows := rowsOfGroups(p, key)
		t.results(key, rows)
		if others := len(p.Groups.By(key)) - len(rows); others > 0 {
			t.line("and %d other groups by %s", others, key)
		}
	}
	t.interference(p.Summary.Additions.Interference)
	if Paired(p.run) {
		t.line("")
		t.say("pairs: %s", PairsText)
	}
	if f := p.Summary.Additions.Fairness; f != nil {
		t.line("")
		t.say("fairness %s", f.Sentence())
	}
}
