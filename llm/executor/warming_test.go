package executor

import (
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/warmup"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A stage that is a warm-up until the server is stable ends when it is, and the next one begins then. Without that it
// lasts its time, which the status of its line tells.
func TestWarmupUntilStable(t *testing.T) {
	t.Parallel()
	coldFor := func(cold time.Duration) func(arrival.Arrival) time.Duration {
		begun := sync.OnceValue(time.Now)
		return func(arrival.Arrival) time.Duration {
			left := max(0, cold-time.Since(begun()))
			return 200*time.Millisecond + left/10 // so much slower that it is stable only when cold is over
		}
	}
	for _, tt := range []struct {
		name, options     string
		cold              time.Duration
		segment           bool
		shortest, longest time.Duration // of the warm-up
		status            string
	}{
		{"stable at once", `{"stages": [{"rate": 10, "duration": "2m", "warmup": "until-stable"}, {"rate": 5, "duration": "5s"}]}`,
			0, false, 10 * time.Second, 15 * time.Second, record.StageStable},
		{"stable after 20 s", `{"stages": [{"rate": 10, "duration": "2m", "warmup": "until-stable"}, {"rate": 5, "duration": "5s"}]}`,
			20 * time.Second, false, 20 * time.Second, 60 * time.Second, record.StageStable},
		{"never", `{"stages": [{"rate": 10, "duration": "30s", "warmup": "until-stable"}, {"rate": 5, "duration": "5s"}]}`,
			time.Hour, false, 30 * time.Second, 30 * time.Second, record.StageNotStable},
		{"a closed loop", `{"warmup": "until-stable@2m", "stages": [{"concurrency": 4, "duration": "5s"}]}`,
			20 * time.Second, false, 20 * time.Second, 60 * time.Second, record.StageStable},
		{"a number of requests", `{"stages": [{"requests": 1000, "concurrency": 4, "warmup": "until-stable"}, ` +
			`{"concurrency": 4, "duration": "5s"}]}`, 0, false, 10 * time.Second, 15 * time.Second, record.StageStable},
		{"too few requests", `{"stages": [{"requests": 100, "concurrency": 4, "warmup": "until-stable"}, ` +
			`{"concurrency": 4, "duration": "5s"}]}`, 0, false, 5 * time.Second, 5 * time.Second, record.StageNotStable},
		{"one of two instances", `{"stages": [{"rate": 20, "duration": "40s", "warmup": "until-stable"}, ` +
			`{"rate": 5, "duration": "5s"}]}`, 0, true, 40 * time.Second, 40 * time.Second, record.StageStable},
	} {
		synctest.Test(t, func(t *testing.T) {
			var tuple *lib.ExecutionTuple
			if tt.segment {
				half, err := lib.NewExecutionSegmentFromString("0:1/2")
				if err != nil {
					t.Fatal(err)
				}
				if tuple, err = lib.NewExecutionTuple(half, nil); err != nil {
					t.Fatal(err)
				}
			}
			f := runStages(t, tt.options, tuple, coldFor(tt.cold))
			if len(f.Stages) != 2 {
				t.Fatalf("%s: %d stages", tt.name, len(f.Stages))
			}
			took := time.Duration(f.Stages[0].End - f.Stages[0].Start)
			if took < tt.shortest || took > tt.longest || f.Stages[0].Status != tt.status ||
				f.Stages[1].Status != record.StageCompleted {
				t.Errorf("%s: the warm-up took %v and was %s, want %v to %v and %s", tt.name, took, f.Stages[0].Status,
					tt.shortest, tt.longest, tt.status)
			}
			for _, one := range f.Seen {
				if one.Warmup != (one.Stage == 0) {
					t.Fatalf("%s: arrival %d of stage %d: warm-up %t", tt.name, one.Index, one.Stage, one.Warmup)
				}
			}
			if !strings.Contains(f.Log, "stable in the warm-up of scenario") ||
				tt.status == record.StageNotStable != strings.Contains(f.Log, "did not become stable") {
				t.Errorf("%s: log %s", tt.name, f.Log)
			}
		})
	}
}

// A warm-up changes neither the number of the stages that are measured, nor when their arrivals are due.
func TestWarmupLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	plan := func(options string) arrival.Plan {
		p, err := parse(t, options).Plan()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const stages = `{"rate": 5, "duration": "10s"}, {"rate": 9, "duration": "10s"}]`
	without := plan(`{"arrival": "poisson", "stages": [` + stages + `}`)
	for _, options := range []string{
		`{"arrival": "poisson", "stages": [{"rate": 2, "duration": "7s", "warmup": true}, ` + stages + `}`,
		`{"arrival": "poisson", "warmup": "until-stable", "stages": [` + stages + `}`,
	} {
		with := plan(options)
		for i := range without.Stages {
			var due, want []time.Duration
			for at := range with.Due(i + 1) {
				due = append(due, at)
			}
			for at := range without.Due(i) {
				want = append(want, at)
			}
			if len(due) != len(want) || due[0] != want[0] || due[len(due)-1] != want[len(want)-1] {
				t.Errorf("%s: stage %d has %d arrivals from %v on, want %d from %v on", options, i, len(due), due[0],
					len(want), want[0])
			}
		}
	}
}

func TestBarOfWarmups(t *testing.T) {
	t.Parallel()
	m := &meter{stages: []arrival.Stage{{From: 5, To: 5, Duration: time.Minute, Kind: record.WarmupUntilStable},
		{From: 5, To: 5, Duration: time.Minute}}}
	synctest.Test(t, func(t *testing.T) {
		w := &warming{judge: warmup.NewJudge()}
		for i := range 40 {
			at, ttft := time.Duration(i)*100*time.Millisecond, 0.5
			if i > 20 {
				ttft = 0.05
			}
			w.judge.Ended(w.judge.Sent(at), at, at+50*time.Millisecond, warmup.Answer{TTFT: ttft, TPOT: math.NaN()})
		}
		w.judge.Look(4 * time.Second)
		m.begin(0, time.Now(), w)
		if _, texts := m.view(nil); strings.Join(texts, ", ") != "warming up, 0s/1m0s, TTFT 500 ms → 50 ms" {
			t.Errorf("the bar shows %q", texts)
		}
		m.begin(1, time.Now(), nil)
		if _, texts := m.view(nil); strings.Join(texts, ", ") != "stage 1/1, 0s/1m0s" {
			t.Errorf("the bar shows %q", texts)
		}
	})
}

// What a warm-up may be is checked before anything is sent.
func TestWarmupFaults(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`{"stages": [{"rate": 5, "duration": "5s", "warmup": true}]}`:                                                          "all stages are warm-ups",
		`{"stages": [{"rate": 5, "duration": "5s", "warmup": "until-stable"}]}`:                                                "all stages are warm-ups",
		`{"warmup": true, "stages": [{"rate": 5, "duration": "5s"}]}`:                                                          "give it to the first stage",
		`{"warmup": "until-stable", "stages": [{"target": 5, "duration": "5s"}]}`:                                              "stage 0 is a ramp",
		`{"warmup": "until-stable", "trace": [0, 1]}`:                                                                          "a trace is one stage",
		`{"warmup": "until-stable", "search": {"slo": "failures<1%"}}`:                                                         "leave warmup out",
		`{"stages": [{"target": 5, "duration": "5s", "warmup": "until-stable"}, {"rate": 1, "duration": "5s"}]}`:               "needs a load that stays",
		`{"warmup": "until-stable", "stages": [{"rate": 5, "duration": "5s", "warmup": true}, {"rate": 5, "duration": "5s"}]}`: "leave one of them out",
	} {
		c := parse(t, options)
		var found []string
		for _, err := range c.Validate() {
			found = append(found, err.Error())
		}
		if !strings.Contains(strings.Join(found, "\n"), want) {
			t.Errorf("%s: got %q, want %q", options, found, want)
		}
	}
	for options, want := range map[string]string{
		`{"stages": [{"rate": 5, "duration": "5s", "warmup": "until-stabel"}]}`:   `unknown "until-stabel", known are`,
		`{"stages": [{"rate": 5, "duration": "5s", "warmup": "until-stable@x"}]}`: `the bound of until-stable@x`,
		`{"warmup": "99999999h", "stages": [{"rate": 5, "duration": "5s"}]}`:      "longer than 1000000h",
	} {
		if _, err := NewConfig("load", []byte(options)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
}
