package storage

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// progressEvery is the time before the first line of progress and between two lines.
const progressEvery = 2 * time.Second

// Upload stores every file of a report directory and of its folders, and returns the names of the objects. An object
// that exists already is left unchanged and listed in skipped, as inference-perf does it. An upload that takes longer
// than two seconds reports its progress to log, one line at a time, from another goroutine; log may be nil.
//
// The first error ends the upload. The files stay where they are in any case; the error is one line that says what went
// wrong, what to do, and where the files are.
func (t Target) Upload(ctx context.Context, dir string, log func(string)) (uploaded, skipped []string, err error) {
	return t.session().upload(ctx, dir, log)
}

func (s *session) upload(ctx context.Context, dir string, log func(string)) (uploaded, skipped []string, err error) {
	files, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	p := newProgress(s.target, files)
	defer p.logProgress(log)()
	if err := s.check(ctx); err != nil {
		return nil, nil, fmt.Errorf("%w; the report stays in %q", err, dir)
	}
	for _, f := range files {
		p.start(f)
		object := s.target.object(f.name)
		created, err := s.storeFile(ctx, object, filepath.Join(dir, f.name))
		if err != nil {
			return uploaded, skipped, fmt.Errorf("%w; %d of %d files are stored, all stay in %q", err,
				len(uploaded)+len(skipped), len(files), dir)
		}
		if created {
			uploaded = append(uploaded, object)
		} else {
			skipped = append(skipped, object)
		}
		p.finish(f)
	}
	return uploaded, skipped, nil
}

func (s *session) storeFile(ctx context.Context, object, path string) (created bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	return s.store(ctx, object, f, info.Size())
}

// file is a file of the report. Its name is relative to the directory.
type file struct {
	name string
	size int64
}

// list returns the regular files of a directory and its folders, in the order of their names.
func list(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files = append(files, file{name, info.Size()})
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("nothing to store: %q has no files", dir)
	}
	return files, err
}

// progress holds how far an upload has come. It may be used concurrently.
type progress struct {
	target Target
	files  int
	size   int64

	mu   sync.Mutex
	done int
	sent int64
	now  file
}

func newProgress(t Target, files []file) *progress {
	p := &progress{target: t, files: len(files)}
	for _, f := range files {
		p.size += f.size
	}
	return p
}

func (p *progress) start(f file) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = f
}

func (p *progress) finish(f file) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.sent += f.size
}

func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("storing the report in %v: %d of %d files, %s of %s MB", p.target, p.done, p.files,
		megabytes(p.sent), megabytes(p.size))
	if p.now.name != "" {
		text += fmt.Sprintf(", now %s (%s MB)", p.now.name, megabytes(p.now.size))
	}
	return text
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }

// logProgress sends log a line whenever there is progress, until stop has returned.
func (p *progress) logProgress(log func(string)) (stop func()) {
	if log == nil {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		last := ""
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
			}
			if text := p.String(); text != last {
				log(text)
				last = text
			}
		}
	}()
	return func() { close(quit); <-gone }
}
