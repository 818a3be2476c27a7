package input

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// readFiles collects what the inputs of a process were read from, for the client lines of the record file.
type readFiles struct {
	mu   sync.Mutex
	list []record.File
}

// add adds a file unless it is there.
func (r *readFiles) add(f record.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.list, f) {
		r.list = append(r.list, f)
	}
}

// all returns the files in order of kinds and names, whatever the order in which they were read.
func (r *readFiles) all() []record.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.list)
	slices.SortFunc(list, func(a, b record.File) int {
		return strings.Compare(a.Kind+a.Name+a.SHA256, b.Kind+b.Name+b.SHA256)
	})
	return list
}

// content notes a file that is in memory.
func (r *readFiles) content(kind, path string, data []byte) {
	r.add(record.File{Kind: kind, Name: filepath.Base(path), Bytes: int64(len(data)), SHA256: digest.Bytes(data)})
}

// mostNamed is how many files of a data set are listed one by one.
const mostNamed = 16

// data notes the files of a data set. Of large files only the ends are read. Many files are one entry, whose hash is
// that of their names and hashes.
func (r *readFiles) data(files []datasets.File) {
	list := make([]record.File, len(files))
	for i, f := range files {
		list[i] = fingerprint(f)
	}
	if len(list) <= mostNamed {
		for _, f := range list {
			r.add(f)
		}
		return
	}
	whole := record.File{Kind: record.KindData, Name: fmt.Sprintf("%d files of %s", len(list),
		filepath.Base(filepath.Dir(files[0].Name)))}
	w := digest.NewWriter(io.Discard)
	for _, f := range list {
		_, _ = fmt.Fprintf(w, "%s  %s\n", f.SHA256, f.Name) // never fails
		whole.Bytes += f.Bytes
		whole.Ends = whole.Ends || f.Ends
	}
	whole.SHA256 = w.Sum()
	r.add(whole)
}

// fingerprint hashes a file. A file that cannot be read has no hash; who reads it next says why.
func fingerprint(of datasets.File) record.File {
	f := record.File{Kind: record.KindData, Name: filepath.Base(of.Name)}
	src, err := of.Open()
	if err != nil {
		return f
	}
	defer func() { _ = src.Close() }()
	seeker, seeks := src.(io.ReadSeeker)
	stat, states := src.(interface{ Stat() (fs.FileInfo, error) })
	if seeks && states {
		if info, err := stat.Stat(); err == nil && info.Size() > archiveLimit {
			f.Bytes, f.Ends = info.Size(), true
			f.SHA256, _ = digest.Ends(seeker, info.Size(), record.EndLength)
			return f
		}
	}
	sum, n, err := digest.Reader(src)
	if err == nil {
		f.SHA256, f.Bytes = sum, n
	}
	return f
}
