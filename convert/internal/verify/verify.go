// Package verify compares the files of a report with those of the same report made again: key by key, row by row. It
// knows the formats of the files and nothing of what they mean.
package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Difference is a place where a file is not what it should be.
type Difference struct {
	File string
	Key  string // or the row and the column; "" where the whole file is meant
	Text string
}

// String returns the difference as a sentence.
func (d Difference) String() string {
	if d.Key == "" {
		return d.File + " " + d.Text
	}
	return d.File + ": " + d.Key + " " + d.Text
}

// Options tell how files are compared.
type Options struct {
	// Lenient passes over keys that one of the files lacks, as another version of the program may write them.
	Lenient bool
	// Within is by how much numbers may differ, beside what the rounding of processors makes of them.
	Within float64
	// Ignored lists the keys, each with those below it, that need not be the same.
	Ignored []string
}

// Result is the outcome of a comparison.
type Result struct {
	Differences []Difference
	More        int // differences beyond those that are listed
	Values      int // compared
	Passed      int // keys that Options.Lenient passed over
}

// mostListed is how many differences of a file are listed.
const mostListed = 20

// sink collects the differences of a file.
type sink struct {
	*Result
	file string
	n    int
}

func (s *sink) add(key, format string, args ...any) {
	if s.n++; s.n > mostListed {
		s.More++
		return
	}
	s.Differences = append(s.Differences, Difference{s.file, key, fmt.Sprintf(format, args...)})
}

// File compares a file of the directory written with the same one of the directory again, and adds what it finds to the
// result. Files of equal bytes are equal whatever their format.
func (r *Result) File(name, written, again string, o Options) error {
	s := &sink{Result: r, file: name}
	paths := [2]string{filepath.Join(written, name), filepath.Join(again, name)}
	if strings.HasSuffix(name, ".parquet") {
		return s.parquet(paths, o)
	}
	var texts [2][]byte
	for i, path := range paths {
		var err error
		if texts[i], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	if bytes.Equal(texts[0], texts[1]) {
		r.Values++
		return nil
	}
	switch filepath.Ext(name) {
	case ".csv":
		return s.csv(texts)
	case ".yaml", ".yml":
		return s.tree(texts, fromYAML, o)
	}
	return s.tree(texts, fromJSON, o)
}

// Shared returns the names of the files that both directories have, and of those that only one of them has.
func Shared(written, again string) (both, onlyWritten, onlyAgain []string, err error) {
	names := func(dir string) (list []string) {
		entries, failed := os.ReadDir(dir)
		err = errors.Join(err, failed)
		for _, e := range entries {
			if e.Type()&fs.ModeType == 0 {
				list = append(list, e.Name())
			}
		}
		return list
	}
	a, b := names(written), names(again)
	for _, name := range a {
		if slices.Contains(b, name) {
			both = append(both, name)
		} else {
			onlyWritten = append(onlyWritten, name)
		}
	}
	onlyAgain = slices.DeleteFunc(b, func(name string) bool { return slices.Contains(a, name) })
	return both, onlyWritten, onlyAgain, err
}
