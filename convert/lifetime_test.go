package convert

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// bounded returns a run whose end is known.
func bounded() []record.Line {
	beat := &record.Heartbeat{
		Start: jointStart + second, End: jointStart + 2*second, Beats: 200, P99: 100_000, Max: 30_000_000,
		Late: [][2]int64{{50_000, 30_000}},
	}
	return append(append(sampleLines(), beat), &record.Stage{Index: 0, Start: jointStart, End: jointStart + 10*second},
		&record.Server{Time: jointStart + second, Source: "p", Values: map[string]float64{"running": 1}},
		&record.End{Status: "finished", Time: jointStart + 30*second, Requests: 50,
			Health: record.Health{GoMaxProcs: 2}})
}

// asRead reads lines that end with their own end line.
func asRead(t *testing.T, lines []record.Line) *run.Run {
	t.Helper()
	var file []byte
	for _, line := range lines {
		file = append(append(file, text(t, line)...), '\n')
	}
	return mustRead(t, file)
}

// A request or line whose time is outside the run is named and is in no figure.
func TestTimesOutsideOfTheRun(t *testing.T) {
	t.Parallel()
	whole := asRead(t, bounded())
	for name, change := range map[string]func(lines []record.Line){
		"a request 31 years later": func(l []record.Line) {
			q := l[9].(*record.Request)
			q.Start, q.End, q.Connected, q.FirstByte = q.Start+1e18, q.End+1e18, 0, 0
		},
		"a request of 1970":    func(l []record.Line) { q := l[9].(*record.Request); q.Start, q.Connected = 1, 0 },
		"an end an hour later": func(l []record.Line) { l[9].(*record.Request).End += 3600 * second },
		"due a day before": func(l []record.Line) {
			l[9].(*record.Request).Due = new(jointStart - 86400*second)
		},
		"a stage line of 1970":    func(l []record.Line) { l[len(l)-3].(*record.Stage).Start = 1 },
		"a heartbeat of 1970":     func(l []record.Line) { l[len(l)-4].(*record.Heartbeat).Start = 1 },
		"a server line next year": func(l []record.Line) { l[len(l)-2].(*record.Server).Time += 365 * 86400 * second },
		"a heartbeat next year": func(l []record.Line) {
			l[len(l)-2] = &record.Heartbeat{Start: jointStart, End: jointStart * 2, Beats: 200}
		},
	} {
		lines := bounded()
		change(lines)
		run := asRead(t, lines)
		if remarks := strings.Join(run.Remarks, "\n"); !run.Partial ||
			!strings.Contains(remarks, "outside of the run") {
			t.Errorf("%s: partial %t, remarks %q", name, run.Partial, remarks)
		}
		if got, want := timeSpan(run, run.Requests), timeSpan(whole, whole.Requests); got > want {
			t.Errorf("%s: it took %v s, want %v", name, got, want)
		}
	}
	lines := bounded()
	lines[len(lines)-1].(*record.End).Time = jointStart - 3600*second
	if run := asRead(t, lines); len(run.Requests) != len(whole.Requests) {
		t.Errorf("an end line of an hour before: %d requests", len(run.Requests))
	}
	lines[len(lines)-1].(*record.End).Time = jointStart + second
	if run := asRead(t, lines); len(run.Requests) != len(whole.Requests) ||
		!strings.Contains(strings.Join(run.Remarks, "\n"), "which cannot be right") {
		t.Errorf("an end line before most requests: %d requests, remarks %q", len(run.Requests), run.Remarks)
	}
}

// The run line of k6's JSON is not its first line, and lines about the end of the run may be written a little later.
func TestTimesAtTheEdgesOfTheRun(t *testing.T) {
	t.Parallel()
	lines := bounded()
	whole := asRead(t, lines)
	last := whole.Requests[0].End
	for _, q := range whole.Requests {
		last = max(last, q.End)
	}
	lines[0].(*record.Run).Start = whole.Requests[0].Start + 50*second
	lines[len(lines)-1].(*record.End).Time = last - second/2
	if run := asRead(t, lines); len(run.Requests) != len(whole.Requests) || run.Partial {
		t.Errorf("%d of %d requests, partial %t, remarks %q", len(run.Requests), len(whole.Requests), run.Partial,
			run.Remarks)
	}
}

// nonsense lists the values that replace numbers.
var nonsense = []string{"-1", "0", "1", "-9223372036854775808", "9223372036854775807", "1000000000000", "1e300",
	"-9e18", "-0.5", "null", "{}", "[1000000000000]", "[-1]"}

// Whatever one field of a record file holds, either the file is refused or the figures stay within the run.
func TestNonsenseInAFieldStaysWithinTheRun(t *testing.T) {
	t.Parallel()
	lines := slices.Delete(bounded(), 12, 50)
	// a broken line may move the warm-up into the run
	first, last := lines[2].(*record.Request), lines[len(lines)-5].(*record.Request)
	most := float64(last.End-first.Start) / 1e9
	for _, i := range []int{0, 1, 2, 7, 13, len(lines) - 4, len(lines) - 3, len(lines) - 2, len(lines) - 1} {
		line := text(t, lines[i])
		for _, path := range numbers(t, line) {
			for _, value := range nonsense {
				old := gjson.GetBytes(line, path)
				broken := slices.Replace(slices.Clone(line), old.Index, old.Index+len(old.Raw), []byte(value)...)
				source := run.Source{Name: "f", Reader: bytes.NewReader(withLine(t, lines, i, broken))}
				run, err := run.Read(run.Options{Force: true}, source)
				if err == nil && len(run.Requests) > 0 {
					holdWithin(t, Summarize(run, Options{}), most, string(broken))
				}
			}
		}
	}
}

// withLine returns a file in which line i is replaced by a broken one.
func withLine(t *testing.T, lines []record.Line, i int, broken []byte) (file []byte) {
	t.Helper()
	for k, line := range lines {
		written := broken
		if k != i {
			written = text(t, line)
		}
		file = append(append(file, written...), '\n')
	}
	return file
}

// numbers returns the paths of a line's members that are not strings.
func numbers(t *testing.T, line []byte) (paths []string) {
	t.Helper()
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(prefix+"."+name, member)
			}
		case []any:
			paths = append(paths, prefix[1:])
		case string:
		default:
			paths = append(paths, prefix[1:])
		}
	}
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatal(err)
	}
	walk("", v)
	slices.Sort(paths)
	return paths
}

// holdWithin checks that no figure exceeds what a run of most seconds can have.
func holdWithin(t *testing.T, l *Lifecycle, most float64, broken string) {
	t.Helper()
	if !(float64(l.BenchmarkTime) >= 0 && float64(l.BenchmarkTime) <= most) {
		t.Errorf("%s: the run took %v s, of %v", broken, l.BenchmarkTime, most)
	}
	latency := l.Successes.Latency
	for name, d := range map[string]*Distribution{
		"latency": latency.Request, "ttft": latency.TTFT, "itl": latency.ITL, "tpot": latency.TPOT,
		"ntpot": latency.NTPOT, "delay": l.Load.ScheduleDelay,
	} {
		if d != nil && !(float64(d.Min) >= -61 && float64(d.Max) <= most+1) || d != nil && math.IsNaN(float64(d.Mean)) {
			t.Errorf("%s: %s from %v to %v in a run of %v s", broken, name, d.Min, d.Max, most)
		}
	}
	if h := l.Additions.Health.Heartbeats; h != nil {
		for _, s := range h.Seconds {
			if s.Second < -60 || float64(s.Second) > most {
				t.Errorf("%s: late in second %d of a run of %v s", broken, s.Second, most)
			}
		}
	}
	if _, err := pythonJSON(l, ""); err != nil {
		t.Errorf("%s: %v", broken, err)
	}
}
