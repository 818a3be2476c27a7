package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// compareGroups compares each group that both runs have.
func (r *Result) compareGroups(a, b replicas, o Options) {
	r.By, r.Metrics = o.By, []Metric{}
	base, fresh := a.groups(), b.groups()
	for _, name := range base {
		if !slices.Contains(fresh, name) {
			r.OnlyBase = append(r.OnlyBase, name)
			continue
		}
		part := &Result{Group: name, Level: r.Level, Seed: r.Seed, Resamples: r.Resamples}
		in := func(q *Request) bool { return q.Group == name }
		a, b := a.part(in), b.part(in)
		part.Base, part.New = a.summary(), b.summary()
		part.compareRuns(a, b, o)
		r.Groups = append(r.Groups, part)
	}
	for _, name := range fresh {
		if !slices.Contains(base, name) {
			r.OnlyNew = append(r.OnlyNew, name)
		}
	}
	for _, only := range []struct {
		side  string
		names []string
	}{{"BASE", r.OnlyBase}, {"NEW", r.OnlyNew}} {
		if len(only.names) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("not compared, for only %s has it: %s %s", only.side, r.By,
				strings.Join(only.names, ", ")))
		}
	}
}

// checkGates returns an error if a gate is on a group that is not compared.
func checkGates(gates []Gate, r *Result) error {
	var known []string
	for _, part := range r.Groups {
		known = append(known, part.Group)
	}
	for _, g := range gates {
		switch {
		case g.group == "":
			continue
		case slices.Contains(r.OnlyBase, g.group):
			return fmt.Errorf("gate %q: NEW has no %s %q", g, r.By, g.group)
		case slices.Contains(r.OnlyNew, g.group):
			return fmt.Errorf("gate %q: BASE has no %s %q", g, r.By, g.group)
		}
		if err := slo.CheckNames(r.By, []string{g.group}, known); err != nil {
			return fmt.Errorf("gate %q: %w", g, err)
		}
	}
	return nil
}

// groups returns the names of the groups that have requests.
func (r *run) groups() (list []string) {
	seen := map[string]bool{}
	for _, i := range r.order {
		if name := r.requests[i].Group; !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// answer makes the overall answer of those of the groups.
func (r *Result) answer() {
	var list []Status
	for _, g := range r.Groups {
		list = append(list, g.Status)
		for _, open := range g.Open {
			r.Open = append(r.Open, g.Group+": "+open)
		}
	}
	if r.Status = gate.Worst(list...); len(list) == 0 {
		r.Status, r.Open = GateUndecided, []string{fmt.Sprintf("the runs have no %s in common", r.By)}
	}
	r.Passed = r.Status != GateFailed
}

// sumUp makes the overall verdict of those on the groups: worse if one is worse, else better if one is better.
func (r *Result) sumUp() {
	r.Verdict, r.Reasons = Unclear, []string{fmt.Sprintf("the runs have no %s in common", r.By)}
	for _, v := range []Verdict{Same, Unclear, Better, Worse} {
		for _, g := range r.Groups {
			if g.Verdict == v {
				r.Verdict = v
			}
		}
	}
	r.answer()
	for i, g := range r.Groups {
		if i == 0 {
			r.Reasons = nil
		}
		if g.Verdict != r.Verdict && g.Verdict != Worse && g.Verdict != Better {
			continue
		}
		for _, reason := range g.Reasons {
			r.Reasons = append(r.Reasons, g.Group+": "+reason)
		}
	}
}
