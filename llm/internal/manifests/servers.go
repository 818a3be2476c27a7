package manifests

import (
	"strconv"
	"strings"
)

// server is a kind of server for which there are manifests. One more needs an entry in servers alone.
type server struct {
	name     string
	title    string
	image    string // without GPUs; "" means the same as with
	gpuImage string
	gpus     int // by default, for each replica
	command  []string
	// args returns the arguments, which set the model and the address. Those of the user follow.
	args func(o *Options) []string
	port int // by default
	// cache is the variable that names the folder of models; "" means that there are none.
	cache       string
	cpu, memory string // by default
	whole       bool   // GPUs are used as one without tensor parallelism
	user        int    // of the image, if it is not root; 0 means that the image decides
	model       string // by default; "" means that one has to be named
}

// servers lists the kinds, the most usual first. The versions of the images are those of November 2026.
var servers = []server{
	{
		name: "vllm", title: "vLLM", gpuImage: "vllm/vllm-openai:v0.32.0", gpus: 1, port: 8000, cache: "HF_HOME",
		cpu: "4", memory: "16Gi", command: []string{"vllm", "serve"},
		args: func(o *Options) []string {
			return append([]string{o.Model}, o.listening("--tensor-parallel-size")...)
		},
	},
	{
		name: "sglang", title: "SGLang", gpuImage: "lmsysorg/sglang:v0.5.18", gpus: 1, port: 30000, cache: "HF_HOME",
		cpu: "4", memory: "16Gi", command: []string{"python3", "-m", "sglang.launch_server"},
		args: func(o *Options) []string {
			args := []string{"--model-path", o.Model, "--enable-metrics"}
			return append(args, o.listening("--tensor-parallel-size")...)
		},
	},
	{
		name: "tgi", title: "Text Generation Inference", port: 8080, gpus: 1, cache: "HUGGINGFACE_HUB_CACHE",
		gpuImage: "ghcr.io/huggingface/text-generation-inference:3.3.5", cpu: "4", memory: "16Gi",
		args: func(o *Options) []string {
			args := []string{"--model-id", o.Model, "--hostname", "0.0.0.0", "--port", strconv.Itoa(o.Port)}
			if o.TensorParallel > 1 {
				args = append(args, "--num-shard", strconv.Itoa(o.TensorParallel))
			}
			return args
		},
	},
	{
		name: "llama.cpp", title: "llama.cpp's server", image: "ghcr.io/ggml-org/llama.cpp:server-b11206",
		gpuImage: "ghcr.io/ggml-org/llama.cpp:server-cuda-b11243", port: 8080, cache: "LLAMA_CACHE", cpu: "2",
		memory: "4Gi", whole: true,
		args: func(o *Options) []string {
			from := "--hf-repo"
			if strings.HasSuffix(o.Model, ".gguf") {
				from = "--model"
			}
			args := append([]string{from, o.Model}, o.listening("")...)
			if args = append(args, "--metrics"); o.GPUs > 0 {
				args = append(args, "--n-gpu-layers", "999")
			}
			return args
		},
	},
	{
		name: "sim", title: "the simulator", image: "xk6-llm:dev", port: 8000, cpu: "500m", memory: "256Mi",
		user: 65532, model: "sim", whole: true,
		args: func(o *Options) []string {
			return append([]string{"x", "llm", "sim", "--model", o.Model}, o.listening("")...)
		},
	},
}

// listening returns the arguments of the address, and of tensor parallelism if the flag has a name.
func (o *Options) listening(parallel string) []string {
	args := []string{"--host", "0.0.0.0", "--port", strconv.Itoa(o.Port)}
	if parallel != "" && o.TensorParallel > 1 {
		args = append(args, parallel, strconv.Itoa(o.TensorParallel))
	}
	return args
}

// Servers returns the names of the kinds.
func Servers() (names []string) {
	for _, s := range servers {
		names = append(names, s.name)
	}
	return names
}

// Images returns a line about each kind: its name, what it is, and the image that it has by default.
func Images() (lines []string) {
	for _, s := range servers {
		image := s.gpuImage
		if s.gpus == 0 {
			image = s.image
		}
		lines = append(lines, s.name+"\t"+s.title+"\t"+image)
	}
	return lines
}
