package executor

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

func parse(t *testing.T, options string) *Config {
	t.Helper()
	c, err := NewConfig("load", []byte(options))
	if err != nil {
		t.Fatalf("%s: %v", options, err)
	}
	return c.(*Config)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options string
		want          []arrival.Stage
	}{
		{
			"k6's own stages, with a jump",
			`{"startRate": 15, "timeUnit": "10s", "stages": [{"target": 15, "duration": "2s"}, {"target": 30, ` +
				`"duration": "0s"}, {"target": 60, "duration": "4s"}]}`,
			[]arrival.Stage{{From: 1.5, To: 1.5, Duration: 2 * time.Second},
				{From: 3, To: 6, Duration: 4 * time.Second}},
		},
		{
			"rates, a ramp from the rate before, a closed loop",
			`{"stages": [{"rate": 0.29, "duration": "100s"}, {"target": 10, "duration": "1m"}, {"requests": 8, ` +
				`"concurrency": 2}]}`,
			[]arrival.Stage{{From: 0.29, To: 0.29, Duration: 100 * time.Second},
				{From: 0.29, To: 10, Duration: time.Minute}, {Requests: 8, Concurrency: 2}},
		},
		{
			"closed loops for a time, with warm-ups",
			`{"warmup": "5s", "stages": [{"concurrency": 4, "duration": "30s"}, {"target": 0, "duration": 0}, ` +
				`{"target": 10, "duration": "1m", "warmup": "10s"}, {"concurrency": 2, "requests": 9, "warmup": 0}]}`,
			[]arrival.Stage{{Concurrency: 4, Duration: 30 * time.Second, Warmup: 5 * time.Second},
				{To: 10, Duration: time.Minute, Warmup: 10 * time.Second}, {Concurrency: 2, Requests: 9}},
		},
		{"a trace", `{"arrival": "trace", "trace": [0, 0.5, 0.5, 1.999]}`,
			[]arrival.Stage{{From: 2, To: 2, Duration: 2 * time.Second}}},
	} {
		p, err := parse(t, tt.options).Plan()
		if err != nil || !slices.Equal(p.Stages, tt.want) {
			t.Errorf("%s: got %+v, %v; want %+v", tt.name, p.Stages, err, tt.want)
		}
	}
}

func TestTraceKeepsItsInstants(t *testing.T) {
	t.Parallel()
	p, err := parse(t, `{"trace": [0, 0.5, 0.5, 1.25, 1.999]}`).Plan()
	if err != nil {
		t.Fatal(err)
	}
	var got []time.Duration
	for at := range p.Due(0) {
		got = append(got, at.Round(time.Microsecond))
	}
	if want := []time.Duration{0, 500 * time.Millisecond, 500 * time.Millisecond, 1250 * time.Millisecond,
		1999 * time.Millisecond}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestValidateNamesStageAndValue(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`{"stages": [{"rate": 1, "duration": "1s"}]}`: "",
		`{}`: "stages are missing",
		`{"stages": [{"rate": 1, "duration": "1s"}, {"rate": -2, "duration": "1s"}]}`: "stage 1: rate must be a number from 0 to 1e+07, got -2",
		`{"stages": [{"rate": 1}]}`:                                                      "stage 0: needs a duration",
		`{"stages": [{"target": -1, "duration": "1s"}]}`:                                 "stage 0: target and duration must not be negative, got -1",
		`{"stages": [{"target": 1, "duration": "0s"}]}`:                                  "no stage has a duration",
		`{"stages": [{"duration": "1s"}]}`:                                               "stage 0: must be one of {rate, duration}",
		`{"stages": [{"rate": 1, "target": 1, "duration": "1s"}]}`:                       "stage 0: must be one of",
		`{"stages": [{"requests": 5, "concurrency": 1, "rampUp": "-1s"}]}`:               "stage 0: rampUp must not be negative, got -1s",
		`{"stages": [{"target": 5, "duration": "1s", "rampUp": "1s"}]}`:                  "stage 0: rampUp is for stages with a concurrency",
		`{"stages": [{"requests": 5}]}`:                                                  "stage 0: requests need a concurrency",
		`{"stages": [{"concurrency": 5}]}`:                                               "stage 0: concurrency needs requests, or a duration",
		`{"stages": [{"requests": 0, "concurrency": 0}]}`:                                "stage 0: duration must be positive, got 0s",
		`{"stages": [{"concurrency": 5, "duration": "1s", "warmup": "1s"}]}`:             "stage 0: warmup (1s) must be shorter than the stage (1s)",
		`{"warmup": "1s", "stages": [{"rate": 5, "duration": "1s"}]}`:                    "stage 0: warmup (1s) must be shorter than the stage (1s)",
		`{"warmup": "1s", "stages": [{"rate": 5, "duration": "1s", "warmup": 0}]}`:       "",
		`{"warmup": "1s", "trace": [0, 0.5]}`:                                            "warmup (1s) must be shorter than the stage (501ms)",
		`{"stages": [{"requests": 5, "concurrency": 5, "duration": "1s"}]}`:              "stage 0: requests and duration do not go together",
		`{"stages": [{"requests": 5, "concurrency": 1, "rate": 1, "timeout": "1m"}]}`:    "",
		`{"stages": [{"concurrency": 1, "duration": "1m", "rate": 1}]}`:                  "stage 0: must be one of",
		`{"stages": [{"requests": 5, "concurrency": 1, "timeout": "-1s"}]}`:              "stage 0: timeout must not be negative, got -1s",
		`{"arrival": "possion", "stages": [{"rate": 1, "duration": "1s"}]}`:              `unknown arrival "possion"`,
		`{"arrival": "gamma", "stages": [{"rate": 1, "duration": "1s"}]}`:                "burstiness must be a positive number, got 0",
		`{"arrival": "trace"}`:                                                           "arrival 'trace' needs trace",
		`{"trace": [1, 0.5]}`:                                                            "trace: arrival 1 at 0.5 s comes before the one ahead of it at 1 s",
		`{"trace": [1], "stages": [{"rate": 1, "duration": "1s"}]}`:                      "a trace takes no stages",
		`{"trace": [1], "arrival": "poisson"}`:                                           `trace goes with arrival 'trace', not "poisson"`,
		`{"stages": [{"rate": 1, "duration": "1s"}], "maxVUs": 1, "preAllocatedVUs": 2}`: "maxVUs (1) must be at least 1 and at least preAllocatedVUs (2)",
		`{"stages": [{"rate": 1, "duration": "1s"}], "timeUnit": "0s"}`:                  "timeUnit must be positive",
	} {
		err := errors.Join(parse(t, options).Validate()...)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", options, err, want)
		}
	}
	if _, err := NewConfig("load", []byte(`{"stages": [], "rte": 5}`)); err == nil ||
		!strings.Contains(err.Error(), `"rte"`) {
		t.Errorf("unknown option: got %v", err)
	}
}

func TestVUs(t *testing.T) {
	t.Parallel()
	for options, want := range map[string][2]int64{
		`{"stages": [{"rate": 5, "duration": "1m"}, {"target": 12.5, "duration": "5m"}]}`:             {125, 1250},
		`{"stages": [{"rate": 5, "duration": "1m"}], "expectedLatency": "1s"}`:                        {5, 50},
		`{"stages": [{"requests": 1000, "concurrency": 64}]}`:                                         {64, 64},
		`{"stages": [{"concurrency": 4, "duration": "30s"}, {"concurrency": 16, "duration": "30s"}]}`: {16, 16},
		`{"stages": [{"concurrency": 16, "duration": "30s"}], "preAllocatedVUs": 1}`:                  {1, 16},
		`{"stages": [{"concurrency": 16, "duration": "30s"}, {"rate": 1, "duration": "30s"}]}`:        {16, 160},
		// no more VUs than arrivals
		`{"stages": [{"rate": 1000, "duration": "1ms"}]}`:                                                                {1, 1},
		`{"stages": [{"rate": 20000, "duration": "4s"}]}`:                                                                {80_000, 80_000},
		`{"stages": [{"rate": 0.1, "duration": "5s"}]}`:                                                                  {1, 1},
		`{"stages": [{"rate": 1, "duration": "1s"}], "arrival": "gamma", "burstiness": 1e-300, "expectedLatency": "1s"}`: {1, 10},
		`{"stages": [{"requests": 8, "concurrency": 64}]}`:                                                               {8, 8},
		`{"trace": [0, 0.001]}`: {2, 2},
		`{"stages": [{"rate": 100, "duration": "1s"}, {"rate": 100, "duration": "1s"}]}`:              {200, 200},
		`{"stages": [{"rate": 100, "duration": "1s"}], "arrival": "poisson"}`:                         {160, 160},
		`{"stages": [{"rate": 100, "duration": "1s"}], "arrival": "gamma", "burstiness": 0.1}`:        {358, 358},
		`{"stages": [{"rate": 100, "duration": "1s"}, {"rate": 1, "duration": "1m"}], "maxVUs": 500}`: {100, 500},
		`{"stages": [{"rate": 1000, "duration": "1ms"}], "preAllocatedVUs": 7}`:                       {7, 7},
		`{"stages": [{"rate": 5, "duration": "1s"}], "preAllocatedVUs": 3, "maxVUs": 4}`:              {3, 4},
		`{"stages": [{"rate": 5, "duration": "1s"}], "maxVUs": 4}`:                                    {4, 4},
	} {
		if pre, most := parse(t, options).vus(); pre != want[0] || most != want[1] {
			t.Errorf("%s: got %d to %d, want %v", options, pre, most, want)
		}
	}
}

// An archive keeps a scenario as JSON and reads it again.
func TestConfigSurvivesAnArchive(t *testing.T) {
	t.Parallel()
	for _, options := range []string{
		`{"startRate": 0.5, "stages": [{"target": 2.5, "duration": "5s"}, {"requests": 8, "concurrency": 2}], ` +
			`"arrival": "gamma", "burstiness": 0.5, "seed": 7, "interval": "1s", "drain": false}`,
		`{"trace": [0, 0.5, 1.25], "maxVUs": 3, "gracefulStop": "5s", "exec": "f", "env": {"A": "b"}}`,
	} {
		a := parse(t, options)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(parse(t, string(text)))
		if err != nil || string(second) != string(text) {
			t.Errorf("%s\nbecomes %s, %v", text, second, err)
		}
	}
}

// The shares of all instances together cover the whole, each arrival once.
func TestStripesTile(t *testing.T) {
	t.Parallel()
	for _, sequence := range []string{"0,1", "0,1/2,1", "0,1/3,2/3,1", "0,1/7,3/7,4/7,1", "0,1/10,1/2,1"} {
		seq, err := lib.NewExecutionSegmentSequenceFromString(sequence)
		if err != nil {
			t.Fatal(err)
		}
		owners := make([]int, 10_000)
		for _, segment := range seq {
			et, err := lib.NewExecutionTuple(segment, &seq)
			if err != nil {
				t.Fatal(err)
			}
			share, err := et.GetNewExecutionTupleFromValue(50)
			if err != nil {
				t.Fatal(err)
			}
			mine := newStripes(share)
			for k := range owners {
				if mine.has(int64(k)) {
					owners[k]++
				}
			}
		}
		if k := slices.IndexFunc(owners, func(n int) bool { return n != 1 }); k >= 0 {
			t.Errorf("%s: arrival %d has %d owners", sequence, k, owners[k])
		}
	}
}

// An instance may pass over numbers, as after a closed loop that ends with its time.
func TestStripesPassOverNumbers(t *testing.T) {
	t.Parallel()
	seq, err := lib.NewExecutionSegmentSequenceFromString("0,1/7,3/7,4/7,1")
	if err != nil {
		t.Fatal(err)
	}
	for _, segment := range seq {
		et, err := lib.NewExecutionTuple(segment, &seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range []int64{1, 6, 7, 23, 1 << 36} {
			step, jump := newStripes(et), newStripes(et)
			if from < 1000 {
				for k := range from {
					step.has(k)
				}
			}
			for k := from; k < from+30 && from < 1000; k++ {
				if got, want := jump.has(k), step.has(k); got != want {
					t.Errorf("segment %v, from %d: number %d is its own: %t, want %t", segment, from, k, got, want)
				}
			}
			jump.has(from + 100)
			if jump.next <= from+100 || jump.next > from+107 {
				t.Errorf("segment %v: the number after %d is %d", segment, from+100, jump.next)
			}
		}
		if newStripes(et).alone() {
			t.Errorf("segment %v is not the whole", segment)
		}
	}
	whole, err := lib.NewExecutionTuple(nil, nil)
	if err != nil || !newStripes(whole).alone() {
		t.Errorf("the whole run is not alone: %v", err)
	}
}

// RecordSeed returns the seed of the arrivals, 0 if the options have none.
func TestRecordSeed(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]int64{`{"seed": 7, "trace": [0]}`: 7, `{"trace": [0]}`: 0} {
		if got, known := samples.Seed(parse(t, options)); got != want || !known {
			t.Errorf("%s: got %d, %t, want %d", options, got, known, want)
		}
	}
}

// An option whose duration is too long to hold is refused by name and does not wrap around; neither do sums.
func TestTooLong(t *testing.T) {
	t.Parallel()
	const long = ": must not be longer than 1000000h, which is 114 years, got "
	many := strings.TrimSuffix(strings.Repeat(`{"rate": 1, "duration": "1000000h"},`, 3), ",")
	for options, want := range map[string]string{
		`{"stages": [{"rate": 1, "duration": "1s"}, {"rate": 4, "duration": 99999999999000}]}`: "stage 1: duration" +
			long + "99999999999000ms",
		`{"stages": [{"rate": 4, "duration": 18446744074000}]}`: "stage 0: duration" +
			long,
		`{"stages": [{"target": 4, "duration": "18446744074000"}]}`: "stage 0: duration" +
			long,
		`{"stages": [{"target": 4, "duration": "9999999h"}]}`: "stage 0: duration" +
			long + "9999999h",
		`{"stages": [{"target": 4, "duration": "999999999d"}]}`: "stage 0: duration" +
			long + "999999999d",
		`{"stages": [{"target": 4, "duration": 1e300}]}`: "stage 0: duration" +
			long + "1e+300ms",
		`{"stages": [{"target": 4, "DURATION": 1e300}]}`: "stage 0: DURATION" +
			long,
		`{"stages": [{"target": 4, "duration": "1e300s"}]}`: `stage 0: duration: "1e300s" is no duration such as 1.5s`,
		`{"stages": [{"requests": 4, "concurrency": 1, "rampUp": "1e300"}]}`: "stage 0: rampUp" +
			long,
		`{"gracefulStop": 1e16, "stages": [{"rate": 1, "duration": "1s"}]}`: "gracefulStop" + long +
			"1e+16ms",
		`{"startTime": "9999999h", "stages": [{"rate": 1, "duration": "1s"}]}`: "startTime" + long,
		`{"timeUnit": "9999999h", "stages": [{"rate": 1, "duration": "1s"}]}`:  "timeUnit" + long,
		`{"interval": "-9999999h", "stages": [{"rate": 1, "duration": "1s"}]}`: "interval" + long,
		`{"expectedLatency": "9999999h", "stages": [{"rate": 1, "duration": "1s"}]}`: "expectedLatency" +
			long,
		`{"stages": [` + many +
			`]}`: "the stages must not last longer than 1000000h together, got 3000000h",
		`{"interval": "1000000h", "stages": [{"rate": 1, "duration": "1s"}, {"rate": 1, "duration": "1s"}, {"rate": ` +
			`1, "duration": "1s"}]}`: "must not last longer than 2000000h",
		`{"gracefulStop": "1000000h", "stages": [{"rate": 1, "duration": "1s"}, {"rate": 1, "duration": "1s"}]}`: "must not last longer than 2000000h",
		`{"stages": [{"rate": 10000000, "duration": "1000000h"}]}`:                                               "the stages must have at most 9007199254740992 arrivals together, got 3.6e+16",
		`{"stages": [{"requests": 9223372036854775807, "concurrency": 1}]}`:                                      "requests and concurrency must be at most 9007199254740992",
		`{"stages": [{"requests": 9007199254740992, "concurrency": 1}, {"requests": 9007199254740992, ` +
			`"concurrency": 1}]}`: "the stages must have at most 9007199254740992 arrivals together",
		`{"maxVUs": 9223372036854775807, "stages": [{"rate": 1, "duration": "1s"}]}`: "preAllocatedVUs and maxVUs " +
			"must be at most 2147483647",
		`{"trace": [0, 1e300]}`:       "trace: arrival 1: must not be longer than 1000000h",
		`{"trace": [0, 18446744074]}`: "trace: arrival 1: must not be longer than 1000000h",
		`{"arrival": "` + strings.Repeat("x", 100_000) +
			`", "stages": [{"rate": 1, "duration": "1s"}]}`: `unknown arrival "` + strings.Repeat("x", 100) + `…"`,
		`{"stages": [{"rate": 1e-9, "duration": "1000000h"}]}`:                              "",
		`{"startTime": null, "gracefulStop": 0, "stages": [{"rate": 1, "duration": 1500}]}`: "",
	} {
		c, err := NewConfig("load", []byte(options))
		if err == nil {
			err = errors.Join(c.Validate()...)
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("%.100s: got %v", options, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 500):
			t.Errorf("%.100s: got %.300v, want %q", options, err, want)
		}
	}
}
