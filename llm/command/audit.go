package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/internal/audit"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// Exit codes of an audit.
const (
	leaked    exitcodes.ExitCode = 1
	undecided exitcodes.ExitCode = 4
)

// newAudit returns the command `k6 x llm audit`.
func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "See what a server does when its users leave",
		Long:    "See what a server does in a case that no load test shows by itself.",
		Example: "  k6 x llm audit cancel localhost:8000",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown audit %q: there is one, cancel", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			return errext.WithExitCodeIfNone(errors.New("which audit? There is one: cancel"), misuse)
		},
	}
	cmd.AddCommand(newAuditCancel())
	return cmd
}

// canceling are the flags of `k6 x llm audit cancel`.
type canceling struct {
	server serverFlags
	places int
	wait   string
	format string
}

func newAuditCancel() *cobra.Command {
	c := &canceling{}
	cmd := &cobra.Command{
		Use:   "cancel URL",
		Short: "See whether a server frees the places of users who left",
		Long: `See whether a server frees the places of users who close their connections, or
goes on to generate for nobody.

The audit takes all places with long answers, closes the requests that wait and
then those being answered, each at one instant, and sends new ones at once: what
their TTFT is above that of the idle server is how long the places stayed taken.
The server's page of metrics tells the same, and counts the tokens. It opens up
to 512 streams, takes less than a minute, and wants the server for itself.

URL is that of k6 x llm probe.

Exit code: 0 FREED; 1 LEAKED; 2 misuse; 4 UNDECIDED.`,
		Example: `  k6 x llm audit cancel localhost:8000
  k6 x llm audit cancel https://api.example.com/v1 --api-key-env API_KEY
  k6 x llm audit cancel localhost:8000 --places 64 --format json`,
		Args: oneServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := c.options(cmd, args[0])
			if err != nil {
				return errext.WithExitCodeIfNone(err, misuse)
			}
			return c.run(cmd, opts)
		},
	}
	flags := cmd.Flags()
	c.server.register(flags)
	flags.Lookup("timeout").Usage = fmt.Sprintf("`TIME` to find out what the server is (default %v)",
		probe.DefaultTimeout)
	flags.IntVar(&c.places, "places", 0, "`NUMBER` of requests that the server works on at once (default: find out)")
	flags.StringVar(&c.wait, "wait", "", fmt.Sprintf("`TIME` after which a place that is taken is leaked (default %v)",
		audit.DefaultWait))
	flags.StringVar(&c.format, "format", "text", "`FORM` of the result: text or json")
	return cmd
}

func (c *canceling) options(cmd *cobra.Command, url string) (o audit.Options, err error) {
	if o.Options, err = c.server.probe(cmd, url); err != nil {
		return o, err
	}
	if c.format != "text" && c.format != "json" {
		return o, fmt.Errorf("--format: must be text or json, got %q", c.format)
	}
	if c.wait != "" {
		if o.Wait, err = timespan.Parse(c.wait); err != nil {
			return o, fmt.Errorf("--wait: %w", err)
		}
	}
	if cmd.Flags().Changed("places") && c.places < 1 {
		return o, fmt.Errorf("--places: must be from 1 to %d, got %d", audit.MostPlaces, c.places)
	}
	o.Places, o.Tell = c.places, func(line string) { cmd.PrintErrln(line + " …") }
	return o, nil
}

func (c *canceling) run(cmd *cobra.Command, o audit.Options) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	result, err := audit.Run(ctx, o)
	switch {
	case ctx.Err() != nil:
		return errext.WithExitCodeIfNone(errors.New("interrupted: no verdict, and all requests are closed"),
			exitcodes.ExternalAbort)
	case err != nil:
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if err := c.write(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	code := map[string]exitcodes.ExitCode{audit.Leaked: leaked, audit.Undecided: undecided}[result.Verdict]
	if code == 0 {
		return nil
	}
	return errext.WithExitCodeIfNone(errors.New("the audit says "+result.Verdict), code)
}

func (c *canceling) write(w io.Writer, result *audit.Result) error {
	if c.format == "text" {
		return result.WriteText(w, columnsOf(w))
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, plain.JSON(text))
	return err
}
