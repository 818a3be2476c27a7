package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/gofrs/flock"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// store fetches the blob if the cache lacks it, links it into the snapshot, and returns the path of the link.
func (c *Client) store(ctx context.Context, repo Repo, name string, about metadata) (string, error) {
	folder := repo.folder(c.Cache)
	blob := filepath.Join(folder, "blobs", about.etag)
	link := filepath.Join(folder, "snapshots", about.commit, filepath.FromSlash(name))
	for _, dir := range []string{filepath.Dir(blob), filepath.Dir(link),
		filepath.Join(c.Cache, ".locks", repo.folderName())} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	if err := c.writeRef(repo, about.commit); err != nil {
		return "", err
	}
	if exists(link) {
		return link, nil
	}
	lock := flock.New(filepath.Join(c.Cache, ".locks", repo.folderName(), about.etag+".lock"))
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for another download of the file: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	if !exists(blob) {
		if err := c.download(ctx, repo, name, about, blob); err != nil {
			return "", err
		}
	}
	return link, makeLink(link, blob)
}

// makeLink makes the link, or a copy if the file system has no links.
func makeLink(link, blob string) error {
	if exists(link) {
		return nil
	}
	relative, err := filepath.Rel(filepath.Dir(link), blob)
	if err != nil {
		return err
	}
	_ = os.Remove(link) // it may dangle
	if os.Symlink(relative, link) == nil {
		return nil
	}
	data, err := os.ReadFile(blob)
	if err != nil {
		return err
	}
	return os.WriteFile(link, data, 0o644)
}

// attempts bounds the number of requests for one file.
const attempts = 5

// download fetches a blob by way of a file beside it. If the download breaks off, a later call resumes it from this
// file.
func (c *Client) download(ctx context.Context, repo Repo, name string, about metadata, blob string) error {
	part := blob + ".incomplete"
	if err := roomFor(part, about.size); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := c.fetch(ctx, repo, name, about, part)
		var broken *unreachableError
		var tooLarge *outfile.NoRoomError
		if errors.As(err, &tooLarge) {
			_ = os.Remove(part)
		}
		if !errors.As(err, &broken) || ctx.Err() != nil || try == attempts {
			if err != nil {
				return err
			}
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
	if err := verify(part, about); err != nil {
		_ = os.Remove(part)
		return err
	}
	return os.Rename(part, blob)
}

// roomFor returns an error if the disk of the cache has no room for a file. The part already downloaded stays, so that
// a later run can resume once there is room.
func roomFor(part string, size int64) error {
	if info, err := os.Stat(part); err == nil {
		size -= info.Size()
	}
	if err := outfile.Room(filepath.Dir(part), size); err != nil {
		return fmt.Errorf("%w: make room, or set HF_HUB_CACHE to a folder on another disk", err)
	}
	return nil
}

// maxUnannounced bounds the size of a file, in bytes, if the hub does not announce it.
const maxUnannounced = 16 << 30

// bounded returns a writer for the rest of a file that has done bytes already. It is bounded because a server may send
// more than the hub announced.
func bounded(part *os.File, size, done int64) io.Writer {
	if size < 0 {
		return &outfile.Bounded{W: part, Dir: filepath.Dir(part.Name()), Most: maxUnannounced,
			Why: "the most for a file whose size the hub does not tell", Done: done}
	}
	return &outfile.Bounded{W: part, Dir: filepath.Dir(part.Name()), Most: size, Why: "which the hub announced",
		Done: done}
}

// stallTime is the time after which a download that receives nothing is broken off.
const stallTime = 30 * time.Second

// fetch downloads the rest of a file and appends it to part.
func (c *Client) fetch(ctx context.Context, repo Repo, name string, about metadata, part string) error {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	done, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if about.size >= 0 && done >= about.size {
		return nil // verify checks the content
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(stallTime, cancel)
	defer stall.Stop()
	req, err := c.request(ctx, http.MethodGet, c.url(repo, name))
	if err != nil {
		return err
	}
	if done > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(done, 10)+"-")
	}
	resp, err := c.client(func(next *http.Request) error {
		if next.URL.Host != req.URL.Host {
			next.Header.Del("Authorization")
		}
		return nil
	}).Do(req)
	if err != nil {
		return &unreachableError{network.WithoutURL(err)}
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK, http.StatusRequestedRangeNotSatisfiable: // the server sends no ranges, or has a smaller file
		if err := f.Truncate(0); err != nil {
			return err
		}
		done = 0
	}
	switch err := c.refusal(resp, repo); {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return &unreachableError{errors.New(plain.Terminal(resp.Status))}
	case err != nil:
		return err
	case resp.StatusCode > http.StatusPartialContent:
		return errors.New("the hub answered " + plain.Terminal(resp.Status))
	}
	w := &progress{c: c, file: bounded(f, about.size, done), name: repo.ID + "/" + name, done: done, total: about.size,
		stall: stall}
	if _, err := io.Copy(w, resp.Body); err != nil {
		if w.failed != nil {
			return w.failed
		}
		return &unreachableError{fmt.Errorf("broken off after %d of %d bytes: %w", w.done, about.size, err)}
	}
	if about.size >= 0 && w.done < about.size {
		return &unreachableError{fmt.Errorf("ended after %d of %d bytes", w.done, about.size)}
	}
	return nil
}

// progress writes to the file, reports the progress, and resets the stall timer.
type progress struct {
	c           *Client
	file        io.Writer
	name        string
	done, total int64
	stall       *time.Timer
	reported    time.Time
	failed      error // error of writing the file
}

func (p *progress) Write(data []byte) (int, error) {
	p.stall.Reset(stallTime)
	n, err := p.file.Write(data)
	p.done += int64(n)
	if p.failed = err; err != nil {
		return n, err
	}
	if now := time.Now(); p.c.Progress != nil && now.Sub(p.reported) > time.Second {
		p.reported = now
		p.c.Progress(p.name, p.done, p.total)
	}
	return n, nil
}

// sha256Hex matches the ETags of large files, which are their SHA-256.
var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// verify compares the size and the hash of a downloaded file with the hub's metadata.
func verify(path string, about metadata) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	switch {
	case err != nil:
		return err
	case about.size >= 0 && n != about.size:
		return fmt.Errorf("downloaded %d bytes, the hub announced %d", n, about.size)
	case sha256Hex.MatchString(about.etag) && hex.EncodeToString(hash.Sum(nil)) != about.etag:
		return errors.New("downloaded content does not have the hash the hub announced")
	}
	return nil
}
