package command

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/storage"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

//go:embed run.js
var runScript []byte

// statusEvery is the interval of the lines of progress where k6's own are left out.
const statusEvery = "2s"

// recordsName is the name of the file of records in the report's directory.
const recordsName = "records.jsonl"

// runner implements `k6 x llm run`: it runs the load of a configuration by a child process of k6, then makes the
// report.
type runner struct {
	config, out string
	force       bool
	settings    settings
	dotted      []config.Override // from flags with the names of keys
	brief       bool              // only the report is of interest, not k6's own output
	// inconclusive is what an inconclusive gate counts as.
	inconclusive cli.Inconclusive
	probes       bool // ask the server first what it can do

	gs        *state.GlobalState
	cmd       *cobra.Command
	preset    []config.Override // in front of what the flags say
	overrides []config.Override // all of them, in their order
	path      string            // absolute path of the configuration; "" if the load cannot read it again
	text      []byte            // text of the configuration, which is read once because it may come from a pipe
	c         *config.Config
	now       time.Time // instant by which the configuration was settled
	dir       string    // directory of the report
	found     *convert.Sweep
	buckets   []storage.Target // buckets that the report is copied to
	leash     leash
}

func newRun(gs *state.GlobalState) *cobra.Command { return (&runner{gs: gs}).command() }

// command returns the command that sets the fields of r by its flags.
func (r *runner) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [-c FILE] [--dotted.key VALUE]…",
		Short: "Run a configuration of inference-perf and write its report",
		Long: `Run the load of an unchanged inference-perf configuration, and write the report
where the configuration says.

A flag with the dotted name of a key overrides that key; lists, maps and
sections are JSON. The flags below stand for such keys, too. docs/config.md
lists the effect of each key. Without -c the flags say everything. The report
goes to --out, or else to storage.local_storage.path, together with the records
of all requests.

Ctrl-C ends the load. The command then writes a report on the requests that were
sent.

Exit codes: 0 for success; 1 if every request failed, none was sent, a gate is
FAIL, or a search found no capacity; 2 for misuse; 3 if records are missing; 4
if a gate is INCONCLUSIVE; otherwise the code of k6 run, for example 105 after
Ctrl-C and 108 after a circuit breaker.`,
		Example: `  k6 x llm run -c config.yml
  k6 x llm run -c config.yml --out report \
      --load.stages '[{"rate": 5, "duration": 30}]'
  k6 x llm run --server.base_url http://localhost:8000 --rate 5 --duration 10s`,
		Args: func(cmd *cobra.Command, args []string) error {
			return cmp.Or(flagForLoad(cmd), cobra.NoArgs(cmd, args))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&r.config, "config", "c", "", "configuration file, YAML")
	flags.StringVar(&r.config, "config_file", "", "the same as --config")
	_ = flags.MarkHidden("config_file") // never fails: the flag exists
	r.flags(cmd)
	return cmd
}

// flags adds the flags that run and bench share.
func (r *runner) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	r.settings.register(flags)
	r.inconclusive.Register(flags)
	flags.StringVarP(&r.out, "out", "o", "", "report `DIRECTORY`")
	flags.BoolVar(&r.force, "force", false, "replace the report in the directory")
	// k6 makes this command at each start, and to list the keys takes 3 ms.
	if slices.Contains(r.gs.CmdArgs, "llm") {
		addKeys(flags, &r.dotted)
	}
}

func (r *runner) run(cmd *cobra.Command) error {
	r.leash.follow()
	if err := r.prepare(cmd); err != nil {
		return err
	}
	if err := r.settled(); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	_, files, err := r.options()
	if err == nil {
		err = files.Vacant(r.dir)
	}
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	for _, name := range os.Environ() {
		if strings.HasPrefix(name, "OTEL_") {
			cmd.PrintErrln(
				"remark: OTEL_ variables are not supported yet: the load generator's own traces are not sent")
			break
		}
	}
	for _, b := range r.buckets {
		if err := b.Check(cmd.Context()); err != nil {
			return errext.WithExitCodeIfNone(err, misuse)
		}
	}
	if err := r.ask(); err != nil {
		return err
	}
	cli.CheckServerMetrics(cmd, cli.ConfiguredMetrics(r.c))
	if r.c.Load.Sweep != nil {
		if err := r.sweep(cmd.Context()); err != nil {
			var probe *probeError
			if errors.As(err, &probe) {
				err = errext.WithExitCodeIfNone(err, probe.code)
			}
			return err
		}
	}
	code, err := r.k6(cmd.Context(), filepath.Join(r.dir, recordsName), r.overrides)
	if err != nil {
		return err
	}
	if err := r.report(code); err != nil {
		return err
	}
	if code != 0 {
		return errext.WithExitCodeIfNone(fmt.Errorf("k6 run ended with code %d", code), code)
	}
	return nil
}

// settled refuses what the load would refuse, before any server is asked. The load finds the API key by itself.
func (r *runner) settled() error {
	if err := dropin.FindAPIKey(r.c, os.LookupEnv); err != nil {
		return err
	}
	if err := r.settings.checkPrompts(); err != nil {
		return err
	}
	return checkPlan(r.c)
}

// checkPlan refuses a load that is no plan, and a search whose options are wrong.
func checkPlan(given *config.Config) error {
	if given.Load.Sweep != nil || given.Load.Type == config.TraceReplay ||
		given.Load.Type == config.TraceSessionReplay { // depend on what the files tell
		return nil
	}
	c := *given
	if c.Load.BaseSeed == nil {
		c.Load.BaseSeed = new(int64(0)) // no fault depends on it
	}
	o, err := dropin.NewOptions(&c, "", dropin.Found{})
	if err != nil {
		return err
	}
	if o.Load.Search != nil {
		if _, err := search.Check(*o.Load.Search); err != nil {
			return err
		}
	}
	_, err = o.Load.Plan()
	return err
}

// prepare reads what the flags and the configuration say.
func (r *runner) prepare(cmd *cobra.Command) error {
	r.cmd = cmd
	r.settings.search.keyed = r.searches()
	short, err := r.settings.overrides()
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if r.settings.stages != "" && r.config == "" && !overridden(r.dotted, "data") {
		r.settings.remark(r.settings.ownData())
	}
	for _, remark := range r.settings.remarks {
		cmd.PrintErrln("remark:", plain.Terminal(remark))
	}
	r.overrides = slices.Concat(r.preset, short, r.dotted)
	if r.config != "" {
		r.overrides = slices.Concat(r.settings.replaced(), r.overrides)
	}
	if err = r.load(); err != nil {
		return errext.WithExitCodeIfNone(r.settings.named(err), misuse)
	}
	if s := r.c.Server; s != nil && s.Type == config.MockServer && s.BaseURL != "" {
		cmd.PrintErrln("remark: server.type is mock, the simulator: for requests to go to server.base_url, write vllm")
	}
	if r.settings.search.over != "" && r.c.Own.SLO == "" && len(r.settings.search.tiers) == 0 {
		return errext.WithExitCodeIfNone(errSLO, misuse)
	}
	return nil
}

// searches reports whether keys, and not --search, ask for a search: those of the flags, or else of the file.
func (r *runner) searches() bool {
	for _, o := range slices.Backward(r.dotted) {
		if o.Key == searchKey {
			return o.Value != "null"
		}
	}
	if r.config == "" || r.read() != nil {
		return false
	}
	c, err := config.ParseFile(r.config, r.text, r.dotted...)
	return err == nil && c.Own.Search != nil // an error comes again with all flags
}

// serverType is the key that decides between a server and the simulator.
const serverType = "server.type"

// addressed reports whether a flag names a server beside a file with the simulator: the flag has the last word.
func (r *runner) addressed() bool {
	return r.c.Server != nil && r.c.Server.Type == config.MockServer && overridden(r.dotted, "server.base_url") &&
		!overridden(r.overrides, serverType)
}

// parse reads the configuration with what the flags say.
func (r *runner) parse() (err error) {
	if r.config == "" {
		r.c, err = config.Parse(nil, r.overrides...)
	} else if err = r.read(); err == nil {
		r.c, err = config.ParseFile(r.config, r.text, r.overrides...)
	}
	return err
}

// load reads the configuration, and chooses the report's directory.
func (r *runner) load() (err error) {
	if err := r.parse(); err != nil {
		return err
	}
	if r.addressed() {
		r.overrides = append(r.overrides, config.Override{Key: serverType, Value: string(config.VLLM)})
		if err := r.parse(); err != nil {
			return err
		}
	}
	if err := dropin.Refused(r.c); err != nil {
		return err
	}
	r.settle()
	if r.buckets, err = storage.FromConfig(r.c.Storage); err != nil {
		return err
	}
	switch {
	case r.dir != "": // chosen by an earlier call
	case r.out != "":
		r.dir = r.out
	case r.c.Storage != nil && r.c.Storage.Local != nil && r.c.Storage.Local.Path != "":
		r.dir = r.c.Storage.Local.Path
	default:
		r.dir = r.start().Format("reports-20060102-150405")
	}
	return nil
}

// read reads the configuration's file once for all loads of a sweep.
func (r *runner) read() (err error) {
	if r.text != nil {
		return nil
	}
	if r.path, err = filepath.Abs(r.config); err != nil {
		return err
	}
	if r.text, err = textfile.ReadFile(r.config); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if info, err := os.Stat(r.path); err == nil && !info.Mode().IsRegular() {
		r.path = "" // the load cannot read a pipe again
	}
	return nil
}

// settle fills in the defaults that depend on the machine and on the present time. Each call fills in the same values.
// It leaves a missing seed to k6; the report's config.yaml has the seed from the records.
func (r *runner) settle() {
	seed := r.c.Load.BaseSeed
	r.c.Settle(r.start(), runtime.NumCPU())
	r.c.Load.BaseSeed = seed
}

// start returns the instant at which the command began, the same at each call.
func (r *runner) start() time.Time {
	if r.now.IsZero() {
		r.now = time.Now()
	}
	return r.now
}

// k6 runs the load by `k6 run` of this program, and returns the exit code. The output of the child goes to stderr.
func (r *runner) k6(ctx context.Context, records string, overrides []config.Override) (exitcodes.ExitCode, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "k6-llm-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	script, path := filepath.Join(work, "run.js"), r.path
	if path == "" {
		path = filepath.Join(work, "config.yml")
		err = os.WriteFile(path, append(r.text, '\n'), 0o600) // empty, or read from a pipe
	}
	if err = errors.Join(err, os.WriteFile(script, runScript, 0o600)); err != nil {
		return 0, err
	}
	env, err := r.environment(path, overrides)
	if err != nil {
		return 0, err
	}
	args := append([]string{"run", "--out", "llm=" + records}, output(r.gs, r.brief)...)
	child := exec.CommandContext(context.WithoutCancel(ctx), program, append(args, script)...)
	child.Env, child.Stdout, child.Stderr = env, r.gs.Stderr, r.gs.Stderr
	if r.gs.Stderr.IsTTY { // the file itself, so that k6 recognizes the terminal and redraws its progress bars in place
		child.Stdout, child.Stderr = os.Stderr, os.Stderr
	}
	separate(child)
	r.leash.lead(child, work)
	return wait(child)
}

// output returns k6's flags for the amount of output, which the child gets, too.
func output(gs *state.GlobalState, brief bool) (list []string) {
	if gs.Flags.Quiet || brief {
		list = append(list, "--quiet")
	}
	if gs.Flags.NoColor {
		list = append(list, "--no-color")
	}
	return list
}

func (r *runner) environment(path string, overrides []config.Override) ([]string, error) {
	pairs := [][2]string{}
	for _, o := range overrides {
		pairs = append(pairs, [2]string{o.Key, o.Value})
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), host.CalmStart()...)
	if r.brief {
		env = append(env, "K6_LLM_BRIEF=true")
	}
	if _, set := os.LookupEnv(record.StatusEnv); r.brief && !set && !r.gs.Flags.Quiet {
		env = append(env, record.StatusEnv+"="+statusEvery)
	}
	return append(env, "PWD="+dir, "K6_LLM_CONFIG="+path, record.OverridesEnv+"="+string(text),
		fmt.Sprintf("%s=%t", record.OverwriteEnv, r.force), "K6_NO_USAGE_REPORT=true"), nil
}

// wait runs a command to its end and returns its exit code. It forwards interrupts, and the hangup of a terminal unless
// nohup ignores it, so that the child ends its load and completes its records.
func wait(child *exec.Cmd) (exitcodes.ExitCode, error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGHUP {
				signal.Ignore(syscall.SIGPIPE) // further output has nowhere to go
			}
			_ = child.Process.Signal(s) // fails if the child has just ended
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exitcodes.ExitCode(max(exit.ExitCode(), 1)), nil // -1 after a signal
			}
			return 0, err
		}
	}
}

// store copies the report into the buckets of the configuration.
func (r *runner) store() error {
	var failed error
	for _, b := range r.buckets {
		stored, skipped, err := b.Upload(context.WithoutCancel(r.cmd.Context()), r.dir, func(line string) {
			r.cmd.PrintErrln(plain.Terminal(line))
		})
		r.cmd.PrintErrf("%s: %d files stored, %d were there before\n", b, len(stored), len(skipped))
		failed = errors.Join(failed, err)
	}
	return failed
}

// options returns the options and the files of the report.
func (r *runner) options() (convert.Options, convert.Files, error) {
	opts, files, err := convert.Configured(r.c)
	files.Config, files.Parquet, files.Replace = true, true, r.force
	opts.Sweep = r.found
	opts.Recipe = &convert.Recipe{Configured: true, Flags: []convert.RecipeFlag{}, Unrepeated: []string{}}
	if r.found != nil {
		opts.Recipe.Unrepeated = []string{convert.FromSweep}
	}
	return opts, files, err
}

// report makes the report of the recorded requests.
func (r *runner) report(code exitcodes.ExitCode) error {
	records := filepath.Join(r.dir, recordsName)
	info, err := os.Stat(records)
	if code != 0 && (err != nil || info.ModTime().Before(r.start())) { // not written, or by an earlier run
		switch code {
		case exitcodes.ScriptException: // run.js refused the configuration
			code = misuse
		case exitcodes.MarkedAsFailed:
			return errext.WithExitCodeIfNone(fmt.Errorf("the records of the run are lost: %s is not there", records),
				code)
		}
		return errext.WithExitCodeIfNone(errors.New("the load did not start, so there is nothing to report"), code)
	}
	opts, files, err := r.options()
	if err != nil {
		return err
	}
	run, err := cli.Read(r.cmd, run.Options{Bodies: files.PerRequest, Config: r.c}, []string{records})
	if err != nil {
		return err
	}
	if r.c.Own.Steady {
		opts.Steady = cli.KeepSteady(r.cmd, run)
	}
	cli.MarkAlerts(r.cmd, run, cli.ConfiguredMetrics(r.c), opts.Recipe)
	report := convert.NewReport(run, opts)
	if err := cli.WriteReport(r.cmd, report, r.dir, files, cli.Marked("auto", r.cmd.OutOrStdout())); err != nil {
		return &cli.ExitError{Code: cli.Failed, Err: err}
	}
	if r.brief {
		if err := writeLengths(r.cmd.OutOrStdout(), r.c, report.Summary); err != nil {
			return err
		}
	}
	if err := nameLadder(r.cmd.OutOrStdout(), r.dir); err != nil {
		return err
	}
	cli.WriteServerMetrics(r.cmd, run, report, r.dir, cli.ConfiguredMetrics(r.c))
	if err := r.store(); err != nil {
		return &cli.ExitError{Code: cli.Failed, Err: err}
	}
	if code != 0 && code != exitcodes.MarkedAsFailed { // which also marks a run without an answer
		return nil
	}
	return cmp.Or(cli.Capacity(run), r.inconclusive.Outcome(run, report))
}
