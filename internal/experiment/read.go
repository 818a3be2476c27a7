package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Read reads the results in the directory of an experiment.
func Read(dir string) (*Results, error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%q is no directory of an experiment: it has no %s, which k6 x llm experiment -f "+
			"writes: %w", dir, FileName, fs.ErrNotExist)
	case err != nil:
		return nil, err
	}
	var r Results
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("%s: schema is %q, and this program reads %q: take the version that wrote it", path,
			r.Schema, Schema)
	}
	seen := map[string]bool{}
	for _, c := range r.Cells {
		switch {
		case c.Name == "":
			return nil, fmt.Errorf("%s: a cell has no name", path)
		case seen[c.Name]:
			return nil, fmt.Errorf("%s: two cells have the name %q", path, c.Name)
		}
		seen[c.Name] = true
	}
	return &r, nil
}
