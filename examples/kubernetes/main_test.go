package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/k6-operator/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// secrets lists variables whose values must be neither in a manifest nor in a command.
var secrets = []string{"API_KEY", "HF_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// documents returns the YAML documents of a file.
func documents(t *testing.T, path string) (list [][]byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(text, []byte("\n---\n"))
}

// decode reads a document strictly into the type of its kind.
func decode(text []byte) (any, error) {
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	kinds := map[string]any{
		"k6.io/v1alpha1 TestRun":   &v1alpha1.TestRun{},
		"batch/v1 Job":             &batchv1.Job{},
		"apps/v1 Deployment":       &appsv1.Deployment{},
		"v1 Service":               &corev1.Service{},
		"v1 Pod":                   &corev1.Pod{},
		"v1 PersistentVolumeClaim": &corev1.PersistentVolumeClaim{},
		"kustomize.config.k8s.io/v1beta1 Kustomization": &kustomization{},
	}
	object, known := kinds[head.APIVersion+" "+head.Kind]
	if !known {
		return nil, fmt.Errorf("unknown %s %q", head.APIVersion, head.Kind)
	}
	return object, yaml.UnmarshalStrict(text, object)
}

// kustomization holds the fields of Kustomize's file that the example uses.
type kustomization struct {
	APIVersion         string
	Kind               string
	Resources          []string
	ConfigMapGenerator []struct {
		Name  string
		Files []string
	}
	GeneratorOptions struct{ DisableNameSuffixHash bool }
}

// manifests returns all objects of the folder by their files.
func manifests(t *testing.T) map[string][]any {
	t.Helper()
	paths, err := filepath.Glob("*.yaml")
	if err != nil || len(paths) < 8 {
		t.Fatalf("manifests: %q, %v", paths, err)
	}
	all := map[string][]any{}
	for _, path := range paths {
		for _, text := range documents(t, path) {
			object, err := decode(text)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			all[path] = append(all[path], object)
		}
	}
	return all
}

// objectsOf returns the objects of one type with their files, in the order of the files.
func objectsOf[T any](all map[string][]any) (files []string, list []*T) {
	for _, path := range slices.Sorted(maps.Keys(all)) {
		for _, object := range all[path] {
			if o, ok := object.(*T); ok {
				files, list = append(files, path), append(list, o)
			}
		}
	}
	return files, list
}

// pods returns the pods of all manifests, including those that the operator would start.
func pods(t *testing.T, all map[string][]any) map[string]*corev1.PodSpec {
	t.Helper()
	specs := map[string]*corev1.PodSpec{}
	add := func(file string, job *batchv1.Job) { specs[file+" "+job.Name] = &job.Spec.Template.Spec }
	files, runs := objectsOf[v1alpha1.TestRun](all)
	for i, run := range runs {
		list, err := operatorJobs(run)
		if err != nil {
			t.Fatalf("%s: %v", files[i], err)
		}
		for _, job := range list {
			add(files[i], job)
		}
	}
	files, jobs := objectsOf[batchv1.Job](all)
	for i, job := range jobs {
		add(files[i], job)
	}
	files, plain := objectsOf[corev1.Pod](all)
	for i, pod := range plain {
		specs[files[i]] = &pod.Spec
	}
	return specs
}

func TestOperatorsCommands(t *testing.T) {
	for path, want := range map[string]struct{ prefix, script, out, archive string }{
		"testrun-volume.yaml": {"if [ ! -f /scripts/sharegpt.js ]; then echo \"LocalFile not found exiting...\"; " +
			"exit 1; fi;\n", "/scripts/sharegpt.js", "llm=/records/run-1",
			`k6 archive /scripts/sharegpt.js -e K6_LLM_RUN_ID="run-1" -e BASE_URL="http://vllm:8000/v1"`},
		"testrun-bucket.yaml": {"", "/test/script.js", "llm=s3://llm-benchmarks/run-1/",
			`k6 archive /test/script.js -e K6_LLM_RUN_ID="run-1" -e BASE_URL="http://vllm:8000/v1"`},
	} {
		run := manifests(t)[path][0].(*v1alpha1.TestRun)
		list, err := operatorJobs(run)
		if err != nil || len(list) != 6 {
			t.Fatalf("%s: %d jobs, %v", path, len(list), err)
		}
		initializer := list[0].Spec.Template.Spec.Containers[0].Command
		if text := initializer[len(initializer)-1]; !strings.Contains(text, want.archive) ||
			strings.Contains(text, "--out") {
			t.Errorf("%s: the initializer runs\n%s\nwant it to have %s and no --out", path, text, want.archive)
		}
		segments := []string{"0:1/4", "1/4:2/4", "2/4:3/4", "3/4:1"}
		for i, job := range list[1:5] {
			command := job.Spec.Template.Spec.Containers[0].Command
			wanted := fmt.Sprintf("%sk6 run --quiet --execution-segment=%s "+
				"--execution-segment-sequence=0,1/4,2/4,3/4,1 --out %s %s --address=0.0.0.0:6565 --paused --tag "+
				"instance_id=%d --tag testrun_name=llm-run-1",
				want.prefix, segments[i], want.out, want.script, i+1)
			got := strings.TrimPrefix(strings.Join(command, " "), "sh -c ")
			if got != wanted {
				t.Errorf("%s: runner %d runs\n%s\nwant\n%s", path, i+1, got, wanted)
			}
		}
		starter := strings.Join(list[5].Spec.Template.Spec.Containers[0].Command, " ")
		if got := strings.Count(starter, "curl --retry 3 -X PATCH"); got != 4 ||
			!strings.Contains(starter, `"paused":false`) {
			t.Errorf("%s: the starter calls %d runners, want 4\n%s", path, got, starter)
		}
	}
}

// A secret comes only by envFrom: env with valueFrom would reach k6 archive as an empty value, and a literal would be
// in its command line and in the archive.
func TestSecretsAreInNoCommand(t *testing.T) {
	for name, spec := range pods(t, manifests(t)) {
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			for _, v := range c.Env {
				if slices.Contains(secrets, v.Name) || v.ValueFrom != nil {
					t.Errorf("%s: %s is in env, want it from a Secret by envFrom", name, v.Name)
				}
			}
			text := strings.Join(slices.Concat(c.Command, c.Args), " ")
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s is in the command %s", name, secret, text)
				}
			}
		}
	}
	_, runs := objectsOf[v1alpha1.TestRun](manifests(t))
	for _, run := range runs {
		if len(run.Spec.Runner.EnvFrom) == 0 || run.Spec.Runner.EnvFrom[0].SecretRef.Name != "llm-keys" {
			t.Errorf("envFrom of the runners: %v, want the Secret llm-keys first", run.Spec.Runner.EnvFrom)
		}
	}
}

// Each mount is a volume of its pod, each claim is in volumes.yaml, and the kustomization makes each ConfigMap.
func TestVolumesExist(t *testing.T) {
	all := manifests(t)
	existing := map[string]bool{}
	_, claims := objectsOf[corev1.PersistentVolumeClaim](all)
	for _, c := range claims {
		existing["claim "+c.Name] = true
	}
	_, kustomizations := objectsOf[kustomization](all)
	for _, k := range kustomizations {
		for _, m := range k.ConfigMapGenerator {
			existing["map "+m.Name] = true
		}
	}
	for name, spec := range pods(t, all) {
		volumes := map[string]bool{}
		for _, v := range spec.Volumes {
			volumes[v.Name] = true
			if c := v.PersistentVolumeClaim; c != nil && !existing["claim "+c.ClaimName] {
				t.Errorf("%s: no claim %q", name, c.ClaimName)
			}
			if c := v.ConfigMap; c != nil && !existing["map "+c.Name] {
				t.Errorf("%s: no ConfigMap %q", name, c.Name)
			}
		}
		for _, c := range spec.Containers {
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					t.Errorf("%s: %s is mounted, but no volume", name, m.Name)
				}
			}
		}
	}
}

// All pods run the same image, as the image's user, with a root file system that they cannot write to.
func TestPodsAreRestricted(t *testing.T) {
	specs := pods(t, manifests(t))
	if len(specs) < 16 {
		t.Fatalf("%d pods, want those of two TestRuns, four Jobs and a Pod", len(specs))
	}
	for name, spec := range specs {
		if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil ||
			*s.RunAsUser != 65532 {
			t.Errorf("%s: security context of the pod %v", name, s)
		}
		for _, c := range spec.Containers {
			if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
				s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
				t.Errorf("%s: security context of %s %v", name, c.Name, s)
			}
			if c.Image != "xk6-llm:dev" {
				t.Errorf("%s: image %q, want xk6-llm:dev", name, c.Image)
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: %s has no CPU request or memory limit", name, c.Name)
			}
			writable := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
				return m.MountPath == "/tmp"
			})
			if needs := c.Name == "k6" || c.Name == "merge"; needs && !writable {
				t.Errorf("%s: %s cannot write to /tmp", name, c.Name)
			}
		}
	}
}

func TestConfigMapsAreSmall(t *testing.T) {
	_, list := objectsOf[kustomization](manifests(t))
	for _, k := range list {
		for _, resource := range k.Resources {
			if _, err := os.Stat(resource); err != nil {
				t.Error(err)
			}
		}
		for _, m := range k.ConfigMapGenerator {
			var size int64
			for _, file := range m.Files {
				info, err := os.Stat(file)
				if err != nil {
					t.Fatal(err)
				}
				size += info.Size()
			}
			if size == 0 || size >= 1<<20 {
				t.Errorf("ConfigMap %s has %d bytes, want less than 1 MiB", m.Name, size)
			}
		}
	}
}

// The files that the README links to and passes to kubectl are there, and the README mentions each manifest.
func TestReadmeNamesTheFiles(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:\]\(| -f )([\w./-]+)`).FindAllSubmatch(text, -1) {
		named[string(m[1])] = true
	}
	delete(named, "-") // kubectl apply -f -
	for name := range named {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("README.md names %s: %v", name, err)
		}
	}
	for name := range manifests(t) {
		if !named[name] {
			t.Errorf("README.md does not name %s", name)
		}
	}
}

// The strict decoding finds a typo in a manifest, without which the other tests could not fail.
func TestUnknownFieldsAreRefused(t *testing.T) {
	text, err := os.ReadFile("testrun-volume.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(text, []byte("parallelism"), []byte("paralelism"), 1)
	if _, err := decode(bad); err == nil || !strings.Contains(err.Error(), "paralelism") {
		t.Errorf("%v, want an error that names paralelism", err)
	}
	path := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := printJobs(io.Discard, path); err == nil || !strings.Contains(err.Error(), "paralelism") {
		t.Errorf("%v, want an error that names paralelism", err)
	}
}

// The manifests that k6 x llm manifests makes are of Kubernetes' types, field by field, and their parts fit together.
func TestManifestsOfServers(t *testing.T) {
	paths, err := filepath.Glob("../../llm/internal/manifests/testdata/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("manifests: %q, %v", paths, err)
	}
	for _, path := range paths {
		var deployment *appsv1.Deployment
		var service *corev1.Service
		for _, text := range documents(t, path) {
			object, err := decode(text)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			switch o := object.(type) {
			case *appsv1.Deployment:
				deployment = o
			case *corev1.Service:
				service = o
			}
		}
		if deployment == nil || service == nil {
			t.Errorf("%s lacks a Deployment or a Service", path)
			continue
		}
		pod := deployment.Spec.Template
		for _, selector := range []map[string]string{deployment.Spec.Selector.MatchLabels, service.Spec.Selector} {
			for name, value := range selector {
				if pod.Labels[name] != value || len(selector) != 2 {
					t.Errorf("%s: the selector %v does not select %v", path, selector, pod.Labels)
				}
			}
		}
		c := pod.Spec.Containers[0]
		to := service.Spec.Ports[0]
		if to.TargetPort.StrVal != c.Ports[0].Name || to.Port != c.Ports[0].ContainerPort ||
			!slices.Contains(c.Args, fmt.Sprint(to.Port)) {
			t.Errorf("%s: port %v for %v with %q", path, to, c.Ports, c.Args)
		}
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("%s: no volume %s", path, m.Name)
			}
		}
	}
}
