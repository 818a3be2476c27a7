package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

// memory is a bucket in memory whose objects take time to create.
type memory struct {
	objects map[string]string
	types   map[string]string
	delay   time.Duration
	fail    map[string]error // errors of create, by object
}

func (m *memory) endpoint() string            { return "" }
func (m *memory) check(context.Context) error { return nil }

// page returns two names at a time.
func (m *memory) page(_ context.Context, prefix, from string) (names []string, next string, err error) {
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) && name > from {
			if len(names) == 2 {
				return names, names[1], nil
			}
			names = append(names, name)
		}
	}
	return names, "", nil
}

func (m *memory) exists(_ context.Context, object string) (bool, error) {
	_, there := m.objects[object]
	return there, nil
}

func (m *memory) create(ctx context.Context, object, contentType string, content io.ReaderAt, size int64) error {
	if err := network.Sleep(ctx, m.delay); err != nil {
		return err
	}
	if err := m.fail[object]; err != nil {
		return err
	}
	text, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	m.objects[object], m.types[object] = string(text), contentType
	return err
}

func (m *memory) get(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.ErrUnsupported
}

func (m *memory) session(t Target) *session {
	m.objects, m.types = map[string]string{}, map[string]string{}
	s := t.session()
	s.open = func(context.Context, Target, *traffic) (bucket, error) { return m, nil }
	return s
}

var inMemory = Target{Provider: S3, Bucket: "b", Path: "p"}

func TestUploadProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := report(t, map[string]string{"a.json": strings.Repeat("a", 2_500_000),
			"b/c.json": strings.Repeat("b", 1_000_000), "d.json": ""})
		m := &memory{delay: 3 * time.Second}
		start := time.Now()
		var lines []string
		uploaded, _, err := m.session(inMemory).upload(t.Context(), dir, func(text string) {
			lines = append(lines, fmt.Sprintf("%v %s", time.Since(start), text))
		})
		if want := []string{"p/a.json", "p/b/c.json", "p/d.json"}; err != nil || !slices.Equal(uploaded, want) {
			t.Errorf("got %q, %v, want %q", uploaded, err, want)
		}
		want := []string{
			"2s storing the report in s3://b/p/: 0 of 3 files, 0.0 of 3.5 MB, now a.json (2.5 MB)",
			"4s storing the report in s3://b/p/: 1 of 3 files, 2.5 of 3.5 MB, now " + filepath.FromSlash("b/c.json") +
				" (1.0 MB)",
			"8s storing the report in s3://b/p/: 2 of 3 files, 3.5 of 3.5 MB, now d.json (0.0 MB)",
		}
		// At 6 s the second file may or may not have been stored.
		lines = slices.DeleteFunc(lines, func(text string) bool { return strings.HasPrefix(text, "6s ") })
		if !slices.Equal(lines, want) {
			t.Errorf("got  %q\nwant %q", lines, want)
		}
		if got := m.types["p/a.json"]; got != "application/json" {
			t.Errorf("got type %q", got)
		}
	})
}

func TestUploadIsQuietWhenFast(t *testing.T) {
	t.Parallel()
	dir := report(t, map[string]string{"a.json": "{}"})
	_, _, err := new(memory).session(inMemory).upload(t.Context(), dir, func(text string) { t.Error(text) })
	if err != nil {
		t.Error(err)
	}
}

func TestUploadStopsAtAnError(t *testing.T) {
	t.Parallel()
	dir := report(t, map[string]string{"a.json": "a", "b.json": "b", "c.json": "c"})
	m := &memory{fail: map[string]error{"p/b.json": &answer{status: 507}, "p/a.json": errExists}}
	uploaded, skipped, err := m.session(inMemory).upload(t.Context(), dir, nil)
	refused(t, err, fmt.Sprintf(`s3 bucket "b": storing "p/b.json": the server keeps answering 507 Insufficient `+
		`Storage; try again later; `+
		`1 of 3 files are stored, all stay in %q`, dir))
	if len(uploaded) != 0 || !slices.Equal(skipped, []string{"p/a.json"}) {
		t.Errorf("got %q, skipped %q", uploaded, skipped)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "b.json")); err != nil || string(text) != "b" {
		t.Errorf("the report was changed: %q, %v", text, err)
	}
}

func TestUploadInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := report(t, map[string]string{"a.json": "a", "b.json": "b"})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		m := &memory{delay: 3 * time.Second}
		uploaded, _, err := m.session(inMemory).upload(ctx, dir, nil)
		refused(t, err,
			fmt.Sprintf(`s3 bucket "b": storing "p/b.json": interrupted; 1 of 2 files are stored, all stay in %q`, dir))
		if !errors.Is(err, context.DeadlineExceeded) || len(uploaded) != 1 || time.Since(start) != 5*time.Second {
			t.Errorf("got %q after %v, %v", uploaded, time.Since(start), err)
		}
	})
}

func TestUploadEmptyDirectory(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, _, err := new(memory).session(inMemory).upload(t.Context(), empty, nil)
	refused(t, err, fmt.Sprintf("nothing to store: %q has no files", empty))
	if _, _, err := new(memory).session(inMemory).upload(t.Context(), filepath.Join(empty, "none"),
		nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestUploadSilent uses a server that never answers.
func TestUploadSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := report(t, map[string]string{"a.json": "a"})
		start := time.Now()
		m := &memory{delay: time.Hour}
		_, _, err := m.session(inMemory).upload(t.Context(), dir, nil)
		refused(t, err,
			fmt.Sprintf(`s3 bucket "b": storing "p/a.json": no answer within 30s; check endpoint_url or `+
				`AWS_ENDPOINT_URL, the region, `+
				`and the network; 0 of 1 files are stored, all stay in %q`, dir))
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("Upload took %v", got)
		}
	})
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		traffic := newTraffic(30 * time.Second)
		ctx, stop := traffic.guard(t.Context())
		defer stop()
		time.Sleep(10 * time.Minute) // no caller waits
		done := traffic.wait()
		for range 20 { // a slow connection
			time.Sleep(20 * time.Second)
			traffic.touch()
		}
		done()
		time.Sleep(10 * time.Minute)
		if err := context.Cause(ctx); err != nil {
			t.Fatalf("the guard ended the context: %v", err)
		}
		traffic.wait()
		start := time.Now()
		<-ctx.Done()
		if got := time.Since(start); context.Cause(ctx) != errSilent || got != 30*time.Second {
			t.Errorf("the context ended after %v, %v", got, context.Cause(ctx))
		}
	})
}
