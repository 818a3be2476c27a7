package arrival

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func loadOf(t *testing.T, text string) *Load {
	t.Helper()
	l := new(Load)
	if err := json.Unmarshal([]byte(text), l); err != nil {
		t.Fatal(err)
	}
	return l
}

// The rate of a closed loop bounds how fast its requests begin, and can take the place of its concurrency.
func TestLoopsWithARateAndATimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stage string
		want  Stage
		err   string
	}{
		{`{"requests": 100, "concurrency": 8, "rate": 2, "timeout": "10m"}`,
			Stage{Requests: 100, Concurrency: 8, Dispatch: 2, Timeout: 10 * time.Minute}, ""},
		{`{"requests": 100, "rate": 0.5}`, Stage{Requests: 100, Concurrency: 100, Dispatch: 0.5}, ""},
		{`{"requests": 100, "concurrency": 8, "timeout": "1s"}`,
			Stage{Requests: 100, Concurrency: 8, Timeout: time.Second}, ""},
		{`{"requests": 100}`, Stage{}, "requests need a concurrency, or a rate at which they begin"},
		{`{"requests": 100, "rate": 0}`, Stage{}, "rate must be positive, got 0"},
		{`{"requests": 100, "rate": 2, "timeout": "0s"}`, Stage{}, "timeout must be positive, got 0s"},
		{`{"requests": 100, "target": 2, "concurrency": 1}`, Stage{}, "must be one of"},
		{`{"concurrency": 8, "rate": 2, "duration": "1m"}`, Stage{}, "must be one of"},
		{`{"rate": 2, "duration": "1m", "timeout": "1m"}`, Stage{}, "timeout is for stages of {requests, concurrency}"},
		{`{"rate": 2, "duration": "1m", "timeout": "0s"}`, Stage{}, "timeout must be positive, got 0s"},
	} {
		p, err := loadOf(t, `{"stages": [`+tt.stage+`]}`).Plan()
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.stage, err, tt.err)
			}
		case err != nil || p.Stages[0] != tt.want:
			t.Errorf("%s: got %+v, %v, want %+v", tt.stage, p.Stages, err, tt.want)
		}
	}
}

func TestTimeUnitCountsForTheRateOfALoop(t *testing.T) {
	t.Parallel()
	p, err := loadOf(t, `{"timeUnit": "1m", "stages": [{"requests": 9, "rate": 30}]}`).Plan()
	if err != nil || p.Stages[0].Dispatch != 0.5 {
		t.Errorf("got %+v, %v, want 0.5/s", p.Stages, err)
	}
}

// A loop begins with the VUs that its rate makes likely, and may have as many as its concurrency: none of its arrivals
// is dropped.
func TestVUsOfALoopWithARate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stage     string
		pre, most int64
	}{
		{`{"requests": 1000, "rate": 2}`, 20, 1000},
		{`{"requests": 1000, "rate": 2, "concurrency": 300}`, 20, 300},
		{`{"requests": 1000, "rate": 2, "concurrency": 8}`, 8, 8},
		{`{"requests": 5, "rate": 2}`, 5, 5},
		{`{"requests": 5, "rate": 0.001}`, 1, 5},
	} {
		l := loadOf(t, `{"stages": [`+tt.stage+`]}`)
		p, err := l.Plan()
		if err != nil {
			t.Fatal(err)
		}
		if pre, most := l.VUs(p); pre != tt.pre || most != tt.most {
			t.Errorf("%s: got %d, at most %d, want %d and %d", tt.stage, pre, most, tt.pre, tt.most)
		}
	}
}

// Sessions begin at the instants of a trace, of which thousands may be equal.
func TestTraceOfManyEqualInstants(t *testing.T) {
	t.Parallel()
	l := &Load{Trace: make([]float64, 12_000)}
	for i := range l.Trace {
		l.Trace[i] = float64(i/3000) * 0.5
	}
	p, err := l.Plan()
	if err != nil {
		t.Fatal(err)
	}
	at := collect(p.Due(0))
	if len(at) != len(l.Trace) {
		t.Fatalf("got %d arrivals, want %d", len(at), len(l.Trace))
	}
	for i, due := range at {
		if want := time.Duration(l.Trace[i] * 1e9); due != want {
			t.Fatalf("arrival %d: got %v, want %v", i, due, want)
		}
	}
	same, err := (&Load{Trace: make([]float64, 500)}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	if at := collect(same.Due(0)); len(at) != 500 || at[499] != 0 {
		t.Errorf("got %d arrivals at once, want 500", len(at))
	}
}
