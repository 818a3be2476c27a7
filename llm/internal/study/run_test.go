package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// laboratory is a world in which experiments run: servers that start in two seconds, and tests that take as long as
// they say and two seconds more.
type laboratory struct {
	t      *testing.T
	text   string        // of the experiment, with DIR for its directory
	dir    string        // of the experiment
	broken string        // a word of the commands that never become ready
	dies   time.Duration // after which each server ends by itself; 0: never
	codes  map[string]int
	silent string // part of the name of a cell that leaves no report
	asked  probe.Options
	again  []string // cells that run again

	events []string // starts, tests and stops, in their order
	lines  []string // that were told
	up     int      // servers that run
}

// fakeServer is a server of a laboratory.
type fakeServer struct {
	lab    *laboratory
	broken bool
	exited chan struct{}
	quit   chan struct{}
	gone   bool
}

func (s *fakeServer) URL() string { return "http://127.0.0.1:1234" }

func (s *fakeServer) Exited() <-chan struct{} { return s.exited }

func (s *fakeServer) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second):
	}
	if s.broken {
		return &deploy.Failure{Reason: "not ready after 10m0s", Lines: []string{"loading", "error: no device"}}
	}
	return nil
}

func (s *fakeServer) Stop(context.Context) error {
	if !s.gone {
		s.gone = true
		close(s.quit)
		s.lab.up--
		s.lab.events = append(s.lab.events, "stop")
	}
	return nil
}

func (l *laboratory) start(_ context.Context, s deploy.Spec, o deploy.Options) (Server, error) {
	l.up++
	l.asked = s.Requests
	server := &fakeServer{lab: l, exited: make(chan struct{}), quit: make(chan struct{})}
	command := strings.Join(s.Command, " ")
	for name, value := range s.Values {
		command = strings.ReplaceAll(command, "${"+name+"}", value)
	}
	l.events = append(l.events, "start "+command)
	server.broken = l.broken != "" && strings.Contains(command, l.broken)
	if l.dies > 0 {
		go func() {
			select {
			case <-time.After(l.dies):
				close(server.exited)
			case <-server.quit:
			}
		}()
	}
	return server, os.WriteFile(o.Log, []byte("server says: out of memory\n"), 0o600)
}

// test runs a test: it sleeps, and leaves a report.
func (l *laboratory) test(ctx context.Context, t Test, url, log string) (int, error) {
	if url == "" {
		return 0, errors.New("no URL")
	}
	name := filepath.Base(t.Directory)
	l.events = append(l.events, name)
	if err := os.WriteFile(log, []byte("first line\nlast words of the load\n"), 0o600); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(t.Directory, 0o755); err != nil { // it fails if there is one already
		return 0, err
	}
	estimate, err := fakeTool().Check(t)
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		time.Sleep(time.Second) // the report of what was sent
		return 105, os.WriteFile(filepath.Join(t.Directory, "report"), []byte("half"), 0o600)
	case <-time.After(estimate.Duration + 2*time.Second):
	}
	if l.silent != "" && strings.Contains(name, l.silent) {
		return 2, nil
	}
	return l.codes[name], os.WriteFile(filepath.Join(t.Directory, "report"), []byte(name), 0o600)
}

func (l *laboratory) plan() *Plan {
	l.t.Helper()
	e, err := Read("e.yml", []byte(strings.ReplaceAll(l.text, "DIR", l.dir)), fakeTool())
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := Lock(e)
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := e.Plan(s, fakeTool())
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// run runs the experiment, and returns the names and statuses of its cells.
func (l *laboratory) run(ctx context.Context) (cells []experiment.Cell, err error) {
	l.t.Helper()
	p := l.plan()
	if err := p.Again(l.again); err != nil {
		l.t.Fatal(err)
	}
	l.events, l.lines = nil, nil
	r := &Runner{Plan: p, Program: "test 1", Start: l.start, Run: l.test, Hurry: l.t.Context(),
		Requests: func(flags []Flag) (probe.Options, error) { return probe.Options{APIKey: "very-secret-key"}, nil },
		Find: func(dir string) (Finding, error) {
			text, err := os.ReadFile(filepath.Join(dir, "report"))
			return Finding{Text: "measured " + string(text)}, err
		},
		Tell: func(line string) { l.lines = append(l.lines, line) }}
	err = r.Execute(ctx)
	if l.up != 0 {
		l.t.Errorf("%d servers were left", l.up)
	}
	if unlocked := p.Store.Unlock(); unlocked != nil {
		l.t.Fatal(unlocked)
	}
	results, broken := experiment.Read(l.dir)
	if broken != nil {
		l.t.Fatal(broken)
	}
	return results.Cells, err
}

// statuses writes the cells with their statuses.
func statuses(cells []experiment.Cell) string {
	var list []string
	for _, c := range cells {
		list = append(list, c.Name+" "+string(c.Status))
	}
	return strings.Join(list, "\n")
}

const smallLab = `
directory: DIR
deployments:
  - name: s
    command: serve ${port} ${slots}
    matrix: {slots: [1, 4]}
workloads: [{name: w, input: 10}]
loads:
  - {rate: 2, duration: 10s}
  - {name: many, concurrency: 4, requests: 8}
`

func newLaboratory(t *testing.T, text string) *laboratory {
	return &laboratory{t: t, text: text, dir: filepath.Join(t.TempDir(), "results")}
}

// Deployments run one after another, each with its cells; a second run has nothing to do.
func TestRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		begin := time.Now()
		cells, err := l.run(t.Context())
		want := "start serve ${port} 1\ns-slots=1.w.rate=2-duration=10s\ns-slots=1.w.many\nstop\n" +
			"start serve ${port} 4\ns-slots=4.w.rate=2-duration=10s\ns-slots=4.w.many\nstop"
		if got := strings.Join(l.events, "\n"); err != nil || got != want {
			t.Errorf("%v\n%s", err, got)
		}
		if took := time.Since(begin); took != 2*(2+12+2)*time.Second {
			t.Errorf("took %v", took)
		}
		for _, c := range cells {
			if c.Status != experiment.Done || c.Digest == "" || c.Seconds == 0 {
				t.Errorf("got %+v", c)
			}
		}
		wantLines := "s slots=1: starting …\n" +
			"1/4 s slots=1 · w · rate=2 duration=10s: measured s-slots=1.w.rate=2-duration=10s " +
			"(12s, about 20s or more left)\n" +
			"2/4 s slots=1 · w · many: measured s-slots=1.w.many (2.0s, about 16s left)\n" +
			"s slots=4: starting …\n" +
			"3/4 s slots=4 · w · rate=2 duration=10s: measured s-slots=4.w.rate=2-duration=10s " +
			"(12s, about 4.0s left)\n" +
			"4/4 s slots=4 · w · many: measured s-slots=4.w.many (2.0s)"
		if got := strings.Join(l.lines, "\n"); got != wantLines {
			t.Errorf("got\n%s\nwant\n%s", got, wantLines)
		}
		if _, err := l.run(t.Context()); err != nil || len(l.events) != 0 {
			t.Errorf("again: %v, %q", err, l.events)
		}
	})
}

// A run that ends in the middle of a cell is gone on with: that cell runs again, and those before it do not.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second) // in the third cell
		defer cancel()
		cells, err := l.run(ctx)
		want := "s-slots=1.w.rate=2-duration=10s done\ns-slots=1.w.many done\n" +
			"s-slots=4.w.rate=2-duration=10s planned\ns-slots=4.w.many planned"
		if !errors.Is(err, ErrInterrupted) || statuses(cells) != want || l.events[len(l.events)-1] != "stop" {
			t.Errorf("%v\n%s\n%q", err, statuses(cells), l.events)
		}
		if _, err := os.Stat(filepath.Join(l.dir, cells[2].Directory)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the report of half a cell is left: %v", err)
		}
		cells, err = l.run(t.Context())
		want = "start serve ${port} 4\ns-slots=4.w.rate=2-duration=10s\ns-slots=4.w.many\nstop"
		if got := strings.Join(l.events, "\n"); err != nil || got != want {
			t.Errorf("%v\n%s\n%s", err, got, statuses(cells))
		}
	})
}

// A process that was killed leaves a cell that runs; the next one replaces what is left of its report.
func TestKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		if _, err := l.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		results, err := experiment.Read(l.dir)
		if err != nil {
			t.Fatal(err)
		}
		results.Cells[1].Status = experiment.Running
		text, err := json.Marshal(results)
		if err == nil {
			err = os.WriteFile(filepath.Join(l.dir, experiment.FileName), text, 0o600)
		}
		half := filepath.Join(l.dir, results.Cells[1].Directory, "half")
		if err = errors.Join(err, os.WriteFile(half, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		cells, err := l.run(t.Context())
		if got := strings.Join(l.events, "\n"); err != nil || got != "start serve ${port} 1\ns-slots=1.w.many\nstop" {
			t.Errorf("%v\n%s\n%s", err, got, statuses(cells))
		}
		if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what the killed run left is there: %v", err)
		}
		if _, err := os.Stat(filepath.Join(l.dir, replacedFolder)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("half a report was kept: %v", err)
		}
	})
}

// What changes runs again, with the earlier report moved aside, and what does not change stays.
func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := filepath.Join(t.TempDir(), "serve.sh")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		write("one")
		l := newLaboratory(t, strings.Replace(smallLab, "serve", script, 1))
		if _, err := l.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		steps := []struct{ name, from, to, want string }{
			{"a load", "duration: 10s}", "duration: 10s, name: slow}", "2 s-slots=1.w.slow s-slots=4.w.slow"},
			{"back", ", name: slow}", "}", "0"},
			{"a flag under a name", "requests: 8", "requests: 9", "2 s-slots=1.w.many s-slots=4.w.many"},
			{"a value more", "[1, 4]", "[1, 2, 4]", "1 s-slots=2.w.rate=2-duration=10s s-slots=2.w.many"},
			{"a value less", "[1, 2, 4]", "[1, 4]", "0"},
			{"the order", "[1, 4]", "[4, 1]", "0"},
			{"a price", "matrix:", "price: 3 USD/h\n    matrix:", "0"},
			{"the grace of a stop", "matrix:", "stop: {grace: 5s}\n    matrix:", "0"},
			{"the workload", "input: 10", "input: 11", "2 s-slots=4.w.rate=2-duration=10s s-slots=4.w.many " +
				"s-slots=1.w.rate=2-duration=10s s-slots=1.w.many"},
			{"all flags", "workloads:", "flags: {stream: false}\nworkloads:", "2 s-slots=4.w.rate=2-duration=10s " +
				"s-slots=4.w.many s-slots=1.w.rate=2-duration=10s s-slots=1.w.many"},
		}
		for _, step := range steps {
			l.text = strings.Replace(l.text, step.from, step.to, 1)
			if _, err := l.run(t.Context()); err != nil || l.ran() != step.want {
				t.Errorf("%s: %v\ngot  %s\nwant %s", step.name, err, l.ran(), step.want)
			}
		}
		write("two")
		if _, err := l.run(t.Context()); err != nil || !strings.HasPrefix(l.ran(), "2 s-slots=4.w.rate") {
			t.Errorf("another script: %v, %s", err, l.ran())
		}
		aside, err := os.ReadDir(filepath.Join(l.dir, replacedFolder))
		if err != nil || len(aside) != 2*(1+2+2+2) {
			t.Errorf("got %d reports aside, %v", len(aside), err)
		}
	})
}

// ran lists the number of starts and the tests.
func (l *laboratory) ran() string {
	starts, tests := 0, []string{""}
	for _, e := range l.events {
		switch {
		case strings.HasPrefix(e, "start"):
			starts++
		case e != "stop":
			tests = append(tests, e)
		}
	}
	return fmt.Sprint(starts) + strings.Join(tests, " ")
}

// A deployment that is never ready fails its cells, with the last lines of its log, and the others go on.
func TestNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		l.broken = "} 1"
		cells, err := l.run(t.Context())
		var failed *FailedError
		if !errors.As(err, &failed) || failed.Failed != 2 || failed.Cells != 4 {
			t.Errorf("got %v", err)
		}
		if cells[0].Status != experiment.Failed || !strings.HasPrefix(cells[0].Error, "not ready after 10m0s") ||
			!strings.Contains(cells[0].Error, "error: no device") || cells[3].Status != experiment.Done {
			t.Errorf("got %s\n%s", statuses(cells), cells[0].Error)
		}
		all := strings.Join(l.lines, "\n")
		if !strings.Contains(all, "s slots=1: FAILED, and its 2 cells with it: not ready after 10m0s") ||
			!strings.Contains(all, "  | error: no device") {
			t.Errorf("got\n%s", all)
		}
		l.broken = ""
		if _, err := l.run(t.Context()); err != nil || !strings.HasPrefix(l.ran(), "1 s-slots=1") {
			t.Errorf("once it is mended: %v, %s", err, l.ran())
		}
	})
}

// A cell without a report fails with the last words of its log, and the others go on. The code of a gate is no failure.
func TestFailedCell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		l.silent, l.codes = "slots=1.w.many", map[string]int{"s-slots=4.w.many": 1}
		cells, err := l.run(t.Context())
		var failed *FailedError
		if !errors.As(err, &failed) || failed.Failed != 1 {
			t.Errorf("got %v", err)
		}
		if c := cells[1]; c.Status != experiment.Failed || c.ExitCode != 2 ||
			!strings.HasPrefix(c.Error, "exit code 2: last words of the load (see ") ||
			c.Log != "logs/s-slots=1.w.many.log" {
			t.Errorf("got %+v", c)
		}
		if c := cells[3]; c.Status != experiment.Done || c.ExitCode != 1 {
			t.Errorf("got %+v", c)
		}
		if all := strings.Join(l.lines, "\n"); !strings.Contains(all, "\n  | first line\n  | last words of the load") {
			t.Errorf("got\n%s", all)
		}
	})
}

// A deployment that ends by itself fails the cell in which it does, and is started again for the others, once.
func TestServerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, strings.Replace(smallLab, "[1, 4]", "[1]", 1)+"  - {rate: 4, duration: 9s}\n"+
			"  - {rate: 5, duration: 9s}\n")
		l.dies = 9 * time.Second // two to start, seven of the first cell
		cells, err := l.run(t.Context())
		want := "s-slots=1.w.rate=2-duration=10s failed\ns-slots=1.w.many done\n" +
			"s-slots=1.w.rate=4-duration=9s failed\ns-slots=1.w.rate=5-duration=9s failed"
		if err == nil || statuses(cells) != want || strings.Count(strings.Join(l.events, "\n"), "start") != 2 {
			t.Errorf("%v\n%s\n%q", err, statuses(cells), l.events)
		}
		for i, want := range map[int]string{0: "the deployment ended by itself: server says: out of memory (see ",
			3: "the deployment ended by itself twice: see "} {
			if !strings.HasPrefix(cells[i].Error, want) || cells[i].Log != "logs/s slots=1.log" {
				t.Errorf("cell %d: got %s, with the log %q", i, cells[i].Error, cells[i].Log)
			}
		}
	})
}

// The load of a warm-up comes before the cells, and its report is thrown away.
func TestWarmup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, strings.Replace(smallLab, "matrix:", "warmup: {duration: 5s}\n    matrix:", 1))
		if _, err := l.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := l.events[1]; got != "report" {
			t.Errorf("got %q", l.events)
		}
		entries, err := os.ReadDir(l.dir)
		isWarmup := func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "warm") }
		if err != nil || slices.ContainsFunc(entries, isWarmup) {
			t.Errorf("got %v, %v", entries, err)
		}
	})
}

// No secret is told, or stands in the results.
func TestNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		l.silent = "many"
		l.text = strings.Replace(l.text, "matrix:", "environment: {HF_TOKEN: very-secret-token}\n    matrix:", 1)
		l.text = strings.Replace(l.text, "name: many", "name: many very-secret-key", 1)
		if _, err := l.run(t.Context()); err == nil {
			t.Error("no cell failed")
		}
		text, err := os.ReadFile(filepath.Join(l.dir, experiment.FileName))
		if err != nil || strings.Contains(string(text), "very-secret-token") {
			t.Errorf("%v: %s", err, text)
		}
		if all := strings.Join(l.lines, "\n"); strings.Contains(all, "very-secret-key") ||
			!strings.Contains(all, "many ***") {
			t.Errorf("got\n%s", all)
		}
	})
}

// Two runs of one experiment at a time are refused, and so is a directory of another.
func TestLock(t *testing.T) {
	t.Parallel()
	l := newLaboratory(t, smallLab)
	p := l.plan()
	_, err := Lock(p.Experiment)
	if err == nil || !strings.Contains(err.Error(), "another k6 x llm experiment is at work") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(p.Store.save(), p.Store.Unlock()); err != nil {
		t.Fatal(err)
	}
	other, err := Read("other.yml", []byte(strings.ReplaceAll(l.text, "DIR", l.dir)), fakeTool())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(other); err == nil || !strings.Contains(err.Error(), `has the results of the experiment "e"`) {
		t.Errorf("got %v", err)
	}
}

// The plan shows what is done and what is not, and how long it takes.
func TestWritePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, smallLab)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if _, err := l.run(ctx); !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
		var b strings.Builder
		p := l.plan()
		if err := errors.Join(p.Write(&b, ""), p.Store.Unlock()); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		done := time.Now().Add(-13 * time.Second).Local().Format("2006-01-02 15:04")
		for i, want := range []string{
			"experiment e: 4 cells, 1 done, 3 to run, about 20s or more; results in " + l.dir, "",
			"cell  deployment  workload  load                 takes  status",
			"1     s slots=1   w         rate=2 duration=10s  12s    done " + done,
			"2     s slots=1   w         many                 ?      to run: new",
			"3     s slots=4   w         rate=2 duration=10s  12s    to run: new",
			"4     s slots=4   w         many                 ?      to run: new", "",
			"3 cells to run: about 16s; 2 starts of deployments: about 4.0s",
			"?: how long a search, or a number of requests at a time, takes is known once one has run",
			"next: k6 x llm experiment -f e.yml",
		} {
			if i >= len(lines) || lines[i] != want {
				t.Errorf("got\n%s\nwant in line %d\n%s", b.String(), i+1, want)
				break
			}
		}
	})
}

// Each repeat of a cell has a start of its own, unless the file says otherwise, of which the plan knows. Which it is
// matters to the repeats behind the first.
func TestRepeatsAreStarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &laboratory{t: t, dir: t.TempDir()}
		text := "directory: DIR\nrepeats: 2\ndeployments: [{name: s, command: 'serve ${port}'}]\n" +
			"workloads: [{name: w}]\nloads: [{rate: 1, duration: 1s, name: x}, {rate: 2, duration: 1s, name: y}]\n"
		for _, tt := range []struct{ text, starts, want string }{
			{text, "; 2 starts of deployments: ", "start serve 1234 s.w.x.1 s.w.y.1 stop " +
				"start serve 1234 s.w.x.2 s.w.y.2 stop"},
			{text + "restart: false\n", "; 1 start of deployments: ", "start serve 1234 s.w.x.2 s.w.y.2 stop"},
		} {
			l.text = tt.text
			p := l.plan()
			var b bytes.Buffer
			if err := errors.Join(p.Write(&b, ""), p.WriteCommands(&b), p.Store.Unlock()); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), tt.starts) ||
				!strings.HasSuffix(b.String(), "\ns           serve '${port}'\n") {
				t.Errorf("the plan has no %q, or no command\n%s", tt.starts, b.String())
			}
			if _, err := l.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(strings.Join(l.events, " "), "${port}", "1234"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		}
	})
}
