package manifests

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the goldens anew")

// options returns the options of a server as the command has them without flags.
func options(server string) Options {
	return Options{Server: server, Model: "org/model", Replicas: 1, GPUs: -1, Startup: DefaultStartup}
}

// Each kind of server has a golden, and one has all options. The Kubernetes types read them in examples/kubernetes.
func TestGoldens(t *testing.T) {
	t.Parallel()
	cases := map[string]Options{}
	for _, name := range Servers() {
		cases[name] = options(name)
	}
	cases["options"] = Options{
		Server: "vllm", Model: "org/model", Name: "big", Image: "registry:5000/vllm@sha256:0123", Replicas: 2, GPUs: 4,
		GPUResource: "amd.com/gpu", TensorParallel: 2, CPU: "8", Memory: "64Gi", SharedMemory: "16Gi", Port: 9000,
		CacheSize: "200Gi", TokenSecret: "hub/token", Startup: 45 * time.Minute,
		Args: []string{"--max-num-seqs=${seqs}", "--dtype", "no", "--seed", "1_000", "--pipeline-parallel-size=2",
			"--ssl-keyfile-password=$(PASSWORD)"},
		Environment: []string{"VLLM_LOGGING_LEVEL=DEBUG", "EMPTY="},
		Secrets:     []string{"VLLM_API_KEY=server/key", "PASSWORD=server"},
	}
	gpu := options("llama.cpp")
	gpu.Model, gpu.GPUs, gpu.Cache = "/models/m.gguf", 1, "models"
	cases["llama.cpp-gpu"] = gpu
	for name, o := range cases {
		files, err := Make(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path, got := filepath.Join("testdata", name+".yaml"), Join(files)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s%v", name, got, want, err)
		}
		if !strings.Contains(string(files[0].Text), "resources:") ||
			len(files) != strings.Count(string(got), "---\n")+2 {
			t.Errorf("%s: %d files, kustomization\n%s", name, len(files), files[0].Text)
		}
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(o *Options){
		`unknown server "vlm": did you mean "vllm"? (known are vllm, sglang, tgi, llama.cpp, sim)`: func(o *Options) {
			o.Server = "vlm"
		},
		"--model is missing: name the model that vllm serves": func(o *Options) { o.Model = "" },
		`--model "-x" is no name of a model`:                  func(o *Options) { o.Model = "-x" },
		`--model "a\nb" is no name of a model`:                func(o *Options) { o.Model = "a\nb" },
		"--replicas must be from 1 to 10000, got 0":           func(o *Options) { o.Replicas = 0 },
		"--gpus must be from 0 to 1024, got -2":               func(o *Options) { o.GPUs = -2 },
		"--tensor-parallel must be from 1 to 1, got 2":        func(o *Options) { o.TensorParallel = 2 },
		"--port must be from 1 to 65535, got -1":              func(o *Options) { o.Port = -1 },
		"--startup must be from 1m to 24h, got 1s":            func(o *Options) { o.Startup = time.Second },
		`--name wants lower-case letters, digits and -, a letter first, got "Big"`: func(o *Options) {
			o.Name = "Big"
		},
		`--memory wants a quantity such as 16Gi, got "16 GB"`: func(o *Options) { o.Memory = "16 GB" },
		`--image wants a name of an image, got "a b"`:         func(o *Options) { o.Image = "a b" },
		`--token-secret wants NAME or NAME/KEY, got "a b"`:    func(o *Options) { o.TokenSecret = "x/a b" },
		`--env wants NAME=VALUE, got "x"`:                     func(o *Options) { o.Environment = []string{"x"} },
		"--env HF_TOKEN: a manifest is no place for a secret": func(o *Options) {
			o.Environment = []string{"HF_TOKEN=hf_x"}
		},
		`--arg "a\nb" has a line break or a control character`: func(o *Options) { o.Args = []string{"a\nb"} },
		"--env HF_TOKEN: a manifest is no place for a secret: put it into a Secret and write --secret-env " +
			"HF_TOKEN=SECRET": func(o *Options) {
			o.Environment = []string{"HF_TOKEN="}
		},
		"--arg --api-key: a manifest is no place for a secret: write --secret-env API_KEY=SECRET, which " +
			"takes it from a Secret, and --arg '--api-key=$(API_KEY)'": func(o *Options) {
			o.Args = []string{"--api-key=sk-1"}
		},
		"--arg --api-key: a manifest is no": func(o *Options) { o.Args = []string{"--api-key", "sk-1"} },
		"--arg --api-key: a manifest":       func(o *Options) { o.Args = []string{"--api-key sk-1"} },
		`--secret-env wants NAME=SECRET or NAME=SECRET/KEY, got "KEY=…"`: func(o *Options) {
			o.Secrets = []string{"KEY=sk-A B"}
		},
		"--arg --port: leave it out and write --port PORT": func(o *Options) { o.Args = []string{"--port=9000"} },
		"--arg --host: leave it out":                       func(o *Options) { o.Args = []string{"--host", "::1"} },
		`--arg "--max-num-seqs 8" is one argument with a blank in it: write --arg --max-num-seqs=8`: func(o *Options) {
			o.Args = []string{"--max-num-seqs 8"}
		},
		"--tensor-parallel 2 leaves 1 of 3 GPUs unused: write --gpus 2": func(o *Options) {
			o.GPUs, o.TensorParallel = 3, 2
		},
		"--gpus 0: vllm/vllm-openai": func(o *Options) { o.GPUs = 0 },
		"--gpus: the simulator uses none": func(o *Options) {
			o.Server, o.GPUs = "sim", 1
		},
		"--cache: the simulator has no models to keep": func(o *Options) {
			o.Server, o.Cache = "sim", "models"
		},
		"--tensor-parallel: llama.cpp's server has none": func(o *Options) {
			o.Server, o.GPUs, o.TensorParallel = "llama.cpp", 2, 2
		},
	} {
		o := options("vllm")
		change(&o)
		if _, err := Make(o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// Texts stay texts, whatever they look like, and nothing gets out of them. Kubernetes replaces $(NAME) in arguments, so
// that the name of a model must not hold it.
func FuzzTextsStayTexts(f *testing.F) {
	for _, s := range []string{"org/model", "no", "1_000", "0x1f", "12:30", "~", "a: b", "#x", "'", "\"\\",
		"$(HF_TOKEN)", "\u2028", "{}", "*a", "1e3", ".inf", "=", "<<"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, model, arg string) {
		o := options("vllm")
		o.Model, o.Args = model, []string{arg}
		files, err := Make(o)
		if err != nil {
			return
		}
		var got struct {
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Args []any } }
				}
			}
		}
		if err := yaml.Unmarshal(files[1].Text, &got); err != nil {
			t.Fatalf("%q, %q: %v\n%s", model, arg, err, files[1].Text)
		}
		args := got.Spec.Template.Spec.Containers[0].Args
		want := strings.ReplaceAll(model, "$(", "$$(")
		if len(args) != 6 || args[0] != want || args[5] != arg {
			t.Errorf("got %q, want %q and %q\n%s", args, want, arg, files[1].Text)
		}
	})
}
