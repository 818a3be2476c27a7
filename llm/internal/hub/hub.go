// Package hub fetches files of models and data sets from the Hugging Face hub. It keeps them in the cache of Hugging
// Face's own tools, so that neither has to download what the other has downloaded. For each repository, the cache holds
// blobs (the contents, named by ETag), snapshots (a folder for each commit with links to blobs) and refs (the commit of
// a branch or tag). The client resumes broken downloads, checks their length and, if the hub announces it, their
// SHA-256, and takes the lock files of huggingface_hub.
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

// Client fetches files. FromEnv makes one; a caller may also fill in the fields. It may be used concurrently.
type Client struct {
	Endpoint string // URL of the hub, without a trailing slash
	Cache    string // folder of the cache
	Token    string // bearer token for the hub, not for the hosts that it redirects to; "" if there is none
	Offline  bool   // uses the cache only
	HTTP     *http.Client

	// Progress, if set, is called about once a second during a download, with the bytes received and the size of the
	// file, which is -1 if unknown.
	Progress func(file string, done, total int64)
}

// FromEnv returns a client with the settings of the variables that huggingface_hub reads: HF_ENDPOINT, HF_HUB_CACHE,
// HF_HOME, XDG_CACHE_HOME, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and older names of some of them. If the variables
// hold no token, it reads the token that `hf auth login` has stored.
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

// transport returns a transport that bounds the wait for the headers of an answer.
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
	ID       string // for example "org/name"
	Revision string // branch, tag or commit; "" means the branch main
}

// validID matches the names that huggingface_hub accepts. They have one or two parts.
var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$`)

// IsID reports whether a string can be the name of a repository.
func IsID(name string) bool {
	return validID.MatchString(name) && !strings.Contains(name, "--") && !strings.Contains(name, "..") &&
		!strings.HasSuffix(name, ".git")
}

// commitHash matches a full commit hash.
var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (r Repo) revision() string {
	if r.Revision == "" {
		return "main"
	}
	return r.Revision
}

// folder returns the repository's folder in a cache.
func (r Repo) folder(cache string) string {
	return filepath.Join(cache, r.folderName())
}

func (r Repo) folderName() string { return r.Kind + "s--" + strings.ReplaceAll(r.ID, "/", "--") }

// UncachedError reports that the cache lacks a file and the hub cannot be asked, so it is unknown whether the
// repository has the file.
type UncachedError struct{ err error }

// Error names the file and the cache, and says why the hub cannot be asked.
func (e *UncachedError) Error() string { return e.err.Error() }

// Unwrap returns the reason why the hub cannot be asked.
func (e *UncachedError) Unwrap() error { return e.err }

// errMissing reports that the repository does not have the file.
var errMissing = fmt.Errorf("not in the repository: %w", fs.ErrNotExist)

// File returns the path in the cache of a file of the repository. It fetches the file if the cache lacks the current
// version. If the client is offline, or the hub cannot be reached, File returns the cached version. Its error is
// fs.ErrNotExist only if the repository lacks the file.
func (c *Client) File(ctx context.Context, repo Repo, name string) (string, error) {
	path, err := c.file(ctx, repo, name)
	return path, c.hide(err)
}

// hide removes the token and a password in the endpoint from an error, and shortens it, because it may quote the hub's
// answer.
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
	if path != "" && commitHash.MatchString(repo.Revision) { // the files of a commit do not change
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

// List returns the names of a repository's files. If the client is offline, or the hub cannot be reached, it lists the
// files in the cache.
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

// listed returns the names of the repository's files that are in the cache.
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

// fallBack returns the cached path if there is one. Otherwise its error says that the repository lacks the file, or why
// the hub cannot be asked.
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

// cached returns the path of a file in the cache, or "" if the cache lacks it. It reports whether the cache knows that
// the repository lacks the file.
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

// commit returns the commit of the repository's revision, by the refs of the cache.
func (c *Client) commit(repo Repo) (string, bool) {
	commit := repo.revision()
	if commitHash.MatchString(commit) {
		return commit, true
	}
	data, err := os.ReadFile(filepath.Join(repo.folder(c.Cache), "refs", filepath.FromSlash(commit)))
	commit = strings.TrimSpace(string(data))
	return commit, err == nil && commitHash.MatchString(commit)
}

// rememberMissing notes in the cache that a commit lacks a file, as huggingface_hub does. Its errors do no harm.
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

// writeRef writes the commit of the revision into the cache.
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

// exists reports whether path exists. A dangling link does not.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
