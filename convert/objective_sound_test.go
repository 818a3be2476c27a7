package convert

import (
	"math"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// soundLines returns the run of runtest with speech alone in stage 1 if all is true, else with media of all kinds.
func soundLines(all bool) []record.Line {
	lines := runtest.MediaLines()
	if !all {
		return lines
	}
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok {
			q.Media, q.ErrorType = nil, ""
			runtest.Speech(q)
		}
	}
	return lines
}

// The sounds begin after 150 ms, and come in 0.9 s for 1.5 s of sound. Other requests of a mixed run are not judged.
func TestObjectivesOnSounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		objective, observed string
		outcome             slo.Outcome
		all                 bool
	}{
		{"p50(first_audio)<151ms", "p50 first audio 150 ms", slo.Kept, true},
		{"p50(ttfa)<150ms", "p50 first audio 150 ms", slo.Broken, true},
		{"p99(rtf)<0.7", "p99 RTF 0.600", slo.Kept, true},
		{"p99(rtf)<0.6", "p99 RTF 0.600", slo.Broken, true},
		{"goodput(first_audio<=150ms,ttft<1ms)>=99%", "100 % keep it", slo.Kept, true},
		{"p99(ttft)<1s", "no requests to judge by: requests that ask for no text have a latency and no TTFT",
			slo.NoRequests, true},
		{"p50(first_audio)<151ms", "p50 first audio 150 ms", slo.Kept, false},
		{"p20(rtf)<0.126", "p20 RTF 0.125", slo.Kept, false}, // that of a transcription
	} {
		var o Options
		if err := o.SetSLO(tt.objective); err != nil {
			t.Fatal(err)
		}
		p := NewReport(mustRead(t, asRecords(t, soundLines(tt.all))), o)
		got := p.Summary.Additions.SLO[0]
		sounds := p.Summary.Additions.Speech.Requests
		if got.Observed != tt.observed || got.Outcome != tt.outcome || tt.all && got.Outcome != slo.NoRequests &&
			got.Requests-got.Failed != sounds {
			t.Errorf("%s: got %+v, want %s (%s)", tt.objective, got, tt.outcome, tt.observed)
		}
	}
}

// Texts have neither figure of sounds, and say so.
func TestObjectivesOnSoundsOfTexts(t *testing.T) {
	t.Parallel()
	for objective, want := range map[string]string{
		"p99(first_audio)<1s": "no requests to judge by: only speech has a first audio",
		"p99(rtf)<1":          "no requests to judge by: only speech and transcriptions have an RTF",
	} {
		var o Options
		if err := o.SetSLO(objective); err != nil {
			t.Fatal(err)
		}
		p := NewReport(mustRead(t, asRecords(t, runtest.Lines())), o)
		if got := p.Summary.Additions.SLO[0]; got.Outcome != slo.NoRequests || got.Observed != want {
			t.Errorf("%s: got %+v, want %s", objective, got, want)
		}
	}
}

// An SLO of which one objective is about no request is not kept because the others are, but it is broken if they are.
func TestObjectivesThatNobodyHas(t *testing.T) {
	t.Parallel()
	for objectives, want := range map[string]SLOAnswer{
		"p99(ttft)<1ms,p99(latency)<1h": {"SLO p99(ttft)<1ms,p99(latency)<1h: p99(ttft)<1ms cannot be judged (no " +
			"requests to judge by: requests that ask for no text have a latency and no TTFT); without that kept by ",
			slo.NoRequests},
		"p99(ttft)<1h,p99(latency)<1ms": {"SLO p99(ttft)<1h,p99(latency)<1ms: broken by ", slo.Broken},
		"p99(first_audio)<1h":           {"SLO p99(first_audio)<1h: kept by ", slo.Kept},
	} {
		var o Options
		if err := o.SetSLO(objectives); err != nil {
			t.Fatal(err)
		}
		p := NewReport(mustRead(t, asRecords(t, soundLines(true))), o)
		got := p.Summary.Additions.SLOAnswers[0]
		if got.Outcome != want.Outcome || !strings.HasPrefix(got.Text, want.Text) {
			t.Errorf("%s: got %+v, want %+v", objectives, got, want)
		}
	}
}

// Goodput is of the sounds alone that the bounds are about.
func TestGoodputOfSounds(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, soundLines(false)))
	summary := Summarize(r, Options{})
	g := Summarize(r, Options{SLO: record.Bounds{FirstAudio: 150, RTF: 0.5}}).Successes.Goodput
	speech, transcribed := summary.Additions.Speech.Requests, summary.Additions.Transcription.Requests
	if g.Total != speech+transcribed || g.Good != transcribed || *g.FirstAudio != 100 || g.TTFT != nil ||
		float64(*g.RTF) != 100*float64(transcribed)/float64(speech+transcribed) {
		t.Errorf("got %+v of %d and %d", g, speech, transcribed)
	}
}

// A comparison has the figures of sounds and pictures of whole answers, and the report alone has the same figures.
func TestCompareSounds(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, soundLines(false)))
	side, err := RunFigures(r, "run", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"p50(time_to_first_audio)": 0.15, "continuity": 1, "p50(missing_seconds)": 0, "p50(seconds_per_picture)": 1.5,
	} {
		if got, has := side.Values[name]; !has || got != want {
			t.Errorf("figures: got %s %v, %t, want %v", name, got, has, want)
		}
	}
	if _, has := side.Values["p50(real_time_factor)"]; has {
		t.Error("the factors of speech and of transcriptions are one")
	}
	seen := map[float64]int{}
	pictures := 0
	for _, q := range RunSide(r, "run", Options{}).Requests {
		if q.Media == nil || q.Failed {
			continue
		}
		if !math.IsNaN(q.Media.RealTime) {
			seen[q.Media.RealTime]++
		}
		if q.Media.PerPicture == 1.5 {
			pictures++
		}
	}
	a := NewReport(r, Options{}).Summary.Additions
	if seen[0.6] != a.Speech.Requests || seen[0.125] != a.Transcription.Requests || len(seen) != 2 ||
		pictures != a.Image.Requests {
		t.Errorf("got factors %v, %d pictures", seen, pictures)
	}
}
