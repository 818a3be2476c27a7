package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/internal/manifests"
)

// manifesting implements `k6 x llm manifests`.
type manifesting struct {
	options      manifests.Options
	startup, out string
	force, list  bool
}

func newManifests() *cobra.Command {
	m := &manifesting{}
	cmd := &cobra.Command{
		Use:   "manifests SERVER --model MODEL",
		Short: "Make Kubernetes manifests of a model server",
		Long: `Make Kubernetes manifests of a model server: a Deployment with probes that allow
for a slow start, GPUs and tensor parallelism, shared memory, a volume for
models and the token of the hub from a Secret; and its Service.

SERVER is vllm, sglang, tgi, llama.cpp or sim, the simulator; --list shows their
default images. The manifests go to the standard output, or with -o as a
kustomization into a directory, which an experiment takes as a deployment
(docs/experiments.md). What is special in your cluster, such as tolerations, is
best said in an overlay of that.

Exit code: 0; 2 for misuse.`,
		Example: `  k6 x llm manifests vllm --model org/model --replicas 2 | kubectl apply -f -
  k6 x llm manifests vllm --model org/model --gpus 4 \
      --token-secret llm-keys --cache-size 200Gi -o deploy
  k6 x llm manifests sglang --model org/model --arg --mem-fraction-static=0.8
  k6 x llm manifests vllm --model org/model \
      --arg '--max-num-seqs=${seqs}' -o deploy
  k6 x llm manifests vllm --model org/model --secret-env VLLM_API_KEY=llm-keys
  k6 x llm manifests llama.cpp --model org/model-GGUF:Q4_K_M --gpus 1
  k6 x llm manifests sim --arg --max-num-seqs=8`,
		Args: func(cmd *cobra.Command, args []string) error {
			if m.list {
				return cobra.NoArgs(cmd, args)
			}
			if len(args) > 1 {
				return fmt.Errorf("%q is one argument too many: those of the server follow --arg, each", args[1])
			}
			if len(args) == 0 {
				return fmt.Errorf("which server? One of %s", strings.Join(manifests.Servers(), ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.list {
				return printImages(cmd)
			}
			m.options.Server = args[0]
			return m.run(cmd)
		},
	}
	m.flags(cmd)
	return cmd
}

// flags adds the flags.
func (m *manifesting) flags(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &m.options
	flags.SortFlags = false
	flags.StringVar(&o.Model, "model", "", "`MODEL` to serve, as the server takes it")
	flags.StringVar(&o.Name, "name", "", "`NAME` of the objects (default that of the server)")
	flags.StringVar(&o.Image, "image", "", "`IMAGE` (default: see --list)")
	flags.IntVar(&o.Replicas, "replicas", 1, "`NUMBER` of servers behind the Service")
	flags.IntVar(&o.GPUs, "gpus", -1, "`NUMBER` of GPUs of each (default 1; 0 for llama.cpp and sim)")
	flags.Lookup("gpus").DefValue = "0" // which the help leaves out; -1 would be read as a number of GPUs
	flags.StringVar(&o.GPUResource, "gpu-resource", manifests.DefaultGPU, "`RESOURCE` that stands for GPUs")
	flags.IntVar(&o.TensorParallel, "tensor-parallel", 0, "`NUMBER` of GPUs that share a layer (default all)")
	flags.StringVar(&o.CPU, "cpu", "", "`CPUS` that each requests (default by server)")
	flags.StringVar(&o.Memory, "memory", "", "`SIZE` of memory that each requests (default by server)")
	flags.StringVar(&o.SharedMemory, "shm", "", "`SIZE` of /dev/shm (default "+manifests.DefaultSharedMemory+
		" with GPUs)")
	flags.IntVar(&o.Port, "port", 0, "`PORT` (default that of the server)")
	flags.StringVar(&o.Cache, "cache", "", "`CLAIM` of a volume for models (default: the pod's)")
	flags.StringVar(&o.CacheSize, "cache-size", "", "`SIZE` of such a claim, which is made, too")
	flags.StringVar(&o.TokenSecret, "token-secret", "", "`NAME` or NAME/KEY of the Secret with HF_TOKEN")
	flags.StringVar(&m.startup, "startup", "30m", "`TIME` that the server may take to be ready")
	flags.StringArrayVar(&o.Args, "arg", nil, "further `ARGUMENT` of the server; repeatable")
	flags.StringArrayVar(&o.Environment, "env", nil, "variable `NAME=VALUE` of the server; repeatable")
	flags.StringArrayVar(&o.Secrets, "secret-env", nil, "variable `NAME=SECRET` or NAME=SECRET/KEY; repeatable")
	flags.StringVarP(&m.out, "out", "o", "", "write a kustomization into `DIRECTORY`")
	flags.BoolVar(&m.force, "force", false, "replace the files in the directory")
	flags.BoolVar(&m.list, "list", false, "list the servers with their images")
}

func (m *manifesting) run(cmd *cobra.Command) error {
	startup, err := timespan.Parse(m.startup)
	if err != nil {
		return errext.WithExitCodeIfNone(fmt.Errorf("--startup: %w", err), misuse)
	}
	if cmd.Flags().Changed("gpus") && m.options.GPUs < 0 {
		return errext.WithExitCodeIfNone(fmt.Errorf("--gpus %d: write 0 or more", m.options.GPUs), misuse)
	}
	m.options.Startup = startup
	files, err := manifests.Make(m.options)
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if m.out == "" {
		_, err := cmd.OutOrStdout().Write(manifests.Join(files))
		return err
	}
	if err := m.write(files); err != nil {
		return errext.WithExitCodeIfNone(err, cli.Failed)
	}
	next := "kubectl apply -k " + plain.Argument(m.out) + " deploys it"
	if bytes.Contains(manifests.Join(files), []byte("${")) {
		next = "it has references for an experiment, which deploys it (docs/experiments.md)"
	}
	cmd.PrintErrf("%s: %s\n", plain.Terminal(m.out), next)
	return nil
}

// write writes the files into the directory, unless one of them is there.
func (m *manifesting) write(files []manifests.File) error {
	o := outfile.Options{Replace: m.force}
	if err := os.MkdirAll(m.out, 0o750); err != nil {
		return err
	}
	for _, f := range files {
		if err := outfile.Check(filepath.Join(m.out, f.Name), o); err != nil {
			return errext.WithExitCodeIfNone(err, misuse)
		}
	}
	for _, f := range files {
		if err := outfile.WriteBytes(filepath.Join(m.out, f.Name), o, f.Text); err != nil {
			return err
		}
	}
	return nil
}

// printImages lists the servers.
func printImages(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, line := range manifests.Images() {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return w.Flush()
}
