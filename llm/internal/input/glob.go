package input

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// findPatterns returns the files that patterns of the options match, and their total size in bytes. Large ones are
// read from the disk, as in findLocal.
func (p opening) findPatterns(patterns []string) ([]datasets.File, int64, error) {
	var absolute []string
	for _, pattern := range patterns {
		absolute = append(absolute, p.from.Abs(pattern))
	}
	files, size, err := glob(p.from.Files, absolute)
	if err == nil && size <= archiveLimit {
		return files, size, nil
	}
	if large, n, direct := glob(fsext.NewOsFs(), absolute); direct == nil && n > archiveLimit {
		p.from.Log.Infof("the data set has more than %d MiB: an archive of this test does not carry it, and finds it "+
			"at the same place only", archiveLimit>>20)
		return large, n, nil
	}
	return files, size, err
}

// glob returns the files that match any of some absolute patterns, in the order of their names, and their total size in
// bytes. Besides * and ? a pattern may have **, which is any number of folders. A pattern without these is a file, or a
// folder with its files.
func glob(from fsext.Fs, patterns []string) (files []datasets.File, size int64, err error) {
	sizes := map[string]int64{}
	for _, pattern := range patterns {
		matched, err := matchFiles(from, pattern)
		switch {
		case err != nil:
			return nil, 0, err
		case len(matched) == 0:
			return nil, 0, fmt.Errorf("data set: no file matches %q", pattern)
		}
		maps.Copy(sizes, matched)
	}
	for name, n := range sizes {
		files = append(files, datasets.File{Name: name, Open: func() (io.ReadCloser, error) { return from.Open(name) }})
		size += n
	}
	slices.SortFunc(files, func(a, b datasets.File) int { return strings.Compare(a.Name, b.Name) })
	return files, size, nil
}

// matchFiles returns the sizes of the files that a pattern matches.
func matchFiles(from fsext.Fs, pattern string) (map[string]int64, error) {
	sizes := map[string]int64{}
	fixed, variable := splitPattern(filepath.ToSlash(pattern))
	if len(variable) == 0 {
		files, _, err := list(from, pattern, "")
		for _, file := range files {
			info, err := from.Stat(file.Name)
			if err != nil {
				return nil, fmt.Errorf("data set %s: %w", file.Name, err)
			}
			sizes[file.Name] = info.Size()
		}
		return sizes, err
	}
	root := filepath.FromSlash(fixed)
	err := fsext.Walk(from, root, func(name string, info fs.FileInfo, err error) error {
		if err != nil {
			return fmt.Errorf("data set %s: %w", name, err)
		}
		inside, _ := filepath.Rel(root, name)
		if info.IsDir() || !matchesFolders(variable, strings.Split(filepath.ToSlash(inside), "/")) {
			return nil
		}
		if info, err = from.Stat(name); err == nil { // of a link, its target
			err = textfile.Regular(info)
		}
		if err != nil {
			return fmt.Errorf("data set %s %w", name, err)
		}
		if !info.IsDir() {
			sizes[name] = info.Size()
		}
		return nil
	})
	return sizes, err
}

// splitPattern splits a pattern into the folder in which all its matches are, and the names below that vary.
func splitPattern(pattern string) (fixed string, variable []string) {
	names := strings.Split(pattern, "/")
	at := slices.IndexFunc(names, func(name string) bool { return strings.ContainsAny(name, "*?[") })
	if at < 0 {
		return pattern, nil
	}
	return "/" + strings.Trim(strings.Join(names[:at], "/"), "/"), names[at:]
}

// matchesFolders reports whether a path matches a pattern, both as lists of names. Hidden files and folders match only
// names that begin with a dot.
func matchesFolders(pattern, names []string) bool {
	switch {
	case len(pattern) == 0:
		return len(names) == 0
	case pattern[0] == "**":
		return matchesFolders(pattern[1:], names) ||
			len(names) > 0 && !strings.HasPrefix(names[0], ".") && matchesFolders(pattern, names[1:])
	case len(names) == 0 || strings.HasPrefix(names[0], ".") && !strings.HasPrefix(pattern[0], "."):
		return false
	}
	ok, err := path.Match(pattern[0], names[0])
	return ok && err == nil && matchesFolders(pattern[1:], names[1:])
}
