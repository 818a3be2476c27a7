package manifests

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Options says what to deploy.
type Options struct {
	Server         string // one of Servers
	Model          string
	Name           string // of the objects; "" means the server's
	Image          string // "" means the default
	Replicas       int
	GPUs           int    // for each replica; -1 means the default
	GPUResource    string // "" means DefaultGPU
	TensorParallel int    // 0 means GPUs
	CPU, Memory    string // that each replica requests; "" means the default
	SharedMemory   string // size of /dev/shm; "" means DefaultSharedMemory with GPUs, and none without
	Port           int    // 0 means the default
	Cache          string // claim of the volume for models; "" means one that ends with the pod
	CacheSize      string // makes the claim; "" means that it is there
	TokenSecret    string // NAME or NAME/KEY of the Secret with the token of the hub; "" means none
	Startup        time.Duration
	Args           []string // behind those of the server
	Environment    []string // NAME=value
	Secrets        []string // variables as NAME=SECRET or NAME=SECRET/KEY; the key is NAME if none is said
}

// Defaults of the options.
const (
	DefaultGPU          = "nvidia.com/gpu"
	DefaultSharedMemory = "8Gi"
	DefaultStartup      = 30 * time.Minute
	defaultTokenKey     = "HF_TOKEN"
)

// Bounds of the options.
const (
	mostReplicas, mostGPUs, mostPort = 10000, 1024, 65535
	longestName, longestModel        = 48, 1024 // a name gets suffixes
)

// Shapes of texts that Kubernetes takes.
var (
	nameShape     = regexp.MustCompile(`^[a-z](?:[-a-z0-9]*[a-z0-9])?$`)
	objectShape   = regexp.MustCompile(`^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$`)
	keyShape      = regexp.MustCompile(`^[-._A-Za-z0-9]{1,253}$`)
	quantityShape = regexp.MustCompile(`^[0-9]{1,15}(?:\.[0-9]{1,9})?(?:m|[kMGTPE]|[KMGTPE]i)?$`)
	resourceShape = regexp.MustCompile(`^[a-z0-9](?:[-.a-z0-9]{0,100}[a-z0-9])?/[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$`)
	imageShape    = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._/:@-]{0,511}$`)
	envShape      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// kind returns the server with a name.
func kind(name string) (*server, error) {
	for i := range servers {
		if servers[i].name == name {
			return &servers[i], nil
		}
	}
	hint := "known are " + strings.Join(Servers(), ", ")
	if near, ok := spelling.Nearest(name, Servers()); ok {
		hint = fmt.Sprintf("did you mean %q? (%s)", near, hint)
	}
	return nil, fmt.Errorf("unknown server %q: %s", name, hint)
}

// settled returns the options with the server's defaults, or what is wrong with them, in the words of the flags.
func (o Options) settled() (*Options, *server, error) {
	s, err := kind(o.Server)
	if err != nil {
		return nil, nil, err
	}
	o.Model, o.Name = cmp.Or(o.Model, s.model), cmp.Or(o.Name, strings.ReplaceAll(s.name, ".", "-"))
	if o.GPUs == -1 {
		o.GPUs = s.gpus
	}
	if o.Image == "" {
		if o.Image = s.gpuImage; o.GPUs == 0 || s.gpuImage == "" {
			o.Image = cmp.Or(s.image, s.gpuImage)
		}
	}
	o.GPUResource, o.Port, o.Startup = cmp.Or(o.GPUResource, DefaultGPU), cmp.Or(o.Port, s.port),
		cmp.Or(o.Startup, DefaultStartup)
	o.CPU, o.Memory = cmp.Or(o.CPU, s.cpu), cmp.Or(o.Memory, s.memory)
	if o.GPUs > 0 {
		o.SharedMemory = cmp.Or(o.SharedMemory, DefaultSharedMemory)
	}
	if s.whole && o.TensorParallel > 1 {
		return nil, nil, fmt.Errorf("--tensor-parallel: %s has none: leave it out", s.title)
	}
	o.TensorParallel = max(1, cmp.Or(o.TensorParallel, o.GPUs))
	if s.cache == "" && o.Cache+o.CacheSize != "" {
		return nil, nil, fmt.Errorf("--cache: %s has no models to keep: leave it out", s.title)
	}
	if o.CacheSize != "" {
		o.Cache = cmp.Or(o.Cache, o.Name+"-models")
	}
	if err := cmp.Or(o.checkNumbers(), o.checkTexts(), o.checkEnvironment(), o.checkArguments(),
		o.checkSecrets(), o.checkGPUs(s)); err != nil {
		return nil, nil, err
	}
	o.Model = strings.ReplaceAll(o.Model, "$(", "$$(") // Kubernetes replaces $(NAME) in arguments
	return &o, s, nil
}

func (o *Options) checkNumbers() error {
	for _, n := range []struct {
		flag        string
		value       int
		least, most int
	}{
		{"--replicas", o.Replicas, 1, mostReplicas}, {"--gpus", o.GPUs, 0, mostGPUs}, {"--port", o.Port, 1, mostPort},
		{"--tensor-parallel", o.TensorParallel, 1, max(1, o.GPUs)},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%s must be from %d to %d, got %d", n.flag, n.least, n.most, n.value)
		}
	}
	if o.Startup < time.Minute || o.Startup > 24*time.Hour {
		return fmt.Errorf("--startup must be from 1m to 24h, got %v", o.Startup)
	}
	return nil
}

func (o *Options) checkTexts() error {
	switch {
	case o.Model == "":
		return fmt.Errorf("--model is missing: name the model that %s serves", o.Server)
	case len(o.Model) > longestModel, strings.HasPrefix(o.Model, "-"), strings.ContainsFunc(o.Model, unicode.IsControl):
		return fmt.Errorf("--model %q is no name of a model", o.Model)
	case len(o.Name) > longestName:
		return fmt.Errorf("--name %q is longer than %d characters", o.Name, longestName)
	}
	name, key, _ := strings.Cut(o.TokenSecret, "/")
	for _, t := range []struct {
		flag, value, wants string
		shape              *regexp.Regexp
	}{
		{"--name", o.Name, "lower-case letters, digits and -, a letter first", nameShape},
		{"--image", o.Image, "a name of an image", imageShape},
		{"--gpu-resource", o.GPUResource, "a name such as " + DefaultGPU, resourceShape},
		{"--cpu", o.CPU, "a quantity such as 4 or 500m", quantityShape},
		{"--memory", o.Memory, "a quantity such as 16Gi", quantityShape},
		{"--shm", o.SharedMemory, "a quantity such as 8Gi", quantityShape},
		{"--cache", o.Cache, "a name of a claim", objectShape},
		{"--cache-size", o.CacheSize, "a quantity such as 200Gi", quantityShape},
		{"--token-secret", name, "NAME or NAME/KEY", objectShape},
		{"--token-secret", key, "NAME or NAME/KEY", keyShape},
	} {
		if t.value != "" && !t.shape.MatchString(t.value) {
			return fmt.Errorf("%s wants %s, got %q", t.flag, t.wants, t.value)
		}
	}
	return nil
}

func (o *Options) checkEnvironment() error {
	for _, pair := range o.Environment {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok || !envShape.MatchString(name):
			return fmt.Errorf("--env wants NAME=VALUE, got %q", pair)
		case secret.Named(name):
			return fmt.Errorf("--env %s: a manifest is no place for a secret: put it into a Secret and write "+
				"--secret-env %[1]s=SECRET", name)
		case strings.ContainsFunc(value, unicode.IsControl):
			return fmt.Errorf("--env %s: the value has a line break or a control character", name)
		}
	}
	return nil
}
