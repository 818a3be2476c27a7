package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/internal/version"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
	"github.com/seed-307b789f/xk6-llm/llm/internal/study"
)

// experimenting implements `k6 x llm experiment`.
type experimenting struct {
	gs    *state.GlobalState
	file  string
	again []string // cells that run again
}

func newExperiment(gs *state.GlobalState) *cobra.Command {
	x := &experimenting{gs: gs}
	cmd := &cobra.Command{
		Use:   "experiment -f FILE | DIR",
		Short: "Measure deployments × workloads × loads, and find the best",
		Long: `Start each deployment of a server that FILE describes, send it each workload at
each load, stop it, and compare: which is best at what, and which parameter
matters how much (docs/experiments.md).

A deployment is a command, manifests for Kubernetes, a compose file, or a server
that is there; a matrix of parameters makes several of it. Workloads and loads
have the flags of k6 x llm bench, or a configuration of k6 x llm run.

The results go to the directory that FILE names, or else to runs/ and the name
of the experiment: a report for each cell, and a page for all. What is done is
not done again: the same command goes on after Ctrl-C, a crash, or a change of
FILE, and runs only the cells that are new, have changed or failed. --again runs
cells that are done: suspect or invalid for those whose report has that verdict,
the name or the number of a cell, or the name of a deployment.

With DIR, the directory of an experiment, its page is made again.

Exit codes: 0 for success; 1 if a cell failed or a deployment was never ready,
while all others have run; 2 for misuse; 3 if cells do not count, as the page
says; 105 after Ctrl-C.`,
		Example: `  k6 x llm experiment plan -f experiment.yml
  k6 x llm experiment -f experiment.yml
  k6 x llm experiment -f experiment.yml --again suspect
  k6 x llm experiment up -f experiment.yml 'server slots=4'
  k6 x llm experiment runs/flags --format markdown`,
		Args: x.files(1),
		RunE: failing(func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return cli.WriteExperiment(cmd, args[0])
			}
			return x.run(cmd)
		}),
	}
	cli.RegisterExperiment(cmd.Flags())
	cmd.PersistentFlags().StringVarP(&x.file, "file", "f", "", "`FILE` of the experiment, YAML")
	x.registerAgain(cmd)
	cmd.AddCommand(x.newPlan(), x.newUp(), x.newWait(), x.newDown())
	return cmd
}

// files returns a check of arguments: the file of an experiment, or as many arguments in its place.
func (x *experimenting) files(most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.Parent() == nil || cmd.Name() == "experiment":
			if len(args) == 1 && x.file != "" {
				return fmt.Errorf("-f runs an experiment, and %q is a directory whose page is made again: give one of "+
					"them", args[0])
			}
			if len(args) == 1 && len(x.again) > 0 {
				return errors.New("--again runs cells, which takes the file of the experiment: -f FILE")
			}
			if len(args) == 0 && x.file == "" {
				return errors.New("which experiment? Give -f FILE, or the directory of one to make its page again")
			}
			if format := cmd.Flags().Lookup("format"); format != nil { // refused now, and not after hours
				if err := oneOf("--format", format.Value.String(), "text", "markdown", "json"); err != nil {
					return err
				}
			}
		case x.file == "":
			return errors.New("which experiment? Give its file: -f experiment.yml")
		}
		if len(args) > most {
			return fmt.Errorf("%q is one argument too many: quote a name that has blanks", args[most])
		}
		return nil
	}
}

// read reads the file of the experiment.
func (x *experimenting) read() (*study.Experiment, error) {
	text, err := textfile.ReadFile(x.file)
	if err != nil {
		return nil, errext.WithExitCodeIfNone(fmt.Errorf("experiment: %w", err), misuse)
	}
	e, err := study.Read(x.file, text, (&loadTool{gs: x.gs}).tool())
	if err != nil {
		return nil, errext.WithExitCodeIfNone(err, misuse)
	}
	return e, nil
}

// plan reads the file of the experiment, and compares it with the results that are there.
func (x *experimenting) plan() (*study.Plan, error) {
	e, err := x.read()
	if err != nil {
		return nil, err
	}
	store, err := study.Open(e)
	if err != nil {
		return nil, err
	}
	return x.planned(e, store)
}

// planned compares an experiment with the results in a store.
func (x *experimenting) planned(e *study.Experiment, store *study.Store) (*study.Plan, error) {
	p, err := e.Plan(store, (&loadTool{gs: x.gs}).tool())
	if err != nil {
		return nil, err
	}
	if err := p.Again(x.again); err != nil {
		return nil, errext.WithExitCodeIfNone(err, misuse)
	}
	return p, nil
}

// registerAgain adds the flag of cells that run again.
func (x *experimenting) registerAgain(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&x.again, "again", nil, "run `CELLS` again: suspect, invalid, a name; repeatable")
}

func (x *experimenting) newPlan() *cobra.Command {
	commands := false
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Show what an experiment would run, and how long",
		Long: `Read the file of an experiment, check all that can be checked before a server is
started, and show its cells: which are done, which would run and why, and how
long that takes. Nothing is started and nothing is written.

Exit codes: 0 if the experiment can run here; 2 for mistakes in FILE or in the
manifests that it names, and for programs and clusters that it needs and that
are not there.`,
		Example: "  k6 x llm experiment plan -f experiment.yml\n" +
			"  k6 x llm experiment plan -f experiment.yml --commands",
		Args: x.files(0),
		RunE: failing(func(cmd *cobra.Command, _ []string) error {
			p, err := x.plan()
			if err != nil {
				return err
			}
			refused := preflight(cmd, p, &screen{cmd: cmd})
			err = p.Write(cmd.OutOrStdout(), p.Doubts((&loadTool{gs: x.gs}).tool()))
			if commands && err == nil {
				err = p.WriteCommands(cmd.OutOrStdout())
			}
			return cmp.Or(err, refused)
		}),
	}
	x.registerAgain(cmd)
	cmd.Flags().BoolVar(&commands, "commands", false, "show the command of each deployment, too")
	return cmd
}

// preflight makes sure that what an experiment needs is here.
func preflight(cmd *cobra.Command, p *study.Plan, s *screen) error {
	if err := p.Preflight(cmd.Context(), s.line); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	return nil
}

// run runs the cells that are not done, and makes the page.
func (x *experimenting) run(cmd *cobra.Command) (err error) {
	e, err := x.read()
	if err != nil {
		return err
	}
	store, err := study.Lock(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Unlock()) }()
	tool := &loadTool{gs: x.gs}
	p, err := x.planned(e, store)
	if err != nil {
		return err
	}
	todo := p.ToRun()
	cmd.PrintErrln(plain.Terminal(p.Summary()))
	screen := &screen{cmd: cmd, terminal: x.gs.Stderr.IsTTY}
	if err := preflight(cmd, p, screen); err != nil {
		return err
	}
	ctx, hurry, stop := interrupts(cmd.Context())
	defer stop()
	r := &study.Runner{Plan: p, Program: version.Line("xk6-llm"), Start: startDeployment, Requests: tool.requests,
		Find: findReport, Tell: screen.line, Hurry: hurry,
		Run: func(ctx context.Context, t study.Test, url, log string) (int, error) {
			return runTest(ctx, t, url, log, screen)
		}}
	ended := r.Execute(ctx)
	if errors.Is(ended, study.ErrInterrupted) {
		cmd.PrintErrf("%d of %d cells are done; to go on: k6 x llm experiment -f %s; the page so far: k6 x llm "+
			"experiment %s\n", p.Done(), len(p.Cells), plain.Argument(x.file), plain.Argument(e.Directory))
		return errext.WithExitCodeIfNone(ended, exitcodes.ExternalAbort)
	}
	if len(todo) == 0 {
		cmd.PrintErrln("nothing is left to run")
	}
	paged := cli.WriteExperiment(cmd, e.Directory)
	if doubts := p.Doubts(tool.tool()); doubts != "" {
		cmd.PrintErrln(doubts)
	}
	if ended != nil && paged != nil {
		cmd.PrintErrln(plain.Message(paged))
	}
	return cmp.Or(ended, paged)
}

// failing gives an error without an exit code that of failure.
func failing(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var exit *cli.ExitError
		if err == nil || errors.As(err, &exit) {
			return err
		}
		return errext.WithExitCodeIfNone(err, exitcodes.ExitCode(cli.Failed))
	}
}

// startDeployment starts a deployment.
func startDeployment(ctx context.Context, s deploy.Spec, o deploy.Options) (study.Server, error) {
	d, err := deploy.Start(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// interrupts returns a context that ends with the first interrupt, and one that ends with the second.
func interrupts(parent context.Context) (ctx, hurry context.Context, stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	ctx, first := context.WithCancel(parent)
	hurry, second := context.WithCancel(context.WithoutCancel(parent))
	done := make(chan struct{})
	go func() {
		for _, cancel := range []func(){first, second} {
			select {
			case s := <-signals:
				if s == syscall.SIGHUP {
					signal.Ignore(syscall.SIGPIPE) // further output has nowhere to go
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, hurry, func() {
		signal.Stop(signals)
		close(done)
		first()
		second()
	}
}

// variantOf returns the deployment that arguments name.
func variantOf(e *study.Experiment, args []string) (*study.Variant, error) {
	v, err := e.Find(strings.Join(args, " "))
	if err != nil {
		return nil, errext.WithExitCodeIfNone(err, misuse)
	}
	return v, nil
}
