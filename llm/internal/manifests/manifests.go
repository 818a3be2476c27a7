// Package manifests makes Kubernetes manifests of model servers: a Deployment with probes, resources and volumes, its
// Service, and a claim for models. Whatever a text holds, it becomes one scalar of YAML.
package manifests

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// File is a file of a kustomization.
type File struct {
	Name string
	Text []byte
}

// Make returns the files of a kustomization, kustomization.yaml first. The error says what is wrong with an option.
func Make(o Options) ([]File, error) {
	settled, s, err := o.settled()
	if err != nil {
		return nil, err
	}
	m := &making{Options: settled, server: s}
	files := []File{{Name: "deployment.yaml"}, {Name: "service.yaml"}}
	objects := []any{m.deployment(), m.service()}
	if m.CacheSize != "" {
		files, objects = append(files, File{Name: "claim.yaml"}), append(objects, m.claim())
	}
	k := kustomization{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}
	for i := range files {
		k.Resources = append(k.Resources, text(files[i].Name))
		if files[i].Text, err = encode(objects[i]); err != nil {
			return nil, err
		}
	}
	head, err := encode(k)
	if err != nil {
		return nil, err
	}
	head = append([]byte("# "+s.title+", as k6 x llm manifests makes it. kubectl apply -k . deploys it.\n"), head...)
	return append([]File{{Name: "kustomization.yaml", Text: head}}, files...), nil
}

// Join returns the objects of files as one text, without the kustomization.
func Join(files []File) []byte {
	var all [][]byte
	for _, f := range files[1:] {
		all = append(all, f.Text)
	}
	return bytes.Join(all, []byte("---\n"))
}

func encode(object any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(object); err != nil {
		return nil, fmt.Errorf("making the manifests: %w", err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("making the manifests: %w", err)
	}
	return b.Bytes(), nil
}

// making is the making of the manifests of one server.
type making struct {
	*Options
	server *server
}

// Names within a pod.
const (
	portName    = "http"
	modelFolder = "/models"
	modelVolume = "models"
	shmVolume   = "shm"
)

// selector returns the labels by which pods are found.
func (m *making) selector() labels {
	return labels{"app.kubernetes.io/name": text(m.server.name), "app.kubernetes.io/instance": text(m.Name)}
}

// metadata returns what the objects have in common.
func (m *making) metadata(name string) metadata {
	l := m.selector()
	l["app.kubernetes.io/component"] = "model-server"
	return metadata{Name: text(name), Labels: l}
}

// margin is how much longer than the start a rollout may take: to find a node and to get the image.
const margin = 10 * time.Minute

func (m *making) deployment() any {
	d := object[deployment]{APIVersion: "apps/v1", Kind: "Deployment", Metadata: m.metadata(m.Name)}
	d.Spec = deployment{Replicas: m.Replicas, Progress: int((m.Startup + margin).Seconds())}
	d.Spec.Selector.MatchLabels = m.selector()
	d.Spec.Strategy.Type = "RollingUpdate" // which needs no GPU beside those in use
	d.Spec.Strategy.Rolling.Unavailable = 1
	d.Spec.Template.Metadata = m.metadata("")
	d.Spec.Template.Metadata.Annotations = labels{
		"prometheus.io/scrape": "true", "prometheus.io/port": text(fmt.Sprint(m.Port)),
		"prometheus.io/path": "/metrics",
	}
	d.Spec.Template.Spec = m.pod()
	return d
}

// grace is how long a server may take to end, in seconds.
const grace = 60

func (m *making) pod() pod {
	p := pod{Grace: grace, Containers: []container{m.container()}}
	// Kubernetes would set VLLM_PORT for a service of the name vllm, which vLLM would take for its own variable.
	p.Links = false
	p.Security.Seccomp = map[string]string{"type": "RuntimeDefault"}
	if user := m.server.user; user != 0 {
		p.Security.NonRoot, p.Security.User, p.Security.Group = true, user, user
	}
	if m.server.cache != "" {
		v := volume{Name: modelVolume}
		if m.Cache == "" {
			v.Empty = &emptyDir{}
		} else {
			v.Claim = &struct {
				Name text `yaml:"claimName"`
			}{text(m.Cache)}
		}
		p.Volumes = append(p.Volumes, v)
	}
	if m.SharedMemory != "" {
		p.Volumes = append(p.Volumes, volume{Name: shmVolume,
			Empty: &emptyDir{Medium: "Memory", Size: text(m.SharedMemory)}})
	}
	return p
}

func (m *making) container() container {
	c := container{
		Name: "server", Image: text(m.Image), Command: texts(m.server.command...),
		Args:  texts(append(m.server.args(m.Options), m.Args...)...),
		Ports: []port{{portName, m.Port}}, Env: m.environment(),
		Security: map[string]bool{"allowPrivilegeEscalation": false},
	}
	c.Resources.Requests = labels{"cpu": text(m.CPU), "memory": text(m.Memory)}
	if m.GPUs > 0 {
		c.Resources.Limits = labels{m.GPUResource: text(fmt.Sprint(m.GPUs))}
	}
	if m.server.cache != "" {
		c.Mounts = append(c.Mounts, mount{modelVolume, modelFolder})
	}
	if m.SharedMemory != "" {
		c.Mounts = append(c.Mounts, mount{shmVolume, "/dev/shm"})
	}
	// A server is slow to load, and may be slow to answer under load, which must not end it while it is measured.
	const every, slow, patience = 5, 10, 24
	c.Startup = health(every, slow, int((m.Startup+every*time.Second-1)/(every*time.Second)))
	c.Readiness = health(every, slow, 3)
	c.Liveness = health(every, slow, patience)
	return c
}

// health is a probe of the health page that all the servers have.
func health(period, timeout, failures int) probe {
	p := probe{Period: period, Timeout: timeout, Failures: failures}
	p.Get.Path, p.Get.Port = "/health", portName
	return p
}

func (m *making) environment() (list []variable) {
	if m.server.cache != "" {
		list = append(list, variable{Name: text(m.server.cache), Value: modelFolder})
	}
	if m.TokenSecret != "" {
		name, key, given := strings.Cut(m.TokenSecret, "/")
		if !given {
			key = defaultTokenKey
		}
		list = append(list, secretVariable(defaultTokenKey, name, key))
	}
	for _, from := range m.Secrets {
		list = append(list, secretVariable(fromSecret(from)))
	}
	for _, pair := range m.Environment {
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, variable{Name: text(name), Value: text(value)})
	}
	return list
}

// secretVariable returns a variable with the value that a Secret has under a key.
func secretVariable(name, object, key string) variable {
	return variable{Name: text(name), From: &struct {
		Secret secretKey `yaml:"secretKeyRef"`
	}{secretKey{text(object), text(key)}}}
}

func (m *making) service() any {
	s := object[service]{APIVersion: "v1", Kind: "Service", Metadata: m.metadata(m.Name)}
	s.Spec = service{Selector: m.selector(), Ports: []servicePort{{portName, m.Port, portName}}}
	return s
}

func (m *making) claim() any {
	c := object[claim]{APIVersion: "v1", Kind: "PersistentVolumeClaim", Metadata: m.metadata(m.Cache)}
	c.Spec.Modes = texts("ReadWriteOnce")
	if m.Replicas > 1 {
		c.Spec.Modes = texts("ReadWriteMany")
	}
	c.Spec.Resources.Requests = labels{"storage": text(m.CacheSize)}
	return c
}
