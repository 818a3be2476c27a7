package convert

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// joint describes a run of several instances: how far their clocks are ahead, and how late they start.
type joint struct {
	executor    string
	ahead, late []int64
	dates       bool // the server's answers have a Date
	stage       bool // the executor records when its stage began
	random      bool // arrivals are a Poisson process
	drop        int  // one arrival in this many is dropped
	idle        int  // the number of an instance without a request; 0 means that there is none
	serverAhead int64
	stalls      bool // the last instance does not get to run for 0.4 s
}

const jointStart = 1_700_000_000 * second

// sources returns the files of the instances, with 200 requests in all.
func (j joint) sources(t *testing.T) (sources []run.Source) {
	t.Helper()
	n, own := len(j.ahead), j.executor == "llm-arrival-rate"
	lines := make([][]record.Line, n)
	for i := range n {
		stage := record.Stage{Rate: new(10.0), Duration: new(20.0)}
		if j.executor == "constant-vus" {
			stage.Rate = nil
		}
		lines[i] = []record.Line{&record.Run{
			Schema: record.Schema, ID: "run", Instance: fmt.Sprint("pod-", i),
			Segment:   fmt.Sprintf("%d/%d:%d/%d", i, n, i+1, n),
			Start:     jointStart - second + j.ahead[i],
			Scenarios: []record.Scenario{{Name: "s", Executor: j.executor, Stages: []record.Stage{stage}}},
		}}
		if j.stalls && i == n-1 {
			at := jointStart + 5*second + j.ahead[i]
			lines[i] = append(lines[i], &record.Heartbeat{
				Start: at, End: at + second, Beats: 200, P99: 400_000_000, Max: 400_000_000,
				Late: [][2]int64{{0, 400_000}},
			})
		}
		if j.stage {
			start := jointStart + j.late[i] + j.ahead[i]
			lines[i] = append(lines[i], &record.Stage{Start: start, End: start + 20*second, Status: "completed"})
		}
	}
	rng, due := rand.New(rand.NewPCG(7, 7)), 0.0
	for k := range 200 {
		i := k % n
		if j.idle > 0 && i == j.idle {
			i = 0
		}
		at := jointStart + j.late[i] + int64(due*1e9)
		lines[i] = append(lines[i], j.request(rng, k, at, j.ahead[i], own))
		gap := 0.1
		if j.random {
			gap *= rng.ExpFloat64()
		}
		due += gap
	}
	for i := range n {
		sources = append(sources,
			run.Source{Name: fmt.Sprint("pod-", i), Reader: bytes.NewReader(asRecords(t, lines[i]))})
	}
	return sources
}

// request returns a request that starts at the true time at, as a clock that is ahead records it.
func (j joint) request(rng *rand.Rand, k int, at, ahead int64, own bool) record.Line {
	q := sampleRequest(rng, at+ahead)
	q.ID, q.Scenario, q.Index = fmt.Sprint("r", k), "s", int64(k)
	if own {
		q.Due = new(at + ahead)
	}
	if j.drop > 0 && k%j.drop == 1 {
		return &record.Dropped{Scenario: "s", Index: &q.Index, Due: new(at + ahead), Count: 1}
	}
	if j.dates {
		q.ServerDate = (q.FirstByte - ahead + j.serverAhead - 1_000_000) / second
	}
	return q
}

func (j joint) read(t *testing.T) *run.Run {
	t.Helper()
	run, err := run.Read(run.Options{}, j.sources(t)...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func clockReasons(run *run.Run) (ClientHealth, string) {
	j := &assessment{ClientHealth: ClientHealth{Verdict: Valid}}
	j.judgeClocks(run)
	return j.ClientHealth, strings.Join(j.Reasons, "\n")
}

// Whatever the clocks of instances show, throughput is the same as in a run whose clocks agree, and the report names
// the clock that is off.
func TestClocksOfInstances(t *testing.T) {
	t.Parallel()
	const ms, hour = int64(1e6), 3600 * second
	own, dated := joint{executor: "llm-arrival-rate", stage: true}, joint{executor: "llm-arrival-rate", stage: true,
		dates: true}
	with := func(j joint, change func(*joint)) joint { change(&j); return j }
	two := func(j joint, by int64) joint { j.ahead, j.late = []int64{0, by}, []int64{0, 0}; return j }
	for _, tt := range []struct {
		name string
		joint
		want string // in the reasons; "" for a verdict of VALID
	}{
		{"clocks agree", two(own, 0), ""},
		{"50 ms, as NTP leaves", two(own, 50*ms), ""},
		{"2 s ahead", two(own, 2*second),
			`the clock of instance "pod-1" is 2.00 s ahead of that of instance "pod-0", or it began so much apart`},
		{"2 s behind", two(own, -2*second),
			`the clock of instance "pod-0" is 2.00 s ahead of that of instance "pod-1"`},
		{"an hour ahead", two(own, hour), "3600.00 s ahead of"},
		{"an hour behind", two(own, -hour), "3600.00 s ahead of"},
		{"a server's clock agrees with the schedule", two(dated, 2*second),
			`2.00 s ahead of that of instance "pod-0": its instants were put`},
		{"an hour, and the server's own clock is wrong",
			with(two(dated, hour), func(j *joint) { j.serverAhead = -7 * hour }), "3600.00 s ahead of"},
		{"50 ms by the server", two(dated, 50*ms), ""},
		{"no stage line, as of a run that was killed", two(with(own, func(j *joint) { j.stage = false }), 2*second),
			"2.00 s ahead of"},
		{"no stage line, random arrivals", two(with(own, func(j *joint) { j.stage, j.random = false, true }), 2*second),
			"s ahead of"},
		{"no stage line, random arrivals, clocks agree",
			two(with(own, func(j *joint) { j.stage, j.random = false, true }), 0), ""},
		{"drops", two(with(own, func(j *joint) { j.drop = 7 }), 2*second), "2.00 s ahead of"},
		{"k6's own executor", two(joint{executor: "ramping-arrival-rate"}, 2*second), "2.0"},
		{"k6's own executor, clocks agree", two(joint{executor: "ramping-arrival-rate"}, 0), ""},
		{"a closed loop", two(joint{executor: "constant-vus"}, 2*second), "2.10 s ahead of"},
		{"a closed loop, clocks agree", two(joint{executor: "constant-vus"}, 0), ""},
		{"a closed loop with dates", two(joint{executor: "constant-vus", dates: true}, 2*second), "s ahead of"},
		{"one of three", with(own, func(j *joint) { j.ahead, j.late = []int64{0, 0, hour}, make([]int64, 3) }),
			`the clock of instance "pod-2" is 3600.00 s ahead`},
		{"the first of three", with(own, func(j *joint) { j.ahead, j.late = []int64{-hour, 0, 0}, make([]int64, 3) }),
			`the clock of instance "pod-0" is 3600.00 s behind that of`},
		{"one of three is idle",
			with(own, func(j *joint) { j.ahead, j.late, j.idle = []int64{0, 2 * second, 0}, make([]int64, 3), 2 }),
			"2.00 s ahead"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			truth := tt.joint
			truth.ahead = make([]int64, len(tt.ahead))
			r, want := tt.read(t), truth.read(t)
			got, reasons := clockReasons(r)
			if wantVerdict := map[bool]string{true: Valid, false: Suspect}[tt.want == ""]; got.Verdict != wantVerdict ||
				!strings.Contains(reasons, tt.want) {
				t.Errorf("got %s %q, want %s %q", got.Verdict, reasons, wantVerdict, tt.want)
			}
			a, b := Summarize(r, Options{}), Summarize(want, Options{})
			if rate, right := float64(a.Successes.Throughput.Requests),
				float64(b.Successes.Throughput.Requests); math.Abs(rate/right-1) > 0.02 {
				t.Errorf("%v requests/s, want %v", rate, right)
			}
			if !slices.IsSortedFunc(r.Requests, func(a, b *run.Request) int { return int(a.Start - b.Start) }) {
				t.Error("the requests are not in order of start")
			}
		})
	}
}

// Heartbeats are moved to the other instance's clock together with the requests of their time.
func TestHeartbeatsFollowTheClock(t *testing.T) {
	t.Parallel()
	j := joint{executor: "llm-arrival-rate", stage: true, stalls: true, ahead: []int64{0, 0}, late: []int64{0, 0}}
	want := Summarize(j.read(t), Options{}).Additions.Health
	if len(want.Errors) == 0 || len(want.Heartbeats.Seconds) != 1 {
		t.Fatalf("got %v, %+v, want errors of one second", want.Errors, want.Heartbeats)
	}
	for _, by := range []int64{3600 * second, -3600 * second} {
		j.ahead[1] = by
		got := Summarize(j.read(t), Options{}).Additions.Health
		if !slices.Equal(got.Errors, want.Errors) || !reflect.DeepEqual(got.Heartbeats, want.Heartbeats) {
			t.Errorf("by %d s: got %v, %+v, want %v, %+v", by/second, got.Errors, got.Heartbeats, want.Errors,
				want.Heartbeats)
		}
	}
}

// The Date of the server's answers distinguishes an instance that truly began late from a clock that is off.
func TestAnInstanceThatBeganLate(t *testing.T) {
	t.Parallel()
	j := joint{executor: "llm-arrival-rate", stage: true, dates: true, ahead: []int64{0, 0},
		late: []int64{0, 3 * second}}
	run := j.read(t)
	want := `instance "pod-1" began 3.00 s after instance "pod-0"`
	if health, reasons := clockReasons(run); health.Verdict != Suspect || !strings.Contains(reasons, want) {
		t.Errorf("got %s %q, want %q", health.Verdict, reasons, want)
	}
	if span := run.Seconds(run.Requests[len(run.Requests)-1].Start - run.Requests[0].Start); span < 22 {
		t.Errorf("all was sent within %v s: late starts were taken for clocks that are off", span)
	}
	j.ahead = []int64{0, 3600 * second}
	_, reasons := clockReasons(j.read(t))
	if !strings.Contains(reasons, `is 3600.`) && !strings.Contains(reasons, `is 3599.`) &&
		!strings.Contains(reasons, `is 3602.`) || !strings.Contains(reasons, `"pod-1" began `) {
		t.Errorf("late and an hour ahead: %q", reasons)
	}
}

// Instants centuries apart are not compared as clocks: their difference does not even fit into an int64.
func TestClocksThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	const century = 36525 * 24 * 3600 * second
	for name, at := range map[string][3]int64{ // of the two instances' requests, and of the server's first answer
		"by the server's clock": {5, 2 * century, 7_258_118_400 * second},
		"by their first starts": {5, 2 * century, 0},
		"a clock never set":     {3600 * second, century / 2, century/2 + 3600*second},
	} {
		var sources []run.Source
		for i, start := range at[:2] {
			first := &record.Request{Scenario: "s", Index: int64(i), Start: start, FirstByte: start + 1, End: start + 2,
				Chunks: []int64{0}}
			if first.ServerDate = at[2] / second; i == 1 {
				first.ServerDate = min(first.ServerDate, start/second)
			}
			sources = append(sources,
				run.Source{Name: fmt.Sprint("pod-", i), Reader: bytes.NewReader(asRecords(t, []record.Line{
					&record.Run{Schema: record.Schema, ID: "run", Instance: fmt.Sprint(i),
						Segment:   fmt.Sprintf("%d/2:%d/2", i, i+1),
						Scenarios: []record.Scenario{{Name: "s", Executor: "constant-vus"}}},
					first,
				}))})
		}
		run, err := run.Read(run.Options{}, sources...)
		if err != nil {
			t.Fatal(err)
		}
		compared := slices.ContainsFunc(run.Runs, func(r *record.Run) bool { return r.Clock != nil })
		if compared != strings.Contains(name, "never set") || run.Requests[0].Start < 0 ||
			timeSpan(run, run.Requests) < 0 {
			t.Errorf("%s: compared %t, first start %d, %v seconds", name, compared, run.Requests[0].Start,
				timeSpan(run, run.Requests))
		}
	}
}

// A report's Parquet file keeps the findings about the clocks, and its instants are moved only once.
func TestClocksInParquet(t *testing.T) {
	t.Parallel()
	for _, j := range []joint{
		{executor: "llm-arrival-rate", stage: true, ahead: []int64{0, 3600 * second}, late: []int64{0, 0}},
		{executor: "llm-arrival-rate", stage: true, dates: true, ahead: []int64{0, 0}, late: []int64{0, 3 * second}},
	} {
		first, dir := j.read(t), t.TempDir()
		var file bytes.Buffer
		if err := NewRequestTable(first).WriteParquet(&file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "requests.parquet"), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		second, err := run.ReadFiles(run.Options{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, want := clockReasons(first)
		if _, got := clockReasons(second); got != want || want == "" {
			t.Errorf("got %q, want %q", got, want)
		}
		if a, b := timeSpan(first, first.Requests), timeSpan(second, second.Requests); a != b {
			t.Errorf("the run took %v s, and read again %v s", a, b)
		}
	}
}
