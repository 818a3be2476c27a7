package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/page"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

// pageOf returns what writes the page of a report in a directory.
func pageOf(report *convert.Report, dir string) func(io.Writer) error {
	return func(w io.Writer) error {
		path, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		run, err := page.FromReport(filepath.Base(path), report)
		if err == nil {
			err = page.Write(w, []page.Run{run})
		}
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		return nil
	}
}

// pageFile writes a page into a directory, which is created if it is missing.
func pageFile(dir string, runs []page.Run, replace bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { // readable by everybody, as reports are
		return err
	}
	write := func(w io.Writer) error { return page.Write(w, runs) }
	return outfile.Write(filepath.Join(dir, reportdir.Page), outfile.Options{Replace: replace}, write)
}
