package command

import (
	"fmt"
	"net"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newSim returns the command `k6 x llm sim`.
func newSim() *cobra.Command {
	opts, address, port := sim.DefaultOptions(), "127.0.0.1", 8000
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated model",
		Long: `Serve a simulated model with an OpenAI-compatible API: /v1/chat/completions,
/v1/completions, /v1/models, /health, /metrics with the metric names of vLLM,
SGLang, TGI or DCGM, and /sim/requests, which lists the true instants of each
request.

Token k of a request is sent at its admission + ttft + prompt tokens ×
prompt-time + k × itl. The figures are invented and say nothing about any
model.`,
		Example: `  k6 x llm sim --port 8000 --ttft 100ms --itl 20ms --max-num-seqs 64
  k6 x llm sim --tokenizer org/model --prompt-time 100us
  k6 x llm sim --metrics sglang,dcgm
  k6 run -e BASE_URL=http://127.0.0.1:8000/v1 scripts/sharegpt.js`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.Validate(); err != nil {
				return errext.WithExitCodeIfNone(err, misuse)
			}
			if opts.Tokenizer != "" {
				counter, err := openCounter(cmd.Context(), opts.Tokenizer, cmd.PrintErrf)
				if err != nil {
					return fmt.Errorf("tokenizer %q: %w", opts.Tokenizer, err)
				}
				if err := opts.Use(counter); err != nil {
					return err
				}
			}
			return serve(cmd, net.JoinHostPort(address, strconv.Itoa(port)), opts)
		},
	}
	cmd.Flags().StringVar(&address, "host", address, "address to listen on")
	cmd.Flags().IntVar(&port, "port", port, "port to listen on, 0 for any")
	for _, f := range sim.Flags() {
		cmd.Flags().Func(f.Name, f.Usage, func(value string) error { return f.Set(&opts, value) })
	}
	return cmd
}

// maxReserved bounds the connections for which there is room in the table of open files from the start.
const maxReserved = 1 << 16

// serve runs the server until an interrupt.
func serve(cmd *cobra.Command, addr string, opts sim.Options) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	host.Reserve(int64(min(opts.MaxNumSeqs, maxReserved)))
	host.CalmCollector()
	server, err := sim.Listen(addr, opts)
	if err != nil {
		return err
	}
	cmd.PrintErrln("simulated model server: its figures are made up and say nothing about any model; Ctrl-C ends it")
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), server.URL()+"/v1"); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Close()
}
