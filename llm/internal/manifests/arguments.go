package manifests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// settledBy lists the arguments that flags stand for, which more than the arguments of the server follow.
var settledBy = map[string]string{
	"--port":     "--port PORT, which the probes and the Service follow",
	"--host":     "nothing: the server listens on all addresses",
	"--hostname": "nothing: the server listens on all addresses",
}

// Arguments of users.
var (
	blankInFlag = regexp.MustCompile(`^(--?[A-Za-z][\w.-]*)[ \t]+(.*)$`)
	// parallel matches arguments that put more GPUs to use than share a layer.
	parallel = regexp.MustCompile(`^(?:--[a-z-]*parallel[a-z-]*|--?[pdet]p(?:-size)?|--num-shard)(?:=|$)`)
)

// checkArguments refuses what the server would not understand, and what does not belong in a manifest.
func (o *Options) checkArguments() error {
	for i, arg := range o.Args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(o.Args) {
			value = o.Args[i+1]
		}
		switch found := blankInFlag.FindStringSubmatch(arg); {
		case isSecret(name, value):
			return fmt.Errorf("--arg %s: a manifest is no place for a secret: write --secret-env %s=SECRET, "+
				"which takes it from a Secret, and --arg '%s=$(%[2]s)', if the server does not read that variable",
				name, variableOf(name), name)
		case strings.ContainsFunc(arg, unicode.IsControl):
			return fmt.Errorf("--arg %q has a line break or a control character", arg)
		case found != nil && isSecret(found[1], found[2]):
			return fmt.Errorf("--arg %s: a manifest is no place for a secret: take it from a Secret by --secret-env",
				found[1])
		case found != nil:
			return fmt.Errorf("--arg %q is one argument with a blank in it: write --arg %s=%s", arg, found[1], found[2])
		case settledBy[name] != "":
			return fmt.Errorf("--arg %s: leave it out and write %s", name, settledBy[name])
		}
	}
	return nil
}

// isSecret reports whether an argument is a flag with a secret that stands there as it is.
func isSecret(name, value string) bool {
	return strings.HasPrefix(name, "-") && value != "" && secret.Named(strings.TrimLeft(name, "-")) &&
		!strings.HasPrefix(value, "$(") && !strings.HasPrefix(value, "-")
}

// variableOf makes the name of a variable of that of a flag.
func variableOf(flag string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(strings.TrimLeft(flag, "-")))
}

// checkGPUs refuses GPUs that a server would not use, or not find.
func (o *Options) checkGPUs(s *server) error {
	switch {
	case o.GPUs > 0 && s.gpuImage == "":
		return fmt.Errorf("--gpus: %s uses none: leave it out", s.title)
	case o.GPUs == 0 && s.image == "" && o.Image == s.gpuImage:
		return fmt.Errorf("--gpus 0: %s needs a GPU: name an image for processors by --image", o.Image)
	case o.TensorParallel < o.GPUs && !s.whole && !slices.ContainsFunc(o.Args, parallel.MatchString):
		return fmt.Errorf("--tensor-parallel %d leaves %d of %d GPUs unused: write --gpus %[1]d, or an --arg for "+
			"another kind of parallelism", o.TensorParallel, o.GPUs-o.TensorParallel, o.GPUs)
	}
	return nil
}

// fromSecret returns the name of a variable, and the Secret with the key in it of which it has its value.
func fromSecret(text string) (name, object, key string) {
	name, from, _ := strings.Cut(text, "=")
	object, key, given := strings.Cut(from, "/")
	if !given {
		key = name
	}
	return name, object, key
}

// checkSecrets checks the variables of which Secrets have the values.
func (o *Options) checkSecrets() error {
	for _, text := range o.Secrets {
		name, object, key := fromSecret(text)
		if !envShape.MatchString(name) || !objectShape.MatchString(object) || !keyShape.MatchString(key) {
			return fmt.Errorf("--secret-env wants NAME=SECRET or NAME=SECRET/KEY, got %s", quotedName(text))
		}
	}
	return nil
}

// quotedName quotes a text without what follows its name, which may be a secret by mistake.
func quotedName(text string) string {
	if name, _, found := strings.Cut(text, "="); found {
		return fmt.Sprintf("%q", name+"=…")
	}
	return fmt.Sprintf("%q", text)
}
