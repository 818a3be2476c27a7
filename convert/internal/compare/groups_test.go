package compare

import (
	"slices"
	"strings"
	"testing"
)

// grouped returns a run of several groups, each with its requests.
func grouped(name string, groups map[string]Side) Side {
	all := Side{Name: name}
	for group, s := range groups {
		for _, q := range s.Requests {
			q.Group = group
			all.Requests = append(all.Requests, q)
		}
		all.Seconds = max(all.Seconds, s.Seconds)
	}
	return all
}

// goldenGroups are two runs whose chats are slower in the second, and each of which has a group of its own.
func goldenGroups() (base, fresh Side) {
	slower := usual(1200)
	slower.slower = 1.2
	usual, few := usual(1200), usual(50)
	return grouped("main", map[string]Side{"chat": usual.run(1), "rag": usual.run(2), "old": few.run(3)}),
		grouped("feature", map[string]Side{"chat": slower.run(4), "rag": usual.run(5), "new": few.run(6)})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	base, fresh := goldenGroups()
	r := mustCompare(t, base, fresh, Options{Resamples: 300, By: "label"}, "mean(ttft)>+5%")
	if len(r.Groups) != 2 || r.Groups[0].Group != "chat" || r.Groups[1].Group != "rag" ||
		!slices.Equal(r.OnlyBase, []string{"old"}) || !slices.Equal(r.OnlyNew, []string{"new"}) {
		t.Fatalf("got %d groups, and %q and %q alone", len(r.Groups), r.OnlyBase, r.OnlyNew)
	}
	if r.Verdict != Worse || r.Groups[0].Verdict != Worse || r.Groups[1].Verdict == Worse || r.Passed ||
		r.Groups[0].Passed || !r.Groups[1].Passed || !strings.HasPrefix(r.Reasons[0], "chat: mean(ttft) ") {
		t.Errorf("got %s, of chat %s, of rag %s: %q", r.Verdict, r.Groups[0].Verdict, r.Groups[1].Verdict, r.Reasons)
	}
	if r.Base.Requests != 2450 || r.Groups[0].Base.Requests != 1200 {
		t.Errorf("got %d requests, %d of chat", r.Base.Requests, r.Groups[0].Base.Requests)
	}
	// The p-values are corrected for the headline figures of both groups.
	alone := mustCompare(t, grouped("main", map[string]Side{"rag": usual(1200).run(2)}),
		grouped("feature", map[string]Side{"rag": usual(1200).run(5)}), Options{Resamples: 300, By: "label"})
	for i, m := range alone.Groups[0].Metrics {
		if both := r.Groups[1].Metrics[i]; m.AdjustedP != nil && *both.AdjustedP < *m.AdjustedP {
			t.Errorf("%s: got p %v of two groups, %v of one", m.Name, *both.AdjustedP, *m.AdjustedP)
		}
	}
	none := mustCompare(t, grouped("main", map[string]Side{"a": usual(50).run(1)}),
		grouped("feature", map[string]Side{"b": usual(50).run(1)}), Options{Resamples: 100, By: "label"})
	if none.Verdict != Unclear || !none.Passed || none.Reasons[0] != "the runs have no label in common" {
		t.Errorf("got %s, %q", none.Verdict, none.Reasons)
	}
}

// Equal runs of many groups are hardly ever called different.
func TestManyEqualGroups(t *testing.T) {
	t.Parallel()
	different := 0
	for seed := range uint64(60) {
		base, fresh := map[string]Side{}, map[string]Side{}
		for i := range uint64(10) {
			name := string(rune('a' + int(i)))
			seed := 10_000 + 100*seed + i
			base[name], fresh[name] = usual(300).run(seed), usual(300).run(seed+50)
		}
		r := mustCompare(t, grouped("a", base), grouped("b", fresh), Options{Resamples: 200, By: "label"})
		different += count(r.Verdict == Worse || r.Verdict == Better)
	}
	if different > chance(60, 0.05) {
		t.Errorf("of 60 comparisons of equal runs %d found a difference", different)
	}
}

// Each figure has one verdict, corrected for the number of figures, wherever it is told; what may be chance is shown
// with the reason.
func TestOneVerdictForEachFigure(t *testing.T) {
	t.Parallel()
	base, fresh := goldenGroups()
	r := mustCompare(t, base, fresh, Options{Resamples: 300, By: "label"})
	m := r.Groups[0].metric("p99(ttft)")
	if m.Interval.Low <= 0 || !strings.Contains(m.judgement(), "unclear: may be chance among 18 figures") {
		t.Errorf("got %s, want that it is unclear among 18 figures, though its interval excludes 0", m.judgement())
	}
	for _, part := range r.Groups {
		for _, m := range part.Metrics {
			if (m.Verdict == Better || m.Verdict == Worse) && !(*m.AdjustedP < 0.05) {
				t.Errorf("%s: %s with the adjusted p %v", part.Group, m.judgement(), *m.AdjustedP)
			}
		}
	}
	shown := func(b Metric) bool { return b.Name == m.Name && len(b.Warnings) > 0 }
	if !slices.ContainsFunc(r.Groups[0].brief(), shown) {
		t.Errorf("the brief table lacks %s with its reason", m.Name)
	}
}

// A gate of a group is decided on this group alone, and the others pass.
func TestGatesOnAGroup(t *testing.T) {
	t.Parallel()
	base, fresh := goldenGroups()
	for _, tt := range []struct {
		by, gates string
		tripped   []string
		err       string
	}{
		{"label", "rag: mean(ttft)>+5%", nil, ""},
		{"label", "chat: mean(ttft)>+5%, failures>1%; rag: mean(ttft)>+5%", []string{"chat: mean(ttft)>+5%"}, ""},
		{"label", "mean(ttft)>1us; rag: failures>1%", []string{"chat: mean(ttft)>1us", "rag: mean(ttft)>1us"}, ""},
		{"label", "chta: mean(ttft)>+5%", nil, `gate "chta: mean(ttft)>+5%": no request has the label "chta": ` +
			`did you mean "chat"?`},
		{"model", "qwen: mean(ttft)>+5%", nil, `gate "qwen: mean(ttft)>+5%": no request has the model "qwen": there ` +
			`are chat, rag`},
		{"label", "old: mean(ttft)>+5%", nil, `gate "old: mean(ttft)>+5%": NEW has no label "old"`},
		{"label", "new: mean(ttft)>+5%", nil, `gate "new: mean(ttft)>+5%": BASE has no label "new"`},
		{"", "chat: mean(ttft)>+5%", nil, `gate "chat: mean(ttft)>+5%" is on a group: give --by label, or the key that ` +
			`has the group`},
	} {
		gates, err := ParseGates(tt.gates)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Compare(base, fresh, Options{Resamples: 100, By: tt.by, Gates: gates})
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: got %v, want %s", tt.gates, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var tripped []string
		for _, part := range r.Groups {
			for _, g := range part.Gates {
				if g.Status == GateFailed {
					tripped = append(tripped, part.Group+": "+g.Expression)
				}
			}
		}
		cases := r.allCases()
		if !slices.Equal(tripped, tt.tripped) || r.Passed != (tripped == nil) || slices.ContainsFunc(cases,
			func(c junitCase) bool { return !strings.Contains(c.Class, "gate") }) {
			t.Errorf("%s: got %q tripped, passed %t, cases %+v; want %q", tt.gates, tripped, r.Passed, cases,
				tt.tripped)
		}
	}
}

func TestParseGatesOfGroups(t *testing.T) {
	t.Parallel()
	if gates, err := ParseGates(); gates != nil || err != nil {
		t.Errorf("no texts: got %v and %v", gates, err)
	}
	for _, tt := range []struct{ text, want, err string }{
		{"chat: p99(ttft) > +5%,failures>1% ; http://b:1/v1: p50(itl)>2ms",
			"chat: p99(ttft)>+5%|chat: failures>1%|http://b:1/v1: p50(itl)>2ms", ""},
		{"failures>1%", "failures>1%", ""},
		{": failures>1%", "", `gate ": failures>1%": a label is missing before the colon: write chat: p99(ttft)>+5%`},
		{"chat:", "", `gate "chat:": what is to hold for "chat"? Write chat: p99(ttft)>+5%`},
		{"failures>1%: chat", "", `gate "failures>1%: chat": a label stands first, as in chat: p99(ttft)>+5%`},
	} {
		gates, err := ParseGates(tt.text)
		var got []string
		for _, g := range gates {
			got = append(got, g.String())
		}
		if strings.Join(got, "|") != tt.want || tt.err != "" && (err == nil || err.Error() != tt.err) {
			t.Errorf("%q: got %q and %v, want %s%s", tt.text, got, err, tt.want, tt.err)
		}
	}
}
