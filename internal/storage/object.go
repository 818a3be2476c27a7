package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

// Find gives the objects that a URL means, sorted: itself, or with *, ? or [ in its name all that match, as
// [path.Match] has it. Each part between slashes is matched by itself. None is an error.
func Find(ctx context.Context, url string) ([]string, error) {
	t, pattern, err := parse(url)
	if err != nil {
		return nil, err
	}
	first := strings.IndexAny(pattern, `*?[\`)
	if first < 0 {
		return []string{url}, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("%q: %w", url, err)
	}
	names, err := t.session().list(ctx, pattern[:first])
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		if ok, _ := path.Match(pattern, name); ok { // the pattern was read above
			found = append(found, t.url(name))
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s matches no object of %d beneath %s", url, len(names), t.url(pattern[:first]))
	}
	slices.Sort(found)
	return found, nil
}

// maxListed bounds the objects that are looked at for a pattern.
const maxListed = 1_000_000

// maxPages bounds their list, of which a page may be empty.
const maxPages = 10_000

// list gives the names of the objects that begin with a prefix.
func (s *session) list(ctx context.Context, prefix string) (names []string, err error) {
	err = s.do(ctx, "listing "+quote(prefix), func(ctx context.Context) error {
		for next, pages := "", 1; ; pages++ {
			var page []string
			if page, next, err = s.bucket.page(ctx, prefix, next); err != nil {
				return err
			}
			names = append(names, page...)
			switch {
			case next == "":
				return nil
			case len(names) > maxListed:
				return &fault{what: fmt.Sprintf("more than %d objects begin so", maxListed),
					fix: "give more of the name"}
			case pages == maxPages:
				return &fault{what: "the server's list has no end", fix: advices[s.target.Provider].reach}
			}
		}
	})
	return names, err
}

// Download reads the object of a URL into a file beneath dir, and gives its path: bucket and name of the object become
// folders. dir must be the caller's own.
func Download(ctx context.Context, url, dir string) (string, error) {
	t, object, err := parse(url)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, t.Bucket, filepath.FromSlash(path.Clean("/"+object)))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	body, err := t.Open(ctx, object)
	if err != nil {
		return "", err
	}
	defer body.Close()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // two names may clean to one
	if err != nil {
		return "", err
	}
	_, err = io.Copy(&outfile.Bounded{W: f, Dir: dir, Most: math.MaxInt64}, body) // as much as the disk has room for
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(file)
		if full := new(outfile.NoRoomError); errors.As(err, &full) {
			err = fmt.Errorf("%s: %w: make room, or set TMPDIR to a folder on another disk", url, err)
		}
		return "", err
	}
	return file, nil
}

// Vacant finds out whether an object can be created at a URL: whether its bucket can be reached, and nothing is there
// yet. Whether the credentials may write shows when it is created.
func Vacant(ctx context.Context, url string) error {
	t, object, err := parse(url)
	if err != nil {
		return err
	}
	if err := t.Check(ctx); err != nil {
		return err
	}
	s := t.session()
	var there bool
	err = s.do(ctx, "looking for "+quote(object), func(ctx context.Context) (err error) {
		there, err = s.bucket.exists(ctx, object)
		return err
	})
	if err == nil && there {
		err = fmt.Errorf("%s exists, and objects are never replaced: give another name", url)
	}
	return err
}

// Store creates the object of a URL from a file. One that is there already is left as it is, which is an error.
func Store(ctx context.Context, url, file string) error {
	t, object, err := parse(url)
	if err != nil {
		return err
	}
	created, err := t.session().storeFile(ctx, object, file)
	if err == nil && !created {
		err = fmt.Errorf("%s exists, and objects are never replaced", url)
	}
	return err
}
