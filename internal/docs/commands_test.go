package docs

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// skipped matches commands of the pages that the test does not run: they download, build, contact other servers, show a
// form, take minutes or never end.
var skipped = regexp.MustCompile(`^(git clone|cd|xk6 build|docker) |s3://|prometheus|…|x llm (sim|selftest|audit cancel h)|x-llm.sweep`)

var makeTarget = regexp.MustCompile(`^make (\w+)$`)

// shortened lists settings of a page's load and what replaces them, so that the load takes a second.
var shortened = []struct {
	setting *regexp.Regexp
	short   string
}{
	{regexp.MustCompile(`-e STAGES=\S+`), "-e STAGES=20@300ms,40@300ms"},
	{regexp.MustCompile(`-e RATE=\S+`), "-e RATE=20"},
	{regexp.MustCompile(`-e DURATION=\S+`), "-e DURATION=500ms"},
	{regexp.MustCompile(`-e STEPS=\S+`), "-e STEPS=2"},
	{regexp.MustCompile(`"duration": \d+`), `"duration": 1`},
	{regexp.MustCompile(` -e MODEL=\S+`), ""}, // the simulator has a model of its own
	{regexp.MustCompile(`-e TOKENIZER=\S+`), "-e TOKENIZER=scripts/data/sample-tokenizer.json"},
	// The sample beside the script, except for those of pageFiles.
	{regexp.MustCompile(` -e DATASET=([\w-]+/|billsum|conversations|faq|instruct|prompts)\S*`), ""},
	{regexp.MustCompile(` -e COLUMN=\S+`), ""},
	{regexp.MustCompile(` -e '?FILES=\S+`), ""},
	{regexp.MustCompile(`(-e ADAPTERS=\S+)`), "$1 -e RATE=20 -e DURATION=500ms"},
	{regexp.MustCompile(`scripts/tenants.js`), "-e CHAT_RATE=20 -e RAG_RATE=20 -e DURATION=1s scripts/tenants.js"},
	{regexp.MustCompile(`scripts/search.js`), "-e SEARCH_MIN=20 -e SEARCH_MAX=40 -e DURATION=1s scripts/search.js"},
	{regexp.MustCompile(`--search \w+`), "$0 --search-min 4 --search-max 8 --duration 1s"},
	{regexp.MustCompile(`--rate \S+`), "--rate 20,40"},
	{regexp.MustCompile(`--concurrency \S+`), "--concurrency 2,4"},
	{regexp.MustCompile(`--duration \S+`), "--duration 1s"},
	{regexp.MustCompile(`--mark '\+\d+s`), "--mark '+0s"},
	{regexp.MustCompile(`--(warmup|cooldown) \S+`), "--$1 100ms"},
	{regexp.MustCompile(`--tokenizer \S+`), "--tokenizer scripts/data/sample-tokenizer.json"},
	{regexp.MustCompile(`<500ms`), "<50s"}, // a busy machine breaks no objective
	{regexp.MustCompile(`>\+10ms`), ">+10s"},
	{regexp.MustCompile(`sharegpt.json`), "scripts/data/sharegpt-sample.json"},
}

var (
	ownLoad   = regexp.MustCompile(`-e (STAGES|RATE|DURATION|CONFIG|CLOCK)=|scripts/saturation`)
	aScript   = regexp.MustCompile(` (scripts/[\w-]+\.js)$`) // smoke.test.js has no settings
	ownScript = regexp.MustCompile(` ((slo|disturb)\.js)$`)  // of a page; these read DURATION
)

// tryable changes a command of a page so that it runs here, against the simulator and for a second.
func tryable(command, server string) string {
	again := strings.Replace(server, "127.0.0.1", "localhost", 1) // another endpoint, which is the same server
	command = strings.NewReplacer("http://localhost:8000", server, "http://localhost:4000", again,
		"http://a:8000", server, "http://b:8000", again).Replace(command)
	for _, s := range shortened {
		command = s.setting.ReplaceAllString(command, s.short)
	}
	if aScript.MatchString(command) {
		settings := " --quiet"
		if !strings.Contains(command, "-e CONFIG=") { // which decides everything
			settings += " -e MAX_TOKENS=3"
		}
		if !ownLoad.MatchString(command) {
			settings += " -e DURATION=500ms -e RATE=20"
		}
		command = strings.Replace(command, " run", " run"+settings, 1)
	}
	return ownScript.ReplaceAllString(command, " --quiet -e DURATION=500ms $1")
}

// checkout is a folder in which the commands of a page run as in a checkout of the repository.
type checkout struct {
	dir, server string
}

func newCheckout(t *testing.T, server string) checkout {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bin", "scripts"} {
		abs, err := filepath.Abs(name)
		if err == nil {
			err = os.Symlink(abs, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b := checkout{dir, server}
	b.write(t, "docs/config/constant.yml", testenv.ReadFile(t, "docs/config/constant.yml"))
	return b
}

// write writes a file. It shortens the stages of a configuration, and replaces its server with the simulator.
func (b checkout) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	text = strings.NewReplacer("http://localhost:8000", b.server, "rate: 2,", "rate: 20,", "duration: 30",
		"duration: 1").Replace(text)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var recordsOf = regexp.MustCompile(`--out llm=(\S+)`)

// busy is how a search, or an experiment, ends on a machine that has no processor left for it.
var busy = regexp.MustCompile(`the search (found no capacity|did not finish): client limited|no cell of the experiment counts`)

// decides matches the commands whose answer may be that there are too few requests for one, with this exit code.
var decides = regexp.MustCompile(`--gate|llmconv compare|llm compare`)

const inconclusive = 4

// measures matches the commands of experiments. Cells of loads as short as here may not count, with this exit code.
var measures = regexp.MustCompile(`x llm experiment (-f|runs)`)

const uncounted = 3

// run runs a command, which must succeed. If the command keeps records, they must be of requests that succeeded.
func (b checkout) run(t *testing.T, page, command string) {
	t.Helper()
	if target := makeTarget.FindStringSubmatch(command); target != nil {
		if !regexp.MustCompile(`(?m)^` + target[1] + `:`).MatchString(testenv.ReadFile(t, "Makefile")) {
			t.Errorf("%s: the Makefile has no target %q", page, target[1])
		}
		return
	}
	if skipped.MatchString(command) {
		return
	}
	tried := tryable(command, b.server)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", tried)
	cmd.Dir, cmd.WaitDelay = b.dir, 10*time.Second
	cmd.Env = append(os.Environ(), "PWD="+b.dir, "PATH="+filepath.Join(b.dir, "bin")+string(os.PathListSeparator)+
		os.Getenv("PATH"), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false", "K6_LLM_OVERWRITE=true")
	out, err := cmd.CombinedOutput()
	if decides.MatchString(tried) && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == inconclusive {
		err = nil // the loads are shorter than on the page, so few requests are to decide
	}
	if measures.MatchString(tried) && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == uncounted {
		err = nil
	}
	if err != nil && !busy.Match(out) {
		t.Errorf("%s: %s\n%v\n%s", page, tried, err, out)
		return
	}
	if records := recordsOf.FindStringSubmatch(tried); records != nil {
		b.checkRecords(t, tried, records[1])
	}
}

func (b checkout) checkRecords(t *testing.T, command, name string) {
	t.Helper()
	requests, ended := readRecords(t, filepath.Join(b.dir, name))
	for _, q := range requests {
		if q.Failed() {
			t.Errorf("%s: a request failed with %s: %s", command, q.ErrorType, q.Error)
			return
		}
	}
	if len(requests) == 0 || !ended {
		t.Errorf("%s: %d requests recorded, end line %t", command, len(requests), ended)
	}
}

// readRecords reads a record file; ended reports whether the file has the line that ends a run.
func readRecords(t *testing.T, path string) (requests []*record.Request, ended bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for r := record.NewReader(f, path); ; {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return requests, ended
		}
		if err != nil {
			t.Fatal(err)
		}
		switch l := line.(type) {
		case *record.Request:
			requests = append(requests, l)
		case *record.End:
			ended = true
		}
	}
}

// prepared lists the commands that make what the commands of a page begin with.
var prepared = map[string][]string{
	"docs/analyze.md": {"bin/k6 run --out llm=run.jsonl scripts/mock.js", "bin/llmconv report run.jsonl -o before",
		"bin/llmconv report run.jsonl -o after"},
	"docs/config.md": {"cp docs/config/constant.yml config.yml", "bin/k6 x llm run -c config.yml --out report"},
	"docs/reports.md": {"bin/k6 run --out llm=run.jsonl scripts/mock.js", "mkdir base new", "cp run.jsonl base",
		"cp run.jsonl new"},
	"docs/experiments.md": nil,
	"docs/replay.md":      nil,
	"docs/traffic.md":     nil,
}

// commands returns the commands of a block, one for each line; a \ at the end of a line joins the next to it.
func commands(f fence) (list []string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.Join(f.lines, "\n"), "\\\n", ""), "\n") {
		command, _, _ := strings.Cut(line, " #")
		if command = strings.TrimSpace(command); command != "" {
			list = append(list, command)
		}
	}
	return list
}

// pageFiles are the files that commands of the pages read, beside those that blocks of the pages are saved as.
var pageFiles = map[string]string{
	"prompts.jsonl": `{"prompt": "Count to ten"}` + "\n" + `{"messages": [{"role": "user", "content": "Hello"}]}` + "\n",
	"chat.json":     `[{"prompt": "Hello"}, {"prompt": "How are you?"}]`,
	"rag.jsonl":     `{"prompt": "Text: a b c. Question: what is b?"}` + "\n",
	"questions.csv": "id,question\n1,What is a token?\n2,What is a model?\n",
	"requests.csv": "time,session,prompt,output_tokens\n" +
		"2026-11-02T09:00:00.3Z,a,Hi,6\n2026-11-02T09:00:00.8Z,a,Bye,8\n",
	"log.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n0,20,3\n0.2,30,4\n",
	// a sound of 50 ms
	"recordings/hello.wav": "RIFF\x64\x06\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00" +
		"\x00\x7d\x00\x00\x02\x00\x10\x00data\x40\x06\x00\x00" + strings.Repeat("\x00\x01", 800),
	"log.jsonl": `{"seconds": 0, "prompt": "Hello", "tokens": 3}` + "\n" + `{"seconds": 0.2, "prompt": "Bye", "tokens": 3}`,
}

// The commands in the pages run. On the pages of scripts and of tasks each block runs alone; on the others the commands
// follow on each other.
func TestCommandsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	opts := sim.DefaultOptions()
	opts.TTFT, opts.ITL, opts.LoRA = 2*time.Millisecond, time.Millisecond, []string{"lora-a", "lora-b"}
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	var jobs [][]string
	page := map[int]string{}
	for _, name := range []string{"docs/getting-started.md", "README.md"} { // these take longest
		page[len(jobs)] = name
		jobs = append(jobs, commandsOfPage(t, name))
	}
	for _, name := range []string{"docs/scripts.md", "docs/how-do-i.md"} {
		for _, f := range fences(testenv.ReadFile(t, name)) {
			if f.language == "sh" {
				page[len(jobs)] = name
				jobs = append(jobs, withRecords(commands(f)))
			}
		}
	}
	for name, first := range prepared {
		page[len(jobs)] = name
		jobs = append(jobs, append(slices.Clone(first), commandsOfPage(t, name)...))
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 6) // a run spends most of its time waiting
	for i, list := range jobs {
		b := newCheckout(t, server.URL())
		b.writeFilesOf(t, "docs/getting-started.md", "docs/how-do-i.md", "docs/replay.md", "docs/traffic.md",
			"docs/experiments.md")
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, command := range list {
				b.run(t, page[i], command)
			}
		})
	}
	wg.Wait()
}

// withRecords puts before commands those that make the records that they read.
func withRecords(list []string) []string {
	all := strings.Join(list, "\n")
	for _, name := range []string{"run.jsonl", "old.jsonl", "new.jsonl"} {
		if strings.Contains(all, " "+name) && !strings.Contains(all, "llm="+name) {
			list = slices.Insert(list, 0, "bin/k6 run --out llm="+name+" scripts/mock.js")
		}
	}
	return list
}

// writeFilesOf writes the blocks of pages that have the name of a file, and pageFiles.
func (b checkout) writeFilesOf(t *testing.T, pages ...string) {
	t.Helper()
	for _, page := range pages {
		for _, f := range fences(testenv.ReadFile(t, page)) {
			if name, named := fileName(f); named {
				b.write(t, name, strings.Join(f.lines, "\n"))
			}
		}
	}
	for name, text := range pageFiles {
		b.write(t, name, text)
	}
}

// commandsOfPage returns all commands of a page in order. Before runs that a page compares without making them, it
// inserts commands that make them.
func commandsOfPage(t *testing.T, page string) (list []string) {
	t.Helper()
	for _, f := range fences(testenv.ReadFile(t, page)) {
		if f.language == "sh" {
			list = append(list, commands(f)...)
		}
	}
	if len(list) == 0 {
		t.Errorf("%s has no command", page)
	}
	at := slices.IndexFunc(list, func(command string) bool {
		return strings.HasPrefix(command, "bin/llmconv compare old.jsonl new.jsonl")
	})
	if at >= 0 && !slices.ContainsFunc(list[:at], func(command string) bool {
		return strings.Contains(command, "llm=old.jsonl")
	}) {
		list = slices.Insert(list, at, "cp run.jsonl old.jsonl", "cp run.jsonl new.jsonl")
	}
	return list
}

// fileName returns the name under which a block is to be saved: its first line is a comment with that name.
func fileName(f fence) (name string, named bool) {
	if len(f.lines) == 0 {
		return "", false
	}
	m := regexp.MustCompile(`^(?://|#) (\w+\.(?:js|yml))$`).FindStringSubmatch(f.lines[0])
	if m == nil {
		return "", false
	}
	return m[1], true
}

// The test runs what the page says, except for the server and the load.
func TestCommandsAreMadeShort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, want string }{
		{"bin/k6 run -e BASE_URL=http://localhost:8000/v1 -e STAGES=1@60s scripts/mock.js",
			"bin/k6 run --quiet -e MAX_TOKENS=3 -e BASE_URL=http://h:1/v1 -e STAGES=20@300ms,40@300ms scripts/mock.js"},
		{"bin/k6 run -e DATASET=a/b -e 'FILES=3.0.0/train-*.parquet' scripts/billsum.js",
			"bin/k6 run --quiet -e MAX_TOKENS=3 -e DURATION=500ms -e RATE=20 scripts/billsum.js"},
		{"bin/llmconv report run.jsonl -o report", "bin/llmconv report run.jsonl -o report"},
	} {
		if got := tryable(tt.command, "http://h:1"); got != tt.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", tt.command, got, tt.want)
		}
	}
}
