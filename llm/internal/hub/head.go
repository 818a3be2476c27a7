package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// metadata is the hub's answer to a HEAD request for a file.
type metadata struct {
	commit string
	etag   string
	size   int64 // in bytes; -1 if unknown
}

// unreachableError reports that the hub did not answer, or that its answer says nothing about the repository.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// headTimeout bounds a request for metadata. It is short because the file may be in the cache.
const headTimeout = 10 * time.Second

// url returns the URL of a file.
func (c *Client) url(repo Repo, name string) string {
	prefix := ""
	if repo.Kind == Dataset {
		prefix = "/datasets"
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return c.Endpoint + prefix + "/" + repo.ID + "/resolve/" + url.PathEscape(repo.revision()) + "/" +
		strings.Join(parts, "/")
}

func (c *Client) request(ctx context.Context, method, target string) (*http.Request, error) {
	if u, err := url.Parse(c.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("HF_ENDPOINT %q is not a URL such as %q", secret.WithoutUser(c.Endpoint),
			DefaultEndpoint)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "xk6-llm")
	req.Header.Set("Accept-Encoding", "identity") // otherwise lengths and ETags would be of the compressed file
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return req, nil
}

// client returns a copy of the HTTP client that calls redirect before it follows a redirect.
func (c *Client) client(redirect func(next *http.Request) error) *http.Client {
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > 10 {
			return errors.New("more than 10 redirects")
		}
		return redirect(next)
	}
	return &client
}

// ask sends a request to the hub. It follows redirects within the hub (of renamed repositories), but not to the hosts
// that store large files, because the hub's own answer has all metadata.
func (c *Client) ask(ctx context.Context, method, target string) (*http.Response, error) {
	req, err := c.request(ctx, method, target)
	if err != nil {
		return nil, err
	}
	resp, err := c.client(func(next *http.Request) error {
		if next.URL.Host != req.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}).Do(req)
	if err != nil {
		return nil, &unreachableError{fmt.Errorf("the hub cannot be reached: %w", network.WithoutURL(err))}
	}
	return resp, nil
}

// head requests the metadata of a file.
func (c *Client) head(ctx context.Context, repo Repo, name string) (metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	resp, err := c.ask(ctx, http.MethodHead, c.url(repo, name))
	if err != nil {
		return metadata{}, err
	}
	_ = resp.Body.Close()
	m := metadata{commit: resp.Header.Get("X-Repo-Commit"), etag: etag(resp.Header), size: size(resp)}
	if err := c.refusal(resp, repo); err != nil {
		return m, err
	}
	if !commitHash.MatchString(m.commit) || !validETag.MatchString(m.etag) {
		return m, fmt.Errorf("%s does not speak the hub's protocol: commit %q, ETag %q", c.Endpoint, m.commit, m.etag)
	}
	return m, nil
}

// siblings requests the sorted names of a repository's files.
func (c *Client) siblings(ctx context.Context, repo Repo) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	resp, err := c.ask(ctx, http.MethodGet, c.Endpoint+"/api/"+repo.Kind+"s/"+repo.ID+"/revision/"+
		url.PathEscape(repo.revision()))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := c.refusal(resp, repo); err != nil {
		return nil, err
	}
	var about struct {
		Siblings []struct {
			Name string `json:"rfilename"`
		}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxListing)).Decode(&about); err != nil {
		return nil, fmt.Errorf("the hub's list of files: %w", err)
	}
	var names []string
	for _, s := range about.Siblings {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names, nil
}

// maxListing bounds the size of a repository's list of files, in bytes.
const maxListing = 64 << 20

// validETag matches ETags that are safe as file names.
var validETag = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

func etag(h http.Header) string {
	tag := h.Get("X-Linked-Etag")
	if tag == "" {
		tag = h.Get("ETag")
	}
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

func size(resp *http.Response) int64 {
	text := resp.Header.Get("X-Linked-Size")
	if text == "" && resp.StatusCode < 300 {
		text = resp.Header.Get("Content-Length")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// refusal returns nil for an answer below 400. Otherwise its error says why the hub refuses the file and what to do.
func (c *Client) refusal(resp *http.Response, repo Repo) error {
	page := c.Endpoint + "/" + repo.ID
	login := "set HF_TOKEN to a token that may read it, or log in with `hf auth login`"
	code, message := resp.Header.Get("X-Error-Code"), resp.Header.Get("X-Error-Message")
	switch {
	case resp.StatusCode < 400:
		return nil
	case code == "EntryNotFound":
		return errMissing
	case code == "GatedRepo":
		return fmt.Errorf("access is gated: ask for it at %s and %s", page, login)
	case code == "RevisionNotFound":
		return fmt.Errorf("revision %q does not exist", repo.revision())
	case code == "RepoNotFound", resp.StatusCode == http.StatusUnauthorized && code == "":
		return fmt.Errorf("no such repository at %s, or a private one: check the name, or %s", c.Endpoint, login)
	case message == "Access to this resource is disabled.":
		return fmt.Errorf("the hub has disabled access to %s", page)
	case resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the token may not read it: %s", login)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return &unreachableError{fmt.Errorf("the hub answered %s", plain.Terminal(resp.Status))}
	}
	return errors.New("the hub answered " + plain.Terminal(resp.Status+" "+message))
}
