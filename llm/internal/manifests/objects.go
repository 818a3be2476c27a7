package manifests

import (
	"regexp"

	"go.yaml.in/yaml/v4"
)

// text is a text in YAML, in quotes unless every reader of YAML takes it for text without them.
type text string

// bare matches texts that need no quotes: flags and words that are neither a number nor a word with a meaning in YAML.
var bare = regexp.MustCompile(`^(?:--?[a-z][a-z0-9-]*|/?[A-Za-z][A-Za-z0-9]*(?:[./:_-][A-Za-z0-9._/:@-]*[A-Za-z0-9])?)$`)

// meaning matches words that YAML 1.1 takes for something else than text.
var meaning = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|nan|inf)$`)

// MarshalYAML returns the text as a node of YAML.
func (t text) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(t)}
	if !bare.MatchString(n.Value) || meaning.MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n, nil
}

// texts makes texts of strings.
func texts(list ...string) (all []text) {
	for _, s := range list {
		all = append(all, text(s))
	}
	return all
}

// labels are labels of objects.
type labels map[string]text

// The types below have those fields of Kubernetes' objects that the manifests use, in its order and with its names.
type (
	metadata struct {
		Name        text   `yaml:"name,omitempty"`
		Labels      labels `yaml:"labels,omitempty"`
		Annotations labels `yaml:"annotations,omitempty"`
	}

	object[S any] struct {
		APIVersion text     `yaml:"apiVersion"`
		Kind       text     `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       S        `yaml:"spec"`
	}

	deployment struct {
		Replicas int `yaml:"replicas"`
		Progress int `yaml:"progressDeadlineSeconds"`
		Selector struct {
			MatchLabels labels `yaml:"matchLabels"`
		} `yaml:"selector"`
		Strategy strategy `yaml:"strategy"`
		Template template `yaml:"template"`
	}

	strategy struct {
		Type    text `yaml:"type"`
		Rolling struct {
			Surge       int `yaml:"maxSurge"`
			Unavailable int `yaml:"maxUnavailable"`
		} `yaml:"rollingUpdate"`
	}

	template struct {
		Metadata metadata `yaml:"metadata"`
		Spec     pod      `yaml:"spec"`
	}

	pod struct {
		Token      bool        `yaml:"automountServiceAccountToken"`
		Links      bool        `yaml:"enableServiceLinks"`
		Grace      int         `yaml:"terminationGracePeriodSeconds"`
		Security   podSecurity `yaml:"securityContext"`
		Containers []container `yaml:"containers"`
		Volumes    []volume    `yaml:"volumes,omitempty"`
	}

	podSecurity struct {
		NonRoot bool              `yaml:"runAsNonRoot,omitempty"`
		User    int               `yaml:"runAsUser,omitempty"`
		Group   int               `yaml:"runAsGroup,omitempty"`
		Seccomp map[string]string `yaml:"seccompProfile"`
	}

	container struct {
		Name      text            `yaml:"name"`
		Image     text            `yaml:"image"`
		Command   []text          `yaml:"command,omitempty"`
		Args      []text          `yaml:"args"`
		Ports     []port          `yaml:"ports"`
		Env       []variable      `yaml:"env,omitempty"`
		Resources resources       `yaml:"resources"`
		Startup   probe           `yaml:"startupProbe"`
		Readiness probe           `yaml:"readinessProbe"`
		Liveness  probe           `yaml:"livenessProbe"`
		Security  map[string]bool `yaml:"securityContext"`
		Mounts    []mount         `yaml:"volumeMounts,omitempty"`
	}

	port struct {
		Name   text `yaml:"name"`
		Number int  `yaml:"containerPort"`
	}

	variable struct {
		Name  text `yaml:"name"`
		Value text `yaml:"value,omitempty"`
		From  *struct {
			Secret secretKey `yaml:"secretKeyRef"`
		} `yaml:"valueFrom,omitempty"`
	}

	secretKey struct {
		Name text `yaml:"name"`
		Key  text `yaml:"key"`
	}

	resources struct {
		Requests labels `yaml:"requests,omitempty"`
		Limits   labels `yaml:"limits,omitempty"`
	}

	probe struct {
		Get struct {
			Path text `yaml:"path"`
			Port text `yaml:"port"`
		} `yaml:"httpGet"`
		Period   int `yaml:"periodSeconds"`
		Timeout  int `yaml:"timeoutSeconds"`
		Failures int `yaml:"failureThreshold"`
	}

	mount struct {
		Name text `yaml:"name"`
		Path text `yaml:"mountPath"`
	}

	volume struct {
		Name  text      `yaml:"name"`
		Empty *emptyDir `yaml:"emptyDir,omitempty"`
		Claim *struct {
			Name text `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim,omitempty"`
	}

	emptyDir struct {
		Medium text `yaml:"medium,omitempty"`
		Size   text `yaml:"sizeLimit,omitempty"`
	}

	service struct {
		Selector labels        `yaml:"selector"`
		Ports    []servicePort `yaml:"ports"`
	}

	servicePort struct {
		Name   text `yaml:"name"`
		Number int  `yaml:"port"`
		Target text `yaml:"targetPort"`
	}

	claim struct {
		Modes     []text    `yaml:"accessModes"`
		Resources resources `yaml:"resources"`
	}

	kustomization struct {
		APIVersion text   `yaml:"apiVersion"`
		Kind       text   `yaml:"kind"`
		Resources  []text `yaml:"resources"`
	}
)
