package compare

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// counted returns a run whose tokens were counted by something, with the server's counts beside them.
func counted(by string, output, server float64) Side {
	s := usual(300).run(1)
	s.Counted = by
	for i := range s.Requests {
		q := &s.Requests[i]
		q.Output, q.ServerOutput, q.NTPOT = output, server, q.Latency/output
	}
	return s
}

// The same server answers with 80 tokens each time; a wrong tokenizer of one client counts 160.
func TestCompareTokensCountedInDifferentWays(t *testing.T) {
	t.Parallel()
	const ways = "tokens were counted in different ways: of BASE by the server, of NEW by the client's tokenizer"
	for _, tt := range []struct {
		name, by, note string
		server         float64
		same           []string // judged, and the same
		other          []string // not judged
	}{
		{"alike", "the server", "", 80, []string{"mean(ttft)"}, nil},
		{"by the server's counts", "the client's tokenizer",
			ways + "; here both are by the server's counts, and tpot and itl are not judged", 80,
			[]string{"output_tokens_per_sec", "total_tokens_per_sec", "mean(ntpot)", "mean(ttft)"},
			[]string{"mean(itl)", "p99(tpot)"}},
		{"without counts of the server", "the client's tokenizer", ways + "; so no figure of tokens is judged", nan(),
			[]string{"mean(ttft)", "requests_per_sec"},
			[]string{"mean(itl)", "p99(tpot)", "output_tokens_per_sec", "total_tokens_per_sec", "mean(ntpot)"}},
	} {
		base, fresh := counted("the server", 80, 80), counted(tt.by, 160, tt.server)
		r, err := Compare(base, fresh, Options{Resamples: 100})
		if err != nil {
			t.Fatal(err)
		}
		if tt.note != "" && !slices.Contains(r.Notes, tt.note) || tt.note == "" && strings.Contains(
			strings.Join(r.Notes, ""), "counted") {
			t.Errorf("%s: got notes %q", tt.name, r.Notes)
		}
		if fresh.Requests[0].Output != 160 {
			t.Errorf("%s: the caller's requests have changed", tt.name)
		}
		for _, m := range r.Metrics {
			switch {
			case slices.Contains(tt.same, m.Name) && m.Verdict != Same:
				t.Errorf("%s: %s is %s", tt.name, m.Name, m.Verdict)
			case slices.Contains(tt.other, m.Name) &&
				(m.Verdict != Unclear || !slices.Contains(m.Warnings, otherCounts)):
				t.Errorf("%s: %s is %s, %q", tt.name, m.Name, m.Verdict, m.Warnings)
			}
		}
	}
}

// spoken returns a run of speech with the given share of sounds that stand still.
func spoken(factor, stalled float64) Side {
	s := usual(400).run(3)
	for i := range s.Requests {
		q := &s.Requests[i]
		q.Media = &Media{Audios: 1, FirstAudio: q.Latency / 9, RealTime: q.Latency * factor, Continuous: 1,
			PerPicture: math.NaN()}
		if float64(i%10) < 10*stalled {
			q.Media.Missing, q.Media.Continuous = 0.9, 0
		}
	}
	return s
}

func TestCompareSpeech(t *testing.T) {
	t.Parallel()
	gates, err := ParseGates("p99(rtf)>1", "p50(real_time_factor)>+5%", "continuity<-5pp", "p99(missing_seconds)>100ms")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compare(spoken(0.2, 0), spoken(0.3, 0.2), Options{Resamples: 200, Gates: gates})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Verdict{"mean(real_time_factor)": Worse, "p50(real_time_factor)": Worse, "continuity": Worse,
		"mean(time_to_first_audio)": Same}
	for _, m := range r.Metrics {
		if v, has := want[m.Name]; has && m.Verdict != v {
			t.Errorf("%s: got %s, want %s", m.Name, m.Verdict, v)
		}
		if strings.Contains(m.Name, "picture") {
			t.Errorf("got %s of speech", m.Name)
		}
		delete(want, m.Name)
	}
	outcomes := map[string]bool{}
	for _, g := range r.Gates {
		outcomes[g.Expression] = g.Status == GateFailed
	}
	if len(want) > 0 || outcomes["p99(real_time_factor)>1"] || !outcomes["p50(real_time_factor)>+5%"] ||
		!outcomes["continuity<-5pp"] || !outcomes["p99(missing_seconds)>100ms"] {
		t.Errorf("without %v; gates %+v", want, r.Gates)
	}
	if _, err := ParseGates("p99(rtf)>300ms"); err == nil || !strings.Contains(err.Error(), "or a bare number") {
		t.Errorf("got %v", err)
	}
}
