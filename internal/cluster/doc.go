// Package cluster runs a Kubernetes cluster on a machine without container engines, for the tests of the project's
// manifests: etcd, the API server, its controllers and its scheduler as they are, built from their modules, and nodes
// of its own, which run the containers of pods as processes in the root file system of the project's image.
//
// What is Kubernetes' own here: the API with its validation, admission, defaults and garbage collection, controllers,
// scheduling, service accounts, kubectl, and the k6 Operator, which runs as a pod. What is this package's: volumes,
// environment, processes, probes, logs, exec and exit codes of pods, the addresses of services, and DNS.
//
// The nodes do not enforce resource limits, network policies, or profiles of seccomp.
package cluster
