package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volume is a volume of a pod: a folder of this machine.
type volume struct {
	path     string
	readOnly bool
}

// makeVolumes makes the folders of the pod's volumes by their names.
func (p inputs) makeVolumes(ctx context.Context) (map[string]volume, error) {
	made := map[string]volume{}
	for _, v := range p.pod.object().Spec.Volumes {
		one, err := p.makeVolume(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w", v.Name, err)
		}
		made[v.Name] = one
	}
	return made, nil
}

func (p inputs) makeVolume(ctx context.Context, v corev1.Volume) (volume, error) {
	dir := filepath.Join(p.pod.dir, "volumes", v.Name)
	switch {
	case v.HostPath != nil:
		return volume{path: v.HostPath.Path}, os.MkdirAll(v.HostPath.Path, 0o755)
	case v.PersistentVolumeClaim != nil:
		path, err := p.claimed(ctx, v.PersistentVolumeClaim.ClaimName)
		if err != nil {
			return volume{}, err
		}
		return volume{path, v.PersistentVolumeClaim.ReadOnly}, p.own(path)
	case v.EmptyDir != nil:
		return volume{path: dir}, errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o777), p.own(dir))
	}
	sources, mode, err := sourcesOf(v)
	if err != nil {
		return volume{}, err
	}
	for _, source := range sources {
		files, err := p.project(ctx, source)
		if err != nil {
			return volume{}, err
		}
		if err := p.writeFiles(dir, files, mode); err != nil {
			return volume{}, err
		}
	}
	return volume{dir, true}, errors.Join(os.MkdirAll(dir, 0o755), p.own(dir))
}

// sourcesOf returns the sources of a volume of files, as those of a projected volume.
func sourcesOf(v corev1.Volume) (sources []corev1.VolumeProjection, mode *int32, err error) {
	switch {
	case v.ConfigMap != nil:
		return []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{Items: v.ConfigMap.Items,
				LocalObjectReference: v.ConfigMap.LocalObjectReference, Optional: v.ConfigMap.Optional}}},
			v.ConfigMap.DefaultMode, nil
	case v.Secret != nil:
		return []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{Items: v.Secret.Items,
				LocalObjectReference: corev1.LocalObjectReference{Name: v.Secret.SecretName},
				Optional:             v.Secret.Optional}}},
			v.Secret.DefaultMode, nil
	case v.DownwardAPI != nil:
		return []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: v.DownwardAPI.Items}}},
			v.DownwardAPI.DefaultMode, nil
	case v.Projected != nil:
		return v.Projected.Sources, v.Projected.DefaultMode, nil
	}
	return nil, nil, errors.New("the nodes of the tests do not know this kind of volume")
}

// file is a file of a volume.
type file struct {
	text string
	mode *int32
}

// project returns the files of a source by their paths.
func (p inputs) project(ctx context.Context, source corev1.VolumeProjection) (map[string]file, error) {
	switch {
	case source.ConfigMap != nil:
		entries, err := p.configMap(ctx, source.ConfigMap.Name, source.ConfigMap.Optional)
		return chosen(entries, source.ConfigMap.Items), err
	case source.Secret != nil:
		entries, err := p.secret(ctx, source.Secret.Name, source.Secret.Optional)
		return chosen(entries, source.Secret.Items), err
	case source.DownwardAPI != nil:
		files := map[string]file{}
		for _, item := range source.DownwardAPI.Items {
			if item.FieldRef == nil {
				return nil, errors.New("the nodes of the tests know fieldRef of downwardAPI only")
			}
			value, err := p.field(item.FieldRef.FieldPath)
			if err != nil {
				return nil, err
			}
			files[item.Path] = file{value, item.Mode}
		}
		return files, nil
	case source.ServiceAccountToken != nil:
		value, err := p.accountToken(ctx, source.ServiceAccountToken)
		return map[string]file{source.ServiceAccountToken.Path: {text: value}}, err
	}
	return nil, errors.New("the nodes of the tests do not know this source of a projected volume")
}

// chosen returns the entries that items name, or all of them.
func chosen(entries map[string]string, items []corev1.KeyToPath) map[string]file {
	files := map[string]file{}
	if len(items) == 0 {
		for key, value := range entries {
			files[key] = file{text: value}
		}
	}
	for _, item := range items {
		if value, found := entries[item.Key]; found {
			files[item.Path] = file{value, item.Mode}
		}
	}
	return files
}

// accountToken asks the API server for a token of the pod's service account.
func (p inputs) accountToken(ctx context.Context, source *corev1.ServiceAccountTokenProjection) (string, error) {
	object := p.pod.object()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: object.Name,
			UID: object.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	made, err := p.pod.nodes.client.CoreV1().ServiceAccounts(object.Namespace).CreateToken(ctx,
		object.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return made.Status.Token, nil
}

// writeFiles writes the files of a volume. Like a kubelet, it lets the pod's group read them.
func (p inputs) writeFiles(dir string, files map[string]file, mode *int32) error {
	for name, f := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.text), 0o600); err != nil {
			return err
		}
		bits := fs.FileMode(0o644)
		if m := f.mode; m != nil {
			bits = fs.FileMode(*m)
		} else if mode != nil {
			bits = fs.FileMode(*mode)
		}
		if err := os.Chmod(path, bits); err != nil {
			return err
		}
	}
	return nil
}

// own gives a volume to the group that the pod's fsGroup names.
func (p inputs) own(dir string) error {
	security := p.pod.object().Spec.SecurityContext
	if security == nil || security.FSGroup == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		bits := info.Mode().Perm() | 0o660
		if d.IsDir() {
			bits |= 0o110 | fs.ModeSetgid
		}
		return errors.Join(os.Lchown(path, -1, int(*security.FSGroup)), os.Chmod(path, bits))
	})
}

// claimed returns the folder of the volume that is bound to a claim.
func (p inputs) claimed(ctx context.Context, name string) (string, error) {
	claim, err := p.pod.nodes.client.CoreV1().PersistentVolumeClaims(p.pod.object().Namespace).Get(ctx, name,
		metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if claim.Spec.VolumeName == "" {
		return "", fmt.Errorf("claim %q is not bound", name)
	}
	found, err := p.pod.nodes.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if found.Spec.HostPath == nil {
		return "", fmt.Errorf("volume %q is none of the tests'", found.Name)
	}
	return found.Spec.HostPath.Path, nil
}

// provision makes a volume for a claim that has none: a folder below dir, which any number of pods can mount.
func (n *nodes) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" || claim.Status.Phase == corev1.ClaimBound {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	path := filepath.Join(n.dir, "claims", claim.Namespace, claim.Name+"-"+string(claim.UID)[:8])
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	_, err := n.client.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: slices.Clone(claim.Spec.AccessModes), StorageClassName: class,
			Capacity:                      claim.Spec.Resources.Requests,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: path}},
			ClaimRef: &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Name: claim.Name,
				Namespace: claim.Namespace, UID: claim.UID},
		},
	}, metav1.CreateOptions{})
	return err
}
