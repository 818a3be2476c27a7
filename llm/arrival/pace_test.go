package arrival

import (
	"encoding/json"
	"testing"
)

// The warm-ups of a paced load are known by the numbers of the arrivals, and move no other.
func TestWarmupsOfAPace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		load string
		warm string // a letter for each arrival: w is of a warm-up
	}{
		{`{"stages": [{"rate": 2, "duration": "2s"}]}`, "...."},
		{`{"stages": [{"rate": 2, "duration": "2s", "warmup": true}, {"rate": 1, "duration": "2s"}]}`, "wwww.."},
		{`{"stages": [{"rate": 1, "duration": "2s"}, {"rate": 2, "duration": "1s", "warmup": true}, ` +
			`{"rate": 1, "duration": "1s"}]}`, "..ww."},
		{`{"warmup": "1s", "stages": [{"rate": 2, "duration": "2s"}, {"rate": 3, "duration": "2s"}]}`, "ww..www..."},
		{`{"warmup": "1s", "stages": [{"rate": 2, "duration": "2s", "warmup": 0}, {"rate": 1, "duration": "2s"}]}`,
			"....w."},
		{`{"warmup": "1s", "trace": [0, 0.5, 1.5]}`, "ww."},
	} {
		var l Load
		if err := json.Unmarshal([]byte(tt.load), &l); err != nil {
			t.Fatal(err)
		}
		p, err := l.Pace()
		if err != nil {
			t.Errorf("%s: %v", tt.load, err)
			continue
		}
		got := ""
		for i := range p.Due {
			got += map[bool]string{true: "w", false: "."}[p.Warming(int64(i))]
		}
		if got != tt.warm || p.Warming(int64(len(p.Due))) || p.Warming(-1) {
			t.Errorf("%s: got %s at %v, want %s", tt.load, got, p.Due, tt.warm)
		}
	}
}

func TestPaceRefusesWarmups(t *testing.T) {
	t.Parallel()
	for load, want := range map[string]string{
		`{"stages": [{"rate": 2, "duration": "2s", "warmup": true}]}`: "all stages are warm-ups, so nothing is measured: " +
			"add a stage without warmup: true and warmup: 'until-stable'",
		`{"warmup": "5s", "trace": [0, 1]}`: "warmup (5s) must be shorter than the stage (1.001s)",
		`{"stages": [{"rate": 2, "duration": "2s", "warmup": "until-stable"}, {"rate": 1, "duration": "2s"}]}`: "warmup: " +
			"'until-stable' needs the executor llm-arrival-rate: the number of the iterations is planned here",
	} {
		var l Load
		if err := json.Unmarshal([]byte(load), &l); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Pace(); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %q", load, err, want)
		}
	}
}
