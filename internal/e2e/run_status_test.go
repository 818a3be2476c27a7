package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// statusLine is a parsed status line; -1 stands for a dash.
type statusLine struct {
	stage, stages                      int
	asked, sent, inFlight, p50, p99    float64
	tokens, failed, newlyFailed, drops float64
}

var statusForm = regexp.MustCompile(`^llm +(\d+)/(\d+) +\S+ +([\d.,]+)(?:/([\d.,]+))?/s +([\d,]+)(?:/[\d,]+)? open` +
	`(?:  TTFT (?:(-)|([\d.,]+)/([\d.,]+) ms))?(?: +([\d,]+) tok/s)?  ([\d,]+) failed(?: \(\+([\d,]+)\))?` +
	`(?:  ([\d,]+) dropped)?$`)

// watched runs k6 under a setting of the status line, and returns the status lines on its stderr.
func watched(t *testing.T, setting string, interrupt time.Duration, args ...string) ([]statusLine, result) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("bin", "k6"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false",
		"K6_LLM_STATUS="+setting)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupt > 0 {
		time.AfterFunc(interrupt, func() { _ = cmd.Process.Signal(os.Interrupt) })
	}
	_ = cmd.Wait() // the caller looks at the exit code
	r := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if strings.Contains(r.stderr+r.stdout, "\x1b") || strings.Contains(r.stdout, "llm  ") {
		t.Errorf("escape codes, or status lines on stdout:\n%s\n%s", r.stdout, r.stderr)
	}
	return statusLines(t, r.stderr), r
}

func statusLines(t *testing.T, text string) (list []statusLine) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, "llm ") || strings.HasPrefix(line, "llm  stage, ") { // the legend
			continue
		}
		if len(line) > 79 {
			t.Errorf("a status line of %d columns: %q", len(line), line)
		}
		m := statusForm.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("a status line of another form: %q", line)
			continue
		}
		figure := func(i int) float64 {
			if m[i] == "" && i <= 8 || m[6] == "-" && (i == 7 || i == 8) {
				return -1
			}
			x, _ := strconv.ParseFloat(strings.ReplaceAll(m[i], ",", ""), 64) // 0 if the line leaves the figure out
			return x
		}
		list = append(list, statusLine{
			stage: int(figure(1)), stages: int(figure(2)), sent: figure(3), asked: figure(4), inFlight: figure(5),
			p50: figure(7), p99: figure(8), tokens: figure(9), failed: figure(10), newlyFailed: figure(11),
			drops: figure(12),
		})
	}
	return list
}

// The status lines of a run add up to what was sent, under k6's executors and under llm-arrival-rate, with a record
// file and without.
func TestStatusLinesOfARun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"stock", []string{"-e", "EXECUTOR=ramping-arrival-rate"}},
		{"ours", []string{"-e", "EXECUTOR=llm-arrival-rate", "--out",
			"llm=" + filepath.Join(t.TempDir(), "run.jsonl")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"run", "-e", "BASE_URL=sim:?ttft=60ms&itl=10ms", "-e", "MAX_TOKENS=10", "-e",
				"STAGES=10@4s,30@3s"}, tt.args...)
			list, r := watched(t, "1s", 0, append(args, "scripts/mock.js")...)
			mustSucceed(t, r)
			if len(list) < 6 {
				t.Fatalf("%d status lines, want one a second\n%s", len(list), r.stderr)
			}
			sent, steady, last := 0.0, false, 1
			for _, l := range list {
				sent += l.sent
				steady = steady || l.stage == 1 && l.asked == 10
				if l.stage < last || l.stages != 2 || l.failed != 0 || l.drops != 0 || l.inFlight > 60 {
					t.Errorf("after stage %d: %+v", last, l)
				}
				if l.p50 != -1 && (l.p50 < 59 || l.p50 > 500 || l.p99 < l.p50) {
					t.Errorf("TTFT: %+v", l)
				}
				last = l.stage
			}
			// The last second and a half may be missing, and a line may come a little late.
			if sent < 75 || sent > 140 || !steady || last != 2 || list[2].tokens < 50 || list[2].tokens > 200 {
				t.Errorf("%v of 130 sent, 10 per second asked for: %t\n%s", sent, steady, r.stderr)
			}
		})
	}
}

func TestStatusLinesOfAConfiguration(t *testing.T) {
	t.Parallel()
	list, r := watched(t, "500ms", 0, "x", "llm", "run", "-c", "docs/config/constant.yml", "--out",
		filepath.Join(t.TempDir(), "report"), "--load.stages", `[{"rate": 10, "duration": 3}]`)
	mustSucceed(t, r)
	if len(list) < 4 || list[0].stage != 1 || list[1].asked != 10 || list[1].sent < 5 {
		t.Errorf("got %+v\n%s", list, r.stderr)
	}
}

// The status lines show a server that takes requests and does not answer.
func TestStatusLinesOfAServerThatHangs(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"data": [{"id": "m"}]}`) // the client may be gone
			return
		}
		_, _ = io.Copy(io.Discard, q.Body) // as above; the server notices that only while it reads
		<-q.Context().Done()
	}))
	defer server.Close()
	list, r := watched(t, "500ms", 5*time.Second, "run", "-e", "BASE_URL="+server.URL+"/v1", "-e", "RATE=10", "-e",
		"DURATION=30s", "scripts/mock.js")
	if len(list) < 4 || r.code != 105 {
		t.Fatalf("%d status lines, exit code %d\n%s", len(list), r.code, r.stderr)
	}
	for i, l := range list {
		if l.p50 != -1 || l.tokens != 0 || i > 0 && l.inFlight <= list[i-1].inFlight {
			t.Errorf("line %d: %+v", i, l)
		}
	}
	if !strings.Contains(r.stdout, "STOPPED: ") || !strings.Contains(r.stdout, " none failed, ") ||
		!strings.Contains(r.stdout, "  unfinished ") {
		t.Errorf("the summary does not say why:\n%s", r.stdout)
	}
}

func TestStatusLinesTellOfFailuresAndDrops(t *testing.T) {
	t.Parallel()
	path := script(t,
		`{executor: 'llm-arrival-rate', stages: [{rate: 40, duration: '3s'}], preAllocatedVUs: 4, maxVUs: 4}`,
		`{baseURL: 'sim:?ttft=400ms&failure-rate=0.5'}`)
	list, r := watched(t, "1s", 0, "run", path)
	if len(list) < 2 {
		t.Fatalf("%d status lines\n%s", len(list), r.stderr)
	}
	last := list[len(list)-1]
	if last.drops < 20 || last.failed < 1 || last.asked <= last.sent && last.asked > 0 {
		t.Errorf("got %+v, want failures and drops\n%s", last, r.stderr)
	}
}

func TestStatusLinesCanBeLeftOut(t *testing.T) {
	t.Parallel()
	args := []string{"run", "-e", "RATE=10", "-e", "DURATION=2s", "scripts/mock.js"}
	list, r := watched(t, "off", 0, args...)
	mustSucceed(t, r)
	quiet, q := watched(t, "", 0, append(args, "-e", "DURATION=6s", "--quiet")...)
	mustSucceed(t, q)
	if len(list) != 0 || len(quiet) != 0 {
		t.Errorf("off: got %+v; --quiet: %+v", list, quiet)
	}
	if _, r := watched(t, "often", 0, args...); r.code != 107 ||
		!strings.Contains(r.stderr, "K6_LLM_STATUS must be off, or an interval such as 10s") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}
