// Command kubernetes prints, as JSON, the jobs that the k6 Operator makes of a TestRun: the containers of the
// initializer, of each runner and of the starter, with their volumes. It needs no cluster.
//
//	go run . testrun-volume.yaml
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/grafana/k6-operator/api/v1alpha1"
	"github.com/grafana/k6-operator/pkg/resources/jobs"
	"github.com/grafana/k6-operator/pkg/types"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . TESTRUN.yaml")
		os.Exit(2)
	}
	if err := printJobs(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func printJobs(w io.Writer, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var run v1alpha1.TestRun
	if err := yaml.UnmarshalStrict(text, &run); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	list, err := operatorJobs(&run)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false) // people read the commands
	out.SetIndent("", "  ")
	return out.Encode(list)
}

// operatorJobs returns the jobs in the order in which the operator starts them: the initializer, the runners, and the
// starter, which here finds each runner at 127.0.0.1. It first checks the manifest as the operator does.
func operatorJobs(run *v1alpha1.TestRun) (list []*batchv1.Job, err error) {
	if _, err := run.Spec.Validate(); err != nil {
		return nil, err
	}
	arguments, err := types.ParseCLI(run.Spec.Arguments)
	if err != nil {
		return nil, err
	}
	initializer, err := jobs.NewInitializerJob(run.DeepCopy(), arguments.ArchiveArgs)
	if err != nil {
		return nil, err
	}
	list = append(list, initializer)
	var hosts []string
	for i := range int(run.Spec.Parallelism) {
		runner, err := jobs.NewRunnerJob(run.DeepCopy(), i+1, nil)
		if err != nil {
			return nil, err
		}
		list, hosts = append(list, runner), append(hosts, "127.0.0.1")
	}
	return append(list, jobs.NewStarterJob(run.DeepCopy(), hosts)), nil
}
