// Package study runs experiments: deployments of a server, workloads and loads, each with each. It reads what a file
// says of them, makes the cells, and runs those that are not done, each as a load test of its own. The results are in
// the form of package experiment. What a cell's load finds is data; an error is what keeps a cell from being measured.
package study

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// Experiment is what a file says: which servers are measured, with what, and at which loads.
type Experiment struct {
	Name      string // fit for people
	Directory string // of the results
	Repeats   int    // of each cell, from 1
	Restart   bool   // each repeat of a cell has a start of its deployment of its own
	File      string // that it was read from

	Deployments []Deployment
	Workloads   []Workload
	Loads       []Load

	flags []Flag // of all cells
}

// Deployment is a server, or several that differ in the parameters of a matrix. Its texts may have references.
type Deployment struct {
	Name   string
	Spec   deploy.Spec // without values
	Matrix []Axis
	Units  string // devices that it occupies
	Price  string

	flags  []Flag
	warmup []Flag   // nil: none
	unused []string // parameters that only the files it is made of can refer to
	at     place
	fields map[string]place // where the keys are
}

// Axis is a parameter with its values.
type Axis struct {
	Name   string
	Values []string
}

// Workload is what is sent.
type Workload struct {
	Name   string
	Config string // a configuration of k6 x llm run, "" for k6 x llm bench

	flags []Flag
	at    place
}

// Load is how much is sent.
type Load struct {
	Name string

	flags []Flag
	at    place
}

// Flag is a flag of a load test with its values, of which most flags take one.
type Flag struct {
	Name  string
	Texts []string

	unset bool // the file says null, so that the flag of a wider place has no effect
	at    place
}

// Arguments returns the flag as a command line has it.
func (f Flag) Arguments() (list []string) {
	for _, text := range f.Texts {
		list = append(list, "--"+f.Name+"="+text)
	}
	return list
}

// Test is a load test: the command bench of a server, or run of a configuration.
type Test struct {
	Config    string // of run; "" for bench
	Flags     []Flag
	Directory string // of the report
}

// Estimate is what is known of a load test before it runs.
type Estimate struct {
	Duration time.Duration
	Open     bool // it may take another time: a search, or a number of requests at a time
}

// Tool is the load tester.
type Tool struct {
	// Flags returns a new set of the flags that a test takes, with or without a configuration.
	Flags func(config bool) *pflag.FlagSet
	// Check returns an error if a test cannot run with such flags, without asking its server.
	Check func(Test) (Estimate, error)
	// Reported reports whether a directory has the report of a test, and what that says of the load generator: VALID,
	// SUSPECT or INVALID, "" for nothing.
	Reported func(dir string) (verdict string, found bool)
}
