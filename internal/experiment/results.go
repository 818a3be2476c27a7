// Package experiment is the form of an experiment's results: which cells it has and how each ended. The command that
// runs an experiment writes it, and the page of an experiment is made of it and of the cells' reports.
package experiment

import "time"

// FileName is the name of the file of results in the directory of an experiment.
const FileName = "experiment.json"

// Schema is the version of the form.
const Schema = "xk6-llm/experiment/1"

// Results are the cells of an experiment, in the order in which they run.
type Results struct {
	Schema  string  `json:"schema"`
	Name    string  `json:"name"`
	File    string  `json:"file,omitempty"`    // that says what the experiment is
	Program string  `json:"program,omitempty"` // name and version of what ran cells last
	Cells   []Cell  `json:"cells"`
	Starts  []Start `json:"starts,omitempty"`  // of deployments, the last of each
	Earlier []Cell  `json:"earlier,omitempty"` // that are done and no longer in the file, for when they come back
}

// Start is how long a deployment took from its start until it was ready.
type Start struct {
	Deployment string      `json:"deployment"`
	Parameters []Parameter `json:"parameters"`
	Seconds    float64     `json:"seconds"`
}

// Cell is one deployment with one workload at one load, and what became of it.
type Cell struct {
	Name       string      `json:"name"` // unique in the experiment, and fit for a file's name
	Deployment string      `json:"deployment"`
	Parameters []Parameter `json:"parameters"` // of the deployment's matrix, in the order of the file
	Workload   string      `json:"workload"`
	Load       string      `json:"load"`
	Repeat     int         `json:"repeat"`          // from 1
	Units      float64     `json:"units,omitempty"` // devices such as GPUs that the deployment occupies, 0 if unknown
	Price      string      `json:"price,omitempty"` // as of --price
	Digest     string      `json:"digest"`          // of everything that the figures depend on
	Directory  string      `json:"directory"`       // of the report, relative to the file of results
	Status     Status      `json:"status"`
	Error      string      `json:"error,omitempty"` // why it failed, in one line
	Log        string      `json:"log,omitempty"`   // says more of a failure; relative to the file of results
	ExitCode   int         `json:"exit_code"`       // of the load
	Start      time.Time   `json:"start,omitzero"`
	Seconds    float64     `json:"seconds,omitempty"` // how long the load and its report took
}

// Parameter is one parameter of a deployment at one of its values.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Status says how far a cell is.
type Status string

// The statuses of a cell.
const (
	Planned Status = "planned"
	Running Status = "running" // or the program that ran it was killed
	Done    Status = "done"    // there is a report
	Failed  Status = "failed"
)
