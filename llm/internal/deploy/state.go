package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

// stateSchema is the version of the state file's form.
const stateSchema = "xk6-llm/deployment/1"

// State is what a later process needs to find, wait for and stop a deployment.
type State struct {
	Schema     string    `json:"schema"`
	Deployment string    `json:"deployment"`
	Kind       Kind      `json:"kind"`
	URL        string    `json:"url"`
	Mark       string    `json:"mark"` // in the environment of its processes, or on its namespace
	Begin      time.Time `json:"begin"`
	Log        string    `json:"log,omitempty"`
	From       int64     `json:"log_offset,omitempty"` // where its output begins in Log

	Directory   string            `json:"directory,omitempty"`
	Environment []string          `json:"environment,omitempty"`
	Values      map[string]string `json:"values,omitempty"`
	StopCommand []string          `json:"stop_command,omitempty"`
	StopSignal  string            `json:"stop_signal,omitempty"`
	StopGrace   time.Duration     `json:"stop_grace_ns"`

	Process *group   `json:"process,omitempty"`
	Cluster *cluster `json:"cluster,omitempty"`
	Project *project `json:"project,omitempty"`
}

// ReadState reads a state file. The error is fs.ErrNotExist if nothing was left.
func ReadState(path string) (*State, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s is no state of a deployment: %w: see what still runs, and delete it", path, err)
	}
	if s.Schema != stateSchema {
		return nil, fmt.Errorf("%s has the form %q, not %q: stop the deployment with the version that started it", path,
			s.Schema, stateSchema)
	}
	return s, nil
}

// write writes the file at once or not at all.
func (s *State) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return outfile.WriteBytes(path, outfile.Options{Replace: true, Private: true}, append(text, '\n'))
}
