package command

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newSim returns the command `k6 x llm sim`.
func newSim() *cobra.Command {
	opts, address, port, count, behind := sim.DefaultOptions(), "127.0.0.1", 8000, 1, ""
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated model",
		Long: `Serve a simulated model with an OpenAI-compatible API: /v1/chat/completions,
/v1/completions, /v1/models, /health, /metrics with the metric names of vLLM,
SGLang, TGI or DCGM, and /sim/requests, which lists the true instants of each
request.

Token k of a request is sent at its admission + ttft + prompt tokens ×
prompt-time + k × itl. The figures are invented and say nothing about any
model.

With --endpoints it is several servers on consecutive ports, each with places,
metrics and truths of its own. With --events it stops, becomes slow or cold, has
more places, or goes away, at times since its first request. With --proxy it is
no model, but a gateway before a server, of which the proxy options say what it
does to answers.`,
		Example: `  k6 x llm sim --port 8000 --ttft 100ms --itl 20ms --max-num-seqs 64
  k6 x llm sim --tokenizer org/model --prompt-time 100us
  k6 x llm sim --metrics sglang,dcgm
  k6 x llm sim --max-num-seqs 8 --scheduling fair --weights 0=3,1=1
  k6 x llm sim --max-num-seqs 8 --on-cancel never
  k6 x llm sim --events '10s stop 5s; 20s slow x2 10s; 30s places 8'
  k6 x llm sim --port 18080 --endpoints 3
  k6 x llm sim --port 18090 --proxy http://127.0.0.1:18080 --proxy-delay 5ms
  k6 run -e BASE_URL=http://127.0.0.1:8000/v1 scripts/sharegpt.js`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmp.Or(ofProxy(cmd, behind), checkSim(&opts, count, behind)); err != nil {
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
			return serve(cmd, func() ([]served, error) {
				if behind != "" {
					return listenProxy(net.JoinHostPort(address, strconv.Itoa(port)), behind, opts.Proxy)
				}
				return listen(address, port, count, opts)
			}, int64(min(opts.MaxNumSeqs, maxReserved)))
		},
	}
	cmd.Flags().StringVar(&address, "host", address, "address to listen on")
	cmd.Flags().IntVar(&port, "port", port, "port to listen on, 0 for any")
	cmd.Flags().IntVar(&count, "endpoints", count, "servers, on consecutive ports")
	cmd.Flags().StringVar(&behind, "proxy", "", "serve a proxy before the server with this base URL")
	for _, f := range sim.Flags() {
		cmd.Flags().Func(f.Name, f.Usage, func(value string) error { return f.Set(&opts, value) })
	}
	return cmd
}

// maxReserved bounds the connections for which there is room in the table of open files from the start.
const maxReserved = 1 << 16

// maxEndpoints bounds the servers of one process.
const maxEndpoints = 1000

// checkSim checks the options of the command.
func checkSim(o *sim.Options, count int, behind string) error {
	switch {
	case count < 1 || count > maxEndpoints:
		return fmt.Errorf("--endpoints must be from 1 to %d, got %d", maxEndpoints, count)
	case behind != "" && count > 1:
		return errors.New("--endpoints and --proxy exclude each other: start one proxy for each server")
	}
	return o.Validate()
}

// ofProxy refuses the options of a simulator that a proxy has no use for.
func ofProxy(cmd *cobra.Command, behind string) error {
	if behind == "" {
		return nil
	}
	for _, f := range sim.Flags() {
		if cmd.Flags().Changed(f.Name) && !strings.HasPrefix(f.Name, "proxy-") {
			return fmt.Errorf("--%s has no effect with --proxy: give it to the server behind the proxy", f.Name)
		}
	}
	return nil
}

// served is a server of the command.
type served interface {
	URL() string
	Close() error
}

// listen starts servers on consecutive ports, or each on any if the port is 0. The named have numbers in their names.
func listen(address string, port, count int, opts sim.Options) (list []served, err error) {
	name := opts.Name
	for i := range count {
		at := 0
		if port != 0 {
			at = port + i
		}
		if name != "" && count > 1 {
			opts.Name = fmt.Sprint(name, "-", i+1)
		}
		server, err := sim.Listen(net.JoinHostPort(address, strconv.Itoa(at)), opts)
		if err != nil {
			return list, err
		}
		list = append(list, server)
	}
	return list, nil
}

func listenProxy(addr, target string, o sim.ProxyOptions) ([]served, error) {
	proxy, err := sim.ListenProxy(addr, target, o)
	if err != nil {
		return nil, err
	}
	return []served{proxy}, nil
}

// serve runs servers until an interrupt, after it has made room for so many connections.
func serve(cmd *cobra.Command, start func() ([]served, error), places int64) (err error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	host.Reserve(places)
	host.CalmCollector()
	list, err := start()
	defer func() {
		for _, s := range list {
			err = errors.Join(err, s.Close())
		}
	}()
	if err != nil {
		return err
	}
	cmd.PrintErrln("simulated model server: its figures are made up and say nothing about any model; Ctrl-C ends it")
	for _, s := range list {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), s.URL()+"/v1"); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}
