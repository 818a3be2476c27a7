package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/page"
)

// writePage writes the page of a report into its directory.
func writePage(report *convert.Report, dir string) error {
	path, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	run, err := page.FromReport(filepath.Base(path), report)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return pageFile(dir, []page.Run{run})
}

// pageFile writes a page into a directory, which is made if need be: whole or not at all.
func pageFile(dir string, runs []page.Run) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report for all
		return err
	}
	f, err := os.CreateTemp(dir, "."+page.FileName+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := page.Write(f, runs); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, page.FileName))
}
