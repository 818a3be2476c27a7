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

// Find returns the URLs of the objects that a URL means, sorted: the URL itself, or, if its name has *, ? or [ in it,
// all objects that match it by the rules of [path.Match]. No wildcard matches a slash. It is an error if no object
// matches.
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
		if ok, _ := path.Match(pattern, name); ok { // the pattern was checked above
			found = append(found, t.url(name))
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s matches no object of %d beneath %s", url, len(names), t.url(pattern[:first]))
	}
	slices.Sort(found)
	return found, nil
}

// maxListed limits the number of objects that are listed for a pattern.
const maxListed = 1_000_000

// maxPages limits the number of pages of a list, because a server may send empty pages without end.
const maxPages = 10_000

// list returns the names of the objects that begin with a prefix.
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
				return &fault{what: fmt.Sprintf("more than %d objects have this prefix", maxListed),
					fix: "give more of the name"}
			case pages == maxPages:
				return &fault{what: "the server's list has no end", fix: advices[s.target.Provider].reach}
			}
		}
	})
	return names, err
}

// Download writes the object of a URL to a file below dir and returns the path of the file: the bucket and the slashes
// of the object's name become folders. dir must belong to the caller alone. If the object cannot be read whole, no file
// is left.
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
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // two names may clean to the same path
	if err != nil {
		return "", err
	}
	// limited only by the room on the disk
	_, err = io.Copy(&outfile.Bounded{W: f, Dir: dir, Most: math.MaxInt64}, body)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(file)
		if full := new(outfile.NoRoomError); errors.As(err, &full) {
			err = fmt.Errorf("%s: %w: make room, or set TMPDIR to a folder on another disk", url, err)
		}
		return "", err
	}
	return file, nil
}

// Vacant returns nil if an object can be created at a URL: its bucket can be reached and has no object of this name.
// Whether the credentials allow writing shows only when the object is created.
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

// Store creates the object of a URL from a file. If the object exists already, it stays unchanged and Store returns an
// error.
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
