package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
	"github.com/seed-307b789f/xk6-llm/llm/internal/study"
)

func (x *experimenting) newUp() *cobra.Command {
	return &cobra.Command{
		Use:   "up -f FILE [DEPLOYMENT]",
		Short: "Start one deployment of an experiment, and leave it running",
		Long: `Start one deployment of an experiment, wait until it is ready, and print its URL.
It goes on to run until down, or until a run of the experiment has cells to run.

DEPLOYMENT is its name, with the parameters of a matrix as plan shows them. It
may be left out if there is one. After Ctrl-C the deployment is stopped.`,
		Example: `  k6 x llm experiment up -f experiment.yml 'server slots=4'
  k6 x llm bench "$(k6 x llm experiment up -f experiment.yml)" --rate 2`,
		Args: x.files(1),
		RunE: failing(x.up),
	}
}

func (x *experimenting) newWait() *cobra.Command {
	return &cobra.Command{
		Use:   "wait -f FILE",
		Short: "Wait until the deployment that is up is ready",
		Long: `Wait until the deployment that up has started answers, as its section ready says,
and print its URL.`,
		Example: "  k6 x llm experiment wait -f experiment.yml",
		Args:    x.files(0),
		RunE:    failing(x.wait),
	}
}

func (x *experimenting) newDown() *cobra.Command {
	return &cobra.Command{
		Use:   "down -f FILE",
		Short: "Stop the deployment that is up",
		Long: `Stop the deployment that up has started, or that an experiment which was killed
has left. It is no error if nothing runs.`,
		Example: "  k6 x llm experiment down -f experiment.yml",
		Args:    x.files(0),
		RunE:    failing(x.down),
	}
}

// options returns where a deployment of an experiment leaves its traces.
func (x *experimenting) options(cmd *cobra.Command, store *study.Store, v *study.Variant) deploy.Options {
	screen := &screen{cmd: cmd}
	return deploy.Options{Log: store.Log(v.Label), State: store.State(), Detached: true,
		Progress: func(line string) { screen.line(v.Relabeled(line)) }}
}

// up starts a deployment, and leaves it.
func (x *experimenting) up(cmd *cobra.Command, args []string) (err error) {
	e, err := x.read()
	if err != nil {
		return err
	}
	v, err := variantOf(e, args)
	if err != nil {
		return err
	}
	store, err := study.Lock(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Unlock()) }()
	if runs, err := deploy.Running(cmd.Context(), store.State()); err != nil || runs {
		if err == nil {
			err = fmt.Errorf("%s is up: stop it first, by k6 x llm experiment down -f %s", store.Up(),
				plain.Argument(x.file))
		}
		return err
	}
	ctx, hurry, stop := interrupts(cmd.Context())
	defer stop()
	spec := v.Spec()
	if spec.Requests, err = (&loadTool{gs: x.gs}).requests(v.Flags(e)); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	d, err := deploy.Start(ctx, spec, x.options(cmd, store, v))
	if err != nil {
		return err
	}
	if err = errors.Join(store.SetUp(v.Label), x.ready(ctx, cmd, d)); err != nil {
		return errors.Join(err, d.Stop(hurry))
	}
	return nil
}

// ready waits for a deployment, and prints its URL.
func (x *experimenting) ready(ctx context.Context, cmd *cobra.Command, d *deploy.Deployment) error {
	err := d.Wait(ctx)
	var failure *deploy.Failure
	switch {
	case ctx.Err() != nil:
		return errext.WithExitCodeIfNone(study.ErrInterrupted, exitcodes.ExternalAbort)
	case errors.As(err, &failure):
		for _, line := range failure.Lines {
			cmd.PrintErrln("  |", line)
		}
		return err
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), d.URL())
	return err
}

// wait waits for the deployment that is up.
func (x *experimenting) wait(cmd *cobra.Command, _ []string) error {
	e, err := x.read()
	if err != nil {
		return err
	}
	store, err := study.Open(e)
	if err != nil {
		return err
	}
	v, err := e.Find(store.Up())
	if err != nil {
		return fmt.Errorf("no deployment is up: start one by k6 x llm experiment up -f %s", plain.Argument(x.file))
	}
	spec := v.Spec()
	if spec.Requests, err = (&loadTool{gs: x.gs}).requests(v.Flags(e)); err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	ctx, _, stop := interrupts(cmd.Context())
	defer stop()
	d, err := deploy.Open(spec, x.options(cmd, store, v))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no deployment is up: start one by k6 x llm experiment up -f %s", plain.Argument(x.file))
	} else if err != nil {
		return err
	}
	return x.ready(ctx, cmd, d)
}

// down stops the deployment that is up.
func (x *experimenting) down(cmd *cobra.Command, _ []string) (err error) {
	e, err := x.read()
	if err != nil {
		return err
	}
	store, err := study.Lock(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Unlock()) }()
	ctx, _, stop := interrupts(cmd.Context())
	defer stop()
	state, stateErr := deploy.ReadState(store.State())
	down, err := deploy.Down(ctx, deploy.Options{State: store.State()})
	if err != nil {
		return err
	}
	label := cmp.Or(store.Up(), "the deployment")
	switch {
	case !down:
		label = "nothing was up"
	case stateErr == nil && state.Kind == deploy.There:
		label += " goes on: it was there before"
	default:
		label += " is stopped"
	}
	cmd.PrintErrln(plain.Terminal(label))
	return store.SetUp("")
}
