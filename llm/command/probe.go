package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/terminal"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// probing are the flags of `k6 x llm probe`.
type probing struct {
	server         serverFlags
	ignoreEOS      bool
	maxTokensField string
	json           bool
}

// newProbe returns the command `k6 x llm probe`.
func newProbe() *cobra.Command {
	p := &probing{}
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Ask a server what a load test needs to know of it",
		Long: `Ask a server, with a few requests of 16 tokens, what a load test needs to know:
where its API is, which models it serves, whether it needs a key, whether it
streams, what it reports, and which fields of a request it keeps or refuses.

URL is a host, with or without http://, the root of an API, or an endpoint;
sim: is the built-in simulator.

Exit code: 0; 1 if the server cannot be used; 2 for misuse.`,
		Example: `  k6 x llm probe localhost:8000
  k6 x llm probe https://api.example.com/v1 --api-key-env API_KEY
  k6 x llm probe localhost:8000 --json`,
		Args: oneServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := p.server.probe(cmd, args[0])
			if err != nil {
				return errext.WithExitCodeIfNone(err, misuse)
			}
			opts.IgnoreEOS, opts.MaxTokensField = p.ignoreEOS, p.maxTokensField
			return p.run(cmd, opts)
		},
	}
	flags := cmd.Flags()
	p.server.register(flags)
	flags.Lookup("timeout").Usage = fmt.Sprintf("`TIME` of the whole probe (default %v)",
		probe.DefaultTimeout)
	flags.BoolVar(&p.ignoreEOS, "ignore-eos", true, "see if answers go on to the length")
	flags.StringVar(&p.maxTokensField, "max-tokens-field", "", "`FIELD` that limits answers, if not max_tokens")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	return cmd
}

// probe returns the options of a probe with these flags.
func (s *serverFlags) probe(cmd *cobra.Command, url string) (opts probe.Options, err error) {
	opts = probe.Options{
		URL: url, Endpoint: s.endpoint, Model: s.model, APIKeyHeader: s.apiKeyHeader,
		Tokenizer: func(name string) (sim.Tokenizer, error) { return openCounter(cmd.Context(), name, cmd.PrintErrf) },
	}
	if opts.Transport, err = probeTransport(s.files); err != nil {
		return opts, err
	}
	if s.api != "" {
		if opts.API, err = api.ByName(s.api); err != nil {
			return opts, fmt.Errorf("--api: %w", err)
		}
	}
	if s.apiKeyEnv != "" {
		if opts.APIKey = os.Getenv(s.apiKeyEnv); opts.APIKey == "" {
			return opts, fmt.Errorf("--api-key-env: the environment has no variable %q", s.apiKeyEnv)
		}
	}
	if s.timeout != "" {
		if opts.Timeout, err = timespan.Parse(s.timeout); err != nil {
			return opts, fmt.Errorf("--timeout: %w", err)
		}
	}
	if text, err := headersJSON(s.headers); err != nil {
		return opts, err
	} else if err := json.Unmarshal([]byte(text), &opts.Headers); err != nil {
		return opts, err
	}
	opts.Body, err = s.fields()
	return opts, err
}

// fields returns the further fields of requests. Its error shows no value, which may be a secret.
func (s *serverFlags) fields() (api.Extra, error) {
	if s.body == "" {
		return nil, nil
	}
	extra, err := extraFields([]byte(s.body))
	if err != nil {
		return nil, fmt.Errorf("--body: %w", err)
	}
	return extra, nil
}

// extraFields reads further fields of requests.
func extraFields(text []byte) (api.Extra, error) {
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return nil, errors.New(`needs a JSON object such as {"temperature": 0}`)
	}
	return api.ParseExtra(fields)
}

func (p *probing) run(cmd *cobra.Command, opts probe.Options) error {
	result, err := probe.Run(cmd.Context(), opts)
	if ctx := cmd.Context().Err(); ctx != nil {
		return ctx
	}
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if err := writeProbe(cmd.OutOrStdout(), result, p.json); err != nil {
		return err
	}
	if err := result.Err(); err != nil {
		return errext.WithExitCodeIfNone(err, cli.Failed)
	}
	return nil
}

func writeProbe(w io.Writer, result *probe.Result, asJSON bool) error {
	if !asJSON {
		return result.WriteText(w, columnsOf(w))
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// columnsOf returns how many columns the lines of a probe have: those of a terminal, or else 80.
func columnsOf(w io.Writer) int { return cmp.Or(terminal.Columns(w), 80) }
