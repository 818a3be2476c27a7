package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/pkg/kubelet/envvars"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// inputs reads what a pod's containers get from the API: variables and volumes.
type inputs struct{ pod *pod }

// environment returns the variables of a container: those of the image, of the services, of envFrom and of env, where a
// later one wins.
func (p inputs) environment(ctx context.Context, c *corev1.Container, image Image) (map[string]string, error) {
	values := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOSTNAME": p.pod.object().Name}
	for _, v := range image.Env {
		name, value := cutVariable(v)
		values[name] = value
	}
	linked, err := p.serviceVariables()
	if err != nil {
		return nil, err
	}
	maps.Copy(values, linked)
	for _, from := range c.EnvFrom {
		some, err := p.variablesFrom(ctx, from)
		if err != nil {
			return nil, err
		}
		maps.Copy(values, some)
	}
	own := map[string]string{}
	for _, v := range c.Env {
		value := expansion.Expand(v.Value, expansion.MappingFuncFor(own, values))
		if v.ValueFrom != nil {
			found := false
			if value, found, err = p.valueFrom(ctx, c, v.ValueFrom); err != nil {
				return nil, fmt.Errorf("env %s: %w", v.Name, err)
			} else if !found {
				continue
			}
		}
		own[v.Name] = value
	}
	maps.Copy(values, own)
	return values, nil
}

func cutVariable(text string) (name, value string) {
	for i := range text {
		if text[i] == '=' {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// serviceVariables returns the variables that describe the services of the pod's namespace, and the API server's.
func (p inputs) serviceVariables() (map[string]string, error) {
	object := p.pod.object()
	all, err := p.pod.nodes.services.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	seen := map[string]*corev1.Service{}
	for _, s := range all {
		if s.Namespace == metav1.NamespaceDefault && s.Name == "kubernetes" {
			seen[s.Name] = s
		}
		if links := object.Spec.EnableServiceLinks; s.Namespace == object.Namespace && (links == nil || *links) {
			seen[s.Name] = s
		}
	}
	values := map[string]string{}
	for _, v := range envvars.FromServices(slices.Collect(maps.Values(seen))) {
		values[v.Name] = v.Value
	}
	return values, nil
}

// variablesFrom returns the variables of an entry of envFrom.
func (p inputs) variablesFrom(ctx context.Context, from corev1.EnvFromSource) (map[string]string, error) {
	var entries map[string]string
	var err error
	switch {
	case from.SecretRef != nil:
		entries, err = p.secret(ctx, from.SecretRef.Name, from.SecretRef.Optional)
	case from.ConfigMapRef != nil:
		entries, err = p.configMap(ctx, from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
	}
	values := map[string]string{}
	for name, value := range entries {
		values[from.Prefix+name] = value
	}
	return values, err
}

// valueFrom returns the value of a variable that is taken from elsewhere; found is false for an optional one that is
// not there.
func (p inputs) valueFrom(ctx context.Context, c *corev1.Container, from *corev1.EnvVarSource) (value string,
	found bool, err error) {
	var entries map[string]string
	var key string
	var optional *bool
	switch {
	case from.FieldRef != nil:
		value, err = p.field(from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = resource.ExtractContainerResourceValue(from.ResourceFieldRef, c)
		return value, true, err
	case from.SecretKeyRef != nil:
		key, optional = from.SecretKeyRef.Key, from.SecretKeyRef.Optional
		entries, err = p.secret(ctx, from.SecretKeyRef.Name, optional)
	case from.ConfigMapKeyRef != nil:
		key, optional = from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Optional
		entries, err = p.configMap(ctx, from.ConfigMapKeyRef.Name, optional)
	default:
		return "", false, fmt.Errorf("the nodes of the tests do not know this source: %v", from)
	}
	if err != nil {
		return "", false, err
	}
	value, found = entries[key]
	if !found && !isTrue(optional) {
		return "", false, fmt.Errorf("no key %q", key)
	}
	return value, found, nil
}

// field returns a field of the pod, as fieldRef names it.
func (p inputs) field(path string) (string, error) {
	object := p.pod.object()
	switch path {
	case "spec.nodeName":
		return object.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return object.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return Gateway, nil
	case "status.podIP", "status.podIPs":
		return p.pod.sandbox.Address, nil
	}
	return fieldpath.ExtractFieldPathAsString(object, path)
}

// secret returns the entries of a Secret of the pod's namespace.
func (p inputs) secret(ctx context.Context, name string, optional *bool) (map[string]string, error) {
	found, err := p.pod.nodes.client.CoreV1().Secrets(p.pod.object().Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, unless(optional, err)
	}
	entries := map[string]string{}
	for key, value := range found.Data {
		entries[key] = string(value)
	}
	return entries, nil
}

// configMap returns the entries of a ConfigMap of the pod's namespace.
func (p inputs) configMap(ctx context.Context, name string, optional *bool) (map[string]string, error) {
	found, err := p.pod.nodes.client.CoreV1().ConfigMaps(p.pod.object().Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, unless(optional, err)
	}
	entries := maps.Clone(found.Data)
	if entries == nil {
		entries = map[string]string{}
	}
	for key, value := range found.BinaryData {
		entries[key] = string(value)
	}
	return entries, nil
}

// unless returns nil in place of the error that something optional does not exist.
func unless(optional *bool, err error) error {
	if isTrue(optional) && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func isTrue(b *bool) bool { return b != nil && *b }
