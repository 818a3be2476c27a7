// Package hub fetches files of models and data sets from the Hugging Face hub, and keeps them where Hugging Face's
// own tools keep them: files a user has already are found without a download, and those tools find ours.
//
// The cache holds for each repository blobs (the contents, named by ETag), snapshots (a folder for each commit, of
// links to blobs) and refs (which commit a branch or tag was at). Downloads are resumed after a break, checked by
// length and, where the hub tells it, by SHA-256, and guarded by the lock files of huggingface_hub.
package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

// Client fetches files. Make one with FromEnv, or fill the fields; it may be used concurrently.
type Client struct {
	Endpoint string // URL of the hub without a slash at the end
	Cache    string // folder of the cache
	Token    string // sent to the hub as bearer token, never to the hosts it redirects to; "" for none
	Offline  bool   // use the cache only
	HTTP     *http.Client

	// Progress, if set, is told about each download now and then, with the bytes there are and the bytes there will be.
	Progress func(file string, done, total int64)
}

// FromEnv makes a client of the variables that huggingface_hub reads: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME,
// XDG_CACHE_HOME, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and the older names of some. Without a token in them it takes
// the one that the hub's command line stored.
func FromEnv(lookup func(name string) (string, bool)) (*Client, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if v, _ := lookup(name); strings.TrimSpace(v) != "" {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	home := first("HF_HOME")
	if home == "" {
		base := first("XDG_CACHE_HOME")
		if base == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return nil, fmt.Errorf("no place for the cache of the hub, set HF_HOME: %w", err)
			}
			base = filepath.Join(user, ".cache")
		}
		home = filepath.Join(base, "huggingface")
	}
	c := &Client{
		Endpoint: strings.TrimRight(first("HF_ENDPOINT"), "/"),
		Cache:    first("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"),
		Token:    first("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
		Offline:  truthy(first("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")),
		HTTP:     &http.Client{Transport: transport()},
	}
	if c.Endpoint == "" {
		c.Endpoint = DefaultEndpoint
	}
	if c.Cache == "" {
		c.Cache = filepath.Join(home, "hub")
	}
	if c.Token == "" && !truthy(first("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		path := first("HF_TOKEN_PATH")
		if path == "" {
			path = filepath.Join(home, "token")
		}
		if data, err := os.ReadFile(path); err == nil { // most users have none
			if data, err = textfile.Trim(data); err != nil {
				return nil, fmt.Errorf("the hub's token in %s: %w", path, err)
			}
			c.Token = strings.TrimSpace(string(data))
		}
	}
	return c, nil
}

func truthy(v string) bool {
	switch strings.ToUpper(v) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// transport gives up on a server that does not answer.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}

// Kinds of repository.
const (
	Model   = "model"
	Dataset = "dataset"
)

// Repo names a repository.
type Repo struct {
	Kind     string // Model or Dataset
	ID       string // such as "org/name"
	Revision string // branch, tag or commit; "" is the branch main
}

// validID is what huggingface_hub accepts, in one or two parts.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$`)

// IsID reports whether a name can be that of a repository.
func IsID(name string) bool {
	return validID.MatchString(name) && !strings.Contains(name, "--") && !strings.Contains(name, "..") &&
		!strings.HasSuffix(name, ".git")
}

// commit is the form of a full commit hash.
var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (r Repo) revision() string {
	if r.Revision == "" {
		return "main"
	}
	return r.Revision
}

// folder is the repository's in a cache.
func (r Repo) folder(cache string) string {
	return filepath.Join(cache, r.folderName())
}

func (r Repo) folderName() string { return r.Kind + "s--" + strings.ReplaceAll(r.ID, "/", "--") }

// UncachedError is of a file that the cache lacks while the hub cannot be asked: whether the repository has it is not
// known.
type UncachedError struct{ err error }

// Error says where it was looked for, and why the hub cannot be asked.
func (e *UncachedError) Error() string { return e.err.Error() }

// Unwrap gives the reason.
func (e *UncachedError) Unwrap() error { return e.err }

// errMissing is of a file that the repository does not have.
var errMissing = fmt.Errorf("not in the repository: %w", fs.ErrNotExist)

// File gives the path of a file of the repository in the cache, which it fetches if it is not there or not current.
// Offline, and if the hub cannot be reached, what the cache has is taken. A file that the repository lacks, and only
// that, is fs.ErrNotExist.
func (c *Client) File(ctx context.Context, repo Repo, name string) (string, error) {
	path, err := c.file(ctx, repo, name)
	return path, c.hide(err)
}

// hide takes the token, and a password in the endpoint, out of an error, and shortens it: it may quote what the hub
// says.
func (c *Client) hide(err error) error {
	if err == nil {
		return nil
	}
	var s secret.Set
	s.Add(c.Token)
	s.URL(c.Endpoint)
	s.Proxies()
	return plain.Error(s.Mask().Error(err))
}

func (c *Client) file(ctx context.Context, repo Repo, name string) (string, error) {
	if !IsID(repo.ID) || repo.Kind != Model && repo.Kind != Dataset {
		return "", fmt.Errorf("hub: %q is no name of a repository such as org/name", repo.ID)
	}
	if !filepath.IsLocal(name) || !filepath.IsLocal(repo.revision()) {
		return "", fmt.Errorf("hub: %s: %q at %q is no file of a repository", repo.ID, name, repo.revision())
	}
	path, missing := c.cached(repo, name)
	if path != "" && commitHash.MatchString(repo.Revision) { // a commit's files do not change
		return path, nil
	}
	if c.Offline {
		return c.fallBack(repo, name, path, missing, errors.New("HF_HUB_OFFLINE is set"))
	}
	about, err := c.head(ctx, repo, name)
	var unreachable *unreachableError
	switch {
	case errors.As(err, &unreachable) && ctx.Err() == nil:
		return c.fallBack(repo, name, path, missing, err)
	case errors.Is(err, errMissing):
		c.rememberMissing(repo, about.commit, name)
		return "", fmt.Errorf("hub: %s: %s is %w", repo.ID, name, errMissing)
	case err != nil:
		return "", fmt.Errorf("hub: %s: %w", repo.ID, err)
	}
	path, err = c.store(ctx, repo, name, about)
	if err != nil {
		return "", fmt.Errorf("hub: %s: %s: %w", repo.ID, name, err)
	}
	return path, nil
}

// List names the files of a repository. Offline, and if the hub cannot be reached, those the cache has.
func (c *Client) List(ctx context.Context, repo Repo) ([]string, error) {
	names, err := c.list(ctx, repo)
	return names, c.hide(err)
}

func (c *Client) list(ctx context.Context, repo Repo) ([]string, error) {
	if !IsID(repo.ID) || !filepath.IsLocal(repo.revision()) {
		return nil, fmt.Errorf("hub: %q is no name of a repository such as org/name", repo.ID)
	}
	why := errors.New("HF_HUB_OFFLINE is set")
	if !c.Offline {
		names, err := c.siblings(ctx, repo)
		var unreachable *unreachableError
		if err == nil {
			return names, nil
		}
		if !errors.As(err, &unreachable) {
			return nil, fmt.Errorf("hub: %s: %w", repo.ID, err)
		}
		why = err
	}
	names, err := c.listed(repo)
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("hub: %s is not in the cache %s, and it cannot be fetched: %w", repo.ID, c.Cache, why)
	}
	return names, nil
}

// listed names the files of a repository that are in the cache.
func (c *Client) listed(repo Repo) ([]string, error) {
	commit, ok := c.commit(repo)
	if !ok {
		return nil, fs.ErrNotExist
	}
	root := filepath.Join(repo.folder(c.Cache), "snapshots", commit)
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	return names, err
}

// fallBack takes what the cache has when the hub cannot be asked.
func (c *Client) fallBack(repo Repo, name, path string, missing bool, why error) (string, error) {
	switch {
	case path != "":
		return path, nil
	case missing:
		return "", fmt.Errorf("hub: %s: %s is %w", repo.ID, name, errMissing)
	}
	err := fmt.Errorf("hub: %s: %s is not in the cache %s, and it cannot be fetched: %w", repo.ID, name, c.Cache, why)
	return "", &UncachedError{err}
}

// cached looks into the cache: the file's path, or that the repository was seen to lack it.
func (c *Client) cached(repo Repo, name string) (path string, missing bool) {
	folder := repo.folder(c.Cache)
	commit, ok := c.commit(repo)
	if !ok {
		return "", false
	}
	path = filepath.Join(folder, "snapshots", commit, filepath.FromSlash(name))
	if _, err := os.Stat(path); err == nil {
		return path, false
	}
	_, err := os.Stat(filepath.Join(folder, ".no_exist", commit, filepath.FromSlash(name)))
	return "", err == nil
}

// commit is that of the repository's revision as the cache knows it.
func (c *Client) commit(repo Repo) (string, bool) {
	commit := repo.revision()
	if commitHash.MatchString(commit) {
		return commit, true
	}
	data, err := os.ReadFile(filepath.Join(repo.folder(c.Cache), "refs", filepath.FromSlash(commit)))
	commit = strings.TrimSpace(string(data))
	return commit, err == nil && commitHash.MatchString(commit)
}

// rememberMissing notes, as huggingface_hub does, that a commit lacks a file. Failing to is no harm.
func (c *Client) rememberMissing(repo Repo, commit, name string) {
	if !commitHash.MatchString(commit) {
		return
	}
	path := filepath.Join(repo.folder(c.Cache), ".no_exist", commit, filepath.FromSlash(name))
	if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
		_ = os.WriteFile(path, nil, 0o644)
	}
	_ = c.writeRef(repo, commit)
}

// writeRef notes at which commit the revision is.
func (c *Client) writeRef(repo Repo, commit string) error {
	if repo.revision() == commit {
		return nil
	}
	path := filepath.Join(repo.folder(c.Cache), "refs", filepath.FromSlash(repo.revision()))
	if data, err := os.ReadFile(path); err == nil && string(data) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return outfile.WriteBytes(path, outfile.Options{Replace: true}, []byte(commit))
}

// exists reports whether there is something at path; a link to nothing is nothing.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
