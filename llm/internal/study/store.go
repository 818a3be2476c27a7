package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Names in the directory of an experiment, beside that of the results.
const (
	cellsFolder    = "cells"    // with a report each
	logsFolder     = "logs"     // of servers and loads
	replacedFolder = "replaced" // reports of cells that changed
	stateFile      = "deployment.json"
	upFile         = "up" // with the label of the deployment that up has left
	lockFile       = ".lock"
)

// Store is the directory of an experiment. While it is locked no other process runs the experiment.
type Store struct {
	Results experiment.Results

	dir  string
	lock *flock.Flock
}

// Open reads the results in a directory, if there are some, without locking it.
func Open(e *Experiment) (*Store, error) {
	s := &Store{dir: e.Directory, Results: experiment.Results{Schema: experiment.Schema, Name: e.Name, File: e.File}}
	before, err := experiment.Read(e.Directory)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	case before.Name != e.Name:
		return nil, fmt.Errorf("%s has the results of the experiment %s: give another directory, or move it away",
			e.Directory, plain.Quote(before.Name))
	}
	s.Results, s.Results.File = *before, e.File
	return s, nil
}

// Lock opens the directory of an experiment, which it makes if need be, and locks it until Unlock or the end of the
// process.
func Lock(e *Experiment) (*Store, error) {
	if _, err := Open(e); err != nil { // before anything is written
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(e.Directory, logsFolder), 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(e.Directory, lockFile))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = fmt.Errorf("%s: another k6 x llm experiment is at work there: wait for its end, or stop it by Ctrl-C",
			e.Directory)
	}
	if err != nil {
		return nil, err
	}
	s, err := Open(e) // as the last one left it
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	s.lock = lock
	return s, nil
}

// Unlock lets others run the experiment.
func (s *Store) Unlock() error { return s.lock.Unlock() }

// State is the path of what is known of the deployment that runs.
func (s *Store) State() string { return filepath.Join(s.dir, stateFile) }

// Log returns the path of a log.
func (s *Store) Log(name string) string {
	return filepath.Join(s.dir, logsFolder, plain.FileName(name+".log", nil))
}

// relative returns the path of a log from the directory of the experiment, with slashes; "" if it is not there.
func (s *Store) relative(log string) string {
	path, err := filepath.Rel(s.dir, log)
	if _, missing := os.Stat(log); err != nil || missing != nil {
		return ""
	}
	return filepath.ToSlash(path)
}

// save writes the results.
func (s *Store) save() error {
	text, err := json.MarshalIndent(s.Results, "", "  ")
	if err != nil {
		return err
	}
	return outfile.WriteBytes(filepath.Join(s.dir, experiment.FileName), outfile.Options{Replace: true},
		[]byte(plain.JSON(text)+"\n"))
}

// before returns what is known of a cell from earlier runs.
func (s *Store) before(name string) (experiment.Cell, bool) {
	for _, list := range [][]experiment.Cell{s.Results.Cells, s.Results.Earlier} {
		if i := slices.IndexFunc(list, func(c experiment.Cell) bool { return c.Name == name }); i >= 0 {
			return list[i], true
		}
	}
	return experiment.Cell{}, false
}

// vacate makes room for the report of a cell. What is there and is whole is moved aside.
func (s *Store) vacate(c *experiment.Cell) error {
	dir := filepath.Join(s.dir, c.Directory)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(filepath.Dir(dir), 0o755)
	}
	before, known := s.before(c.Name)
	if known && (before.Status == experiment.Running || before.Status == experiment.Failed) {
		return os.RemoveAll(dir)
	}
	aside := filepath.Join(s.dir, replacedFolder)
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	for n := 1; ; n++ {
		to := filepath.Join(aside, fmt.Sprintf("%s~%d", c.Name, n))
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(dir, to)
		} else if err != nil {
			return err
		}
	}
}

// started notes how long a variant took to be ready.
func (s *Store) started(v *Variant, seconds float64) {
	start := experiment.Start{Deployment: v.Name, Parameters: v.Parameters, Seconds: seconds}
	s.Results.Starts = slices.DeleteFunc(s.Results.Starts, func(o experiment.Start) bool {
		return o.Deployment == start.Deployment && slices.Equal(o.Parameters, start.Parameters)
	})
	s.Results.Starts = append(s.Results.Starts, start)
}

// Up returns the label of the deployment that was left running; "" if there is none, as far as is known.
func (s *Store) Up() string {
	text, err := os.ReadFile(filepath.Join(s.dir, upFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// SetUp notes which deployment was left running; "" for none.
func (s *Store) SetUp(label string) error {
	path := filepath.Join(s.dir, upFile)
	if label == "" {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return outfile.WriteBytes(path, outfile.Options{Replace: true}, []byte(label+"\n"))
}
