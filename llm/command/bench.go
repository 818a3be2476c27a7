package command

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
)

// bench implements `k6 x llm bench`: it makes a configuration of flags, and runs it as `k6 x llm run` does.
type bench struct {
	runner
	print   string
	noProbe bool
}

func newBench(gs *state.GlobalState) *cobra.Command {
	return (&bench{runner: runner{gs: gs, brief: true}}).command()
}

// command returns the command that sets the fields of b by its flags.
func (b *bench) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench URL…",
		Short: "Measure a server: load, report and page in one command",
		Long: `Send a load to the server at URL, and write its report and page.

URL is the server's base, with or without http://, /v1 or /chat/completions, or
sim: for the built-in simulator. Several share the load (--balance). Without
--rate and --concurrency the load is 1, 4 and 16 requests at a time, for 10 s
each. Without --prompts, --dataset and --replay the prompts are random words:
512 tokens, with answers of 128 tokens; 40 tokens to speak, or to make pictures
or a video of; and made-up sounds for transcription.

--search rate finds the highest rate at which the server keeps --slo, and
--search concurrency the highest number of requests at a time (docs/search.md).

The command prints what the server can do, and after the load the verdict on
the load generator, the answer to --slo, and a table with a row per stage. The
report goes to --out, or else to runs/ and the time.

--print config prints the same load as a configuration for k6 x llm run, and
--print script as a script for k6 run: the way to a test of one's own. A flag
with the dotted name of a key of a configuration works, too (docs/config.md).

Exit codes: 0 for success; 1 if the server cannot be used, every request failed,
none was sent, a gate is FAIL, or a search found no capacity; 2 for misuse; 3 if
records are missing; 4 if a gate is INCONCLUSIVE: the requests were too few to
decide it; otherwise the code of k6 run, for example 105 after Ctrl-C.`,
		Example: `  k6 x llm bench http://localhost:8000 --rate 2,4,8 --duration 60s
  k6 x llm bench localhost:8000 --concurrency 4,16,64 --prompts my.jsonl
  k6 x llm bench localhost:8000 --rate 5 --input 512 --output 100-200 \
      --slo 'p99(ttft)<500ms,p95(itl)<50ms' --gate 'failures<1%'
  k6 x llm bench localhost:8000 --search rate --slo 'p99(ttft)<500ms'
  k6 x llm bench localhost:8000 --rate 2,4,8 --warmup until-stable
  k6 x llm bench localhost:8000 --rate 2 \
      --data.multimodal.image '{"count": {"type": "fixed", "mean": 1}}'
  k6 x llm bench localhost:8000 --rate 2 --api speech
  k6 x llm bench https://api.example.com --api-key-env KEY --ignore-eos=false
  k6 x llm bench localhost:8000 --rate 5 --print script > my-test.js`,
		Args: func(cmd *cobra.Command, args []string) error {
			return cmp.Or(flagForLoad(cmd), someServers(cmd, args))
		},
		RunE: func(cmd *cobra.Command, args []string) error { return b.bench(cmd, strings.Join(args, ",")) },
	}
	flags := cmd.Flags()
	b.flags(cmd)
	flags.StringVar(&b.print, "print", "", "`FORM`: print the load as a config or a script, and do not run it")
	flags.BoolVar(&b.noProbe, "no-probe", false, "do not ask the server first what it can do")
	return cmd
}

// someServers returns an error unless the arguments are URLs.
func someServers(cmd *cobra.Command, args []string) error {
	for i, arg := range args[min(len(args), 1):] {
		if len(client.SplitURLs(args[0]+","+arg)) == 1 {
			return fmt.Errorf("server number %d: %q is not a URL such as http://localhost:8000: write http:// before "+
				"it", i+2, secret.WithoutUser(arg))
		}
	}
	return oneServer(cmd, args[:min(len(args), 1)])
}

// oneServer returns an error unless the arguments are one URL.
func oneServer(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return fmt.Errorf("which server? Give its URL, such as http://localhost:8000, or sim: for the simulator")
	case 1:
		return nil
	}
	return fmt.Errorf("one server at a time: %q is one argument too many", args[1])
}

func (b *bench) bench(cmd *cobra.Command, url string) error {
	if !slices.Contains([]string{"", "config", "script"}, b.print) {
		return errext.WithExitCodeIfNone(fmt.Errorf("--print: unknown %q, known are config, script", b.print), misuse)
	}
	if err := b.settings.checkBalance(len(client.SplitURLs(url))); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	b.defaults(url)
	if b.print != "" {
		return b.show(cmd)
	}
	return b.run(cmd)
}

// show prints the load in the form that was asked for, as it would be sent: with what the server was found to need.
func (b *bench) show(cmd *cobra.Command) error {
	if err := b.prepare(cmd); err != nil {
		return err
	}
	if err := checkPlan(b.c); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if err := b.askOrGuess(); err != nil {
		return err
	}
	text, err := configText(b.overrides)
	if b.print == "script" {
		var script string
		script, err = scriptText(b.c, b.settings.seed != "" || overridden(b.dotted, "load.base_seed"))
		text = []byte(script)
	}
	if err != nil {
		return err
	}
	if strings.Contains(string(text), secret.Mark) {
		cmd.PrintErrln("remark: *** stands for secrets that were left out: put them in, or use --api-key-env")
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}

// askOrGuess asks the server, and goes on without what only the server knows if it cannot be asked.
func (b *bench) askOrGuess() error {
	if !b.noProbe {
		err := b.ask()
		if err == nil {
			return nil
		}
		b.cmd.PrintErrln("remark: the server was not asked:", plain.Terminal(err.Error()))
	}
	if b.print == "script" && b.settings.askTokens {
		b.cmd.PrintErrln("remark: tokensPerWord is a guess: the server, or --tokenizer, knows better")
		b.overrides = append(b.overrides, config.Override{Key: "x-llm.dataset", Value: `{"tokensPerWord": 1.3}`})
	}
	return errext.WithExitCodeIfNone(b.load(), misuse)
}

// The load and the lengths of a bench that says nothing else.
const (
	defaultInput, defaultOutput = "512", "128"
	defaultShort                = "10s"
	defaultText                 = "40" // to speak, or to make pictures of: a long one takes long
)

var defaultConcurrencies = []string{"1", "4", "16"}

// usualPerWord is about how many tokens a word has.
const usualPerWord = "1.3"

// inputOf returns what the API of a bench takes.
func inputOf(b *bench) api.Input {
	name := cmp.Or(b.settings.server.api, string(config.Chat))
	for _, o := range b.dotted {
		if o.Key == "api.type" {
			name = o.Value
		}
	}
	dialect, err := api.ByName(name)
	if err != nil { // refused later
		return api.InputMessages
	}
	return dialect.Input()
}

// defaults fills in what the flags leave open. The settings of a bench are those of a configuration for run, except for
// the API, which is chat and streams.
func (b *bench) defaults(url string) {
	s := &b.settings
	sounds := strings.EqualFold(s.dataset, string(config.SoundData))
	if sounds && s.server.api == "" && !overridden(b.dotted, "api.type") {
		s.server.api = string(config.Transcription)
	}
	in := inputOf(b)
	b.preset = append(b.preset, config.Override{Key: "server.base_url", Value: url},
		config.Override{Key: "api.type", Value: string(config.Chat)},
		config.Override{Key: "api.streaming", Value: strconv.FormatBool(in.StreamsByItself())})
	told := s.rates != nil || s.concurrencies != nil || s.trace != "" || s.search.over != "" || s.stages != ""
	if !told && !overridden(b.dotted, "load.stages") && !overridden(b.dotted, searchKey) {
		s.concurrencies = defaultConcurrencies
		if s.duration == "" && s.requests == "" {
			s.duration = defaultShort
		}
	}
	if in == api.InputSound && s.dataset == "" && !overridden(b.dotted, "data.type") {
		s.dataset = string(config.SoundData)
	}
	generated := !mixed(b.dotted) && (s.dataset == "" || s.dataset == string(config.RandomData) ||
		s.dataset == string(config.SyntheticData))
	if s.prompts == "" && s.trace == "" && generated && !overridden(b.dotted, "data.type") {
		usual := defaultInput
		if in == api.InputSpeech || in.Shows() {
			usual = defaultText
		}
		if s.input = cmp.Or(s.input, usual); in.Generates() {
			s.output = cmp.Or(s.output, defaultOutput)
		}
	}
	made := s.prompts == "" && generated && !overridden(b.dotted, "data.type")
	s.askTokens = made && s.tokenizer == "" && !overridden(b.dotted, "tokenizer")
	b.probes = !b.noProbe && in.Generates()
	if !in.Generates() { // no probe learns the number
		s.perWord = usualPerWord
	}
	if b.out == "" {
		b.dir = filepath.Join("runs", b.start().Format("20060102-150405"))
	}
}
