package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

const (
	firstCommit  = "1111111111111111111111111111111111111111"
	secondCommit = "2222222222222222222222222222222222222222"
)

// fakeHub speaks the hub's protocol for one repository, org/model, with a small file and a large file that is on
// another host.
type fakeHub struct {
	*httptest.Server
	storage *httptest.Server
	commit  atomic.Value
	files   map[string]string
	cut     atomic.Int64 // number of bytes after which the next answer of the storage breaks off
	heads   atomic.Int64
	bodies  atomic.Int64
	leaked  atomic.Bool // reports whether the storage received a token
	ranges  []string
	mu      sync.Mutex
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{files: map[string]string{"config.json": `{"a": 1}`, "sub/tokenizer.json": strings.Repeat("0123456789",
		10_000)}}
	h.commit.Store(firstCommit)
	h.storage = httptest.NewServer(http.HandlerFunc(h.store))
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.storage.Close)
	t.Cleanup(h.Server.Close)
	return h
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) {
		w.Header().Set("X-Error-Code", code)
		w.WriteHeader(status)
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/org/model/resolve/")
	revision, name, _ := strings.Cut(rest, "/")
	commit := h.commit.Load().(string)
	switch {
	case strings.HasPrefix(r.URL.Path, "/old/name/"):
		http.Redirect(w, r, strings.Replace(r.URL.Path, "/old/name/", "/org/model/", 1), http.StatusTemporaryRedirect)
		return
	case strings.HasPrefix(r.URL.Path, "/org/gated/"):
		refuse(http.StatusForbidden, "GatedRepo")
		return
	case strings.HasPrefix(r.URL.Path, "/org/busy/"):
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case !ok:
		refuse(http.StatusUnauthorized, "RepoNotFound")
		return
	case revision != "main" && revision != firstCommit && revision != secondCommit:
		refuse(http.StatusNotFound, "RevisionNotFound")
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	text, ok := h.files[name]
	if !ok {
		refuse(http.StatusNotFound, "EntryNotFound")
		return
	}
	if r.Method == http.MethodHead {
		h.heads.Add(1)
	}
	if strings.Contains(name, "/") { // large
		w.Header().Set("X-Linked-Etag", strconv.Quote(sum(text)))
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(text)))
		http.Redirect(w, r, h.storage.URL+"/"+name, http.StatusFound)
		return
	}
	w.Header().Set("ETag", `W/"abc123"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write([]byte(text))
}

func (h *fakeHub) store(w http.ResponseWriter, r *http.Request) {
	text := h.files[strings.TrimPrefix(r.URL.Path, "/")]
	if r.Header.Get("Authorization") != "" {
		h.leaked.Store(true)
	}
	h.mu.Lock()
	h.ranges = append(h.ranges, r.Header.Get("Range"))
	h.mu.Unlock()
	from := 0
	if rng := r.Header.Get("Range"); rng != "" {
		_, _ = fmt.Sscanf(rng, "bytes=%d-", &from)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(text)-1, len(text)))
		w.Header().Set("Content-Length", strconv.Itoa(len(text)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	h.bodies.Add(1)
	end := len(text)
	if cut := h.cut.Swap(0); cut > 0 {
		end = from + int(cut)
	}
	_, _ = w.Write([]byte(text[from:end])) // if cut, the connection closes before the announced length
}

func (h *fakeHub) client(t *testing.T) *Client {
	return &Client{Endpoint: h.URL, Cache: filepath.Join(t.TempDir(), "hub"), Token: "hf_secret", HTTP: h.Client()}
}

var repo = Repo{Kind: Model, ID: "org/model"}

func get(t *testing.T, c *Client, r Repo, name, want string) string {
	t.Helper()
	path, err := c.File(t.Context(), r, name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != want {
		t.Fatalf("%s holds %.40q, want %.40q", path, data, want)
	}
	return path
}

func TestFileIsFetchedOnce(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	large := h.files["sub/tokenizer.json"]
	path := get(t, c, repo, "sub/tokenizer.json", large)
	if want := filepath.Join(c.Cache, "models--org--model", "snapshots", firstCommit, "sub",
		"tokenizer.json"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	if target, err := os.Readlink(path); err != nil || target != "../../../blobs/"+sum(large) {
		t.Errorf("link to %q (%v)", target, err)
	}
	if ref, err := os.ReadFile(filepath.Join(c.Cache, "models--org--model", "refs", "main")); err != nil ||
		string(ref) != firstCommit {
		t.Errorf("ref %q (%v)", ref, err)
	}
	get(t, c, repo, "sub/tokenizer.json", large)
	get(t, c, repo, "config.json", h.files["config.json"])
	get(t, c, Repo{Kind: Model, ID: "org/model", Revision: firstCommit}, "config.json", h.files["config.json"])
	if n := h.bodies.Load(); n != 1 {
		t.Errorf("the large file was sent %d times", n)
	}
	if n := h.heads.Load(); n != 3 { // none for the commit, because the cache has its file
		t.Errorf("asked %d times, want 3", n)
	}
	if h.leaked.Load() {
		t.Error("the token went to the storage")
	}
}

func TestNewCommitSharesBlobs(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	old := get(t, c, repo, "sub/tokenizer.json", h.files["sub/tokenizer.json"])
	h.commit.Store(secondCommit)
	path := get(t, c, repo, "sub/tokenizer.json", h.files["sub/tokenizer.json"])
	if path == old || !strings.Contains(path, secondCommit) {
		t.Errorf("path %s is not of the new commit", path)
	}
	if n := h.bodies.Load(); n != 1 {
		t.Errorf("the blob was sent %d times", n)
	}
}

func TestBrokenDownloadIsResumed(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	h.cut.Store(60_000)
	get(t, c, repo, "sub/tokenizer.json", h.files["sub/tokenizer.json"])
	if want := []string{"", "bytes=60000-"}; fmt.Sprint(h.ranges) != fmt.Sprint(want) {
		t.Errorf("ranges %q, want %q", h.ranges, want)
	}
}

func TestWrongContentIsRefused(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	part := filepath.Join(c.Cache, "models--org--model", "blobs", sum(h.files["sub/tokenizer.json"])+".incomplete")
	if err := os.MkdirAll(filepath.Dir(part), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, []byte("not how it begins"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.File(t.Context(), repo, "sub/tokenizer.json"); err == nil ||
		!strings.Contains(err.Error(), "does not have the hash") {
		t.Fatalf("got %v", err)
	}
	get(t, c, repo, "sub/tokenizer.json", h.files["sub/tokenizer.json"]) // the wrong part was removed
}

func TestOffline(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	want := get(t, c, repo, "config.json", h.files["config.json"])
	if _, err := c.File(t.Context(), repo, "none.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	offline, unreachable := *c, *c
	offline.Offline = true
	h.Close()
	for name, c := range map[string]*Client{"offline": &offline, "unreachable": &unreachable} {
		if got := get(t, c, repo, "config.json", h.files["config.json"]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if _, err := c.File(t.Context(), repo, "none.json"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file seen to be missing: %v", name, err)
		}
		if _, err := c.File(t.Context(), repo, "sub/tokenizer.json"); err == nil ||
			!strings.Contains(err.Error(), "is not in the cache "+c.Cache) {
			t.Errorf("%s: a file never seen: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := newFakeHub(t)
	tests := map[string]struct {
		repo Repo
		name string
		want []string
	}{
		"gated": {Repo{Kind: Model, ID: "org/gated"}, "x", []string{"access is gated", h.URL + "/org/gated",
			"HF_TOKEN"}},
		"unknown": {Repo{Kind: Model, ID: "org/none"}, "x", []string{"no such repository", "private", "HF_TOKEN"}},
		"revision": {Repo{Kind: Model, ID: "org/model", Revision: "v9"}, "x",
			[]string{`revision "v9" does not exist`}},
		"busy":        {Repo{Kind: Model, ID: "org/busy"}, "x", []string{"cannot be fetched", "503"}},
		"no name":     {Repo{Kind: Model, ID: "a/b/c"}, "x", []string{`"a/b/c" is no name`}},
		"path":        {repo, "../x", []string{`"../x" at "main" is no file`}},
		"rooted ref":  {Repo{Kind: Model, ID: "org/model", Revision: "../../x"}, "x", []string{"is no file"}},
		"dashed name": {Repo{Kind: Model, ID: "org/a--b"}, "x", []string{"is no name"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := h.client(t).File(t.Context(), tt.repo, tt.name)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hf_secret") {
				t.Errorf("%q contains the token", err)
			}
		})
	}
}

// Messages contain neither a token that the hub repeats nor a password of the endpoint.
func TestMessagesHaveNoSecrets(t *testing.T) {
	t.Parallel()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Error-Message", "not "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(hub.Close)
	mirror := strings.Replace(hub.URL, "http://", "http://user:mirror-password@", 1)
	for _, token := range []string{"hf_0123456789", ""} {
		c := &Client{Endpoint: mirror, Cache: t.TempDir(), Token: token}
		_, err := c.File(t.Context(), Repo{Kind: Model, ID: "org/model"}, "a.json")
		_, listErr := c.List(t.Context(), Repo{Kind: Model, ID: "org/model"})
		for _, err := range []error{err, listErr} {
			if err == nil || !strings.Contains(err.Error(), "418 I'm a teapot not B") ||
				!strings.Contains(err.Error(), "***") ||
				strings.Contains(err.Error(), "hf_0") || strings.Contains(err.Error(), "mirror-password") {
				t.Errorf("token %q: got %v", token, err)
			}
		}
	}
	c := &Client{Endpoint: mirror, Cache: t.TempDir(), HTTP: &http.Client{Transport: refusing{}}}
	var uncached *UncachedError
	if _, err := c.File(t.Context(), Repo{Kind: Model, ID: "org/model"}, "a.json"); !errors.As(err, &uncached) ||
		strings.Contains(err.Error(), "mirror-password") {
		t.Errorf("got %v", err)
	}
}

// Messages show HF_ENDPOINT without its user, even if it is not a URL.
func TestInvalidEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"http://u:mirror-password@h:port", "u:mirror-password@h",
		"http://u:mirror/password@h", "ftp://u:mirror-password@h", "h", "http://u:mirror%zz-password@h"} {
		c := &Client{Endpoint: endpoint, Cache: t.TempDir()}
		_, err := c.File(t.Context(), Repo{Kind: Model, ID: "org/model"}, "a.json")
		if err == nil || !strings.Contains(err.Error(), `is not a URL such as "https://huggingface.co"`) ||
			strings.Contains(err.Error(), "mirror") {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
}

// refusing is a round tripper that fails with the message of a proxy.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("407 bad mirror-password")
}

// Messages contain no control characters from an answer, which a proxy may have sent.
func TestRefusalsArePrintable(t *testing.T) {
	c := &Client{Endpoint: "http://h"}
	for _, code := range []int{http.StatusTeapot, http.StatusServiceUnavailable} {
		resp := &http.Response{StatusCode: code, Status: fmt.Sprintf("%d \x1b[31m", code),
			Header: http.Header{"X-Error-Message": {"\u202e\u009b"}}}
		if got := c.refusal(resp, repo).Error(); strings.ContainsAny(got, "\x1b\u202e\u009b") ||
			!strings.Contains(got, `\x1b[31m`) {
			t.Errorf("status %d: got %q", code, got)
		}
	}
}

func TestRenamedRepository(t *testing.T) {
	h := newFakeHub(t)
	get(t, h.client(t), Repo{Kind: Model, ID: "old/name"}, "config.json", h.files["config.json"])
}

func TestConcurrentCallsDownloadOnce(t *testing.T) {
	h := newFakeHub(t)
	c := h.client(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.File(context.Background(), repo, "sub/tokenizer.json"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := h.bodies.Load(); n != 1 {
		t.Errorf("the file was sent %d times", n)
	}
}

func TestFromEnv(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "token"), []byte("\ufeffhf_stored\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(pairs ...string) *Client {
		t.Helper()
		c, err := FromEnv(func(name string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1], true
				}
			}
			return "", false
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := env("HF_HOME", home); c.Token != "hf_stored" || c.Cache != filepath.Join(home, "hub") ||
		c.Endpoint != DefaultEndpoint || c.Offline {
		t.Errorf("HF_HOME: token %t, cache %s, endpoint %s, offline %t", c.Token != "", c.Cache, c.Endpoint, c.Offline)
	}
	if c := env("HF_HOME", home, "HF_TOKEN", "hf_given", "HF_HUB_CACHE", "/c", "HF_ENDPOINT", "http://e/",
		"HF_HUB_OFFLINE", "1"); c.Token != "hf_given" || c.Cache != "/c" || c.Endpoint != "http://e" || !c.Offline {
		t.Errorf("all set: cache %s, endpoint %s, offline %t", c.Cache, c.Endpoint, c.Offline)
	}
	if c := env("HF_TOKEN_PATH", filepath.Join(home, "token"), "XDG_CACHE_HOME", "/x"); c.Token != "hf_stored" ||
		c.Cache != filepath.Join("/x", "huggingface", "hub") {
		t.Errorf("HF_TOKEN_PATH: token %t, cache %s", c.Token != "", c.Cache)
	}
	if c := env("HF_HOME", home, "HF_HUB_DISABLE_IMPLICIT_TOKEN", "true"); c.Token != "" {
		t.Error("the stored token was taken though that is disabled")
	}
}

// The client and huggingface_hub share the cache: each finds the files of the other without the network.
func TestCacheIsSharedWithPython(t *testing.T) {
	python := testenv.Python(t, "huggingface_hub")
	h := newFakeHub(t)
	run := func(cache, name string, offline bool) string {
		t.Helper()
		cmd := exec.Command(python, "-c",
			"import sys, huggingface_hub; print(huggingface_hub.hf_hub_download('org/model', sys.argv[1], "+
				"local_files_only=sys.argv[2] == 'true'))", name, fmt.Sprint(offline))
		cmd.Env = append(os.Environ(), "HF_ENDPOINT="+h.URL, "HF_HUB_CACHE="+cache, "HF_HUB_DISABLE_XET=1",
			"HF_HUB_DISABLE_PROGRESS_BARS=1", "HF_HUB_DISABLE_TELEMETRY=1", "NO_PROXY=*")
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				t.Fatalf("%v\n%s", err, exit.Stderr)
			}
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	for name, text := range h.files {
		c := h.client(t)
		theirs := run(c.Cache, name, false)
		c.Offline = true
		if ours := get(t, c, repo, name, text); ours != theirs {
			t.Errorf("Python fetched %s, we find %s", theirs, ours)
		}
		c = h.client(t)
		ours := get(t, c, repo, name, text)
		if theirs := run(c.Cache, name, true); ours != theirs {
			t.Errorf("we fetched %s, Python finds %s", ours, theirs)
		}
	}
}

// A download stops and leaves no file once the server sends more than the hub announced. It does not begin if the disk
// has no room for the file.
func TestDownloadsAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		size, want string
	}{
		"endless": {"100", "the content is larger than 100 bytes, which the hub announced"},
		"huge":    {"4611686018427387904", "MB free: make room, or set HF_HUB_CACHE to a folder on another disk"},
	} {
		var sent atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Repo-Commit", firstCommit)
			w.Header().Set("ETag", `"abc"`)
			w.Header().Set("X-Linked-Size", tt.size)
			for block := make([]byte, 1<<20); r.Method == http.MethodGet && sent.Load() < 1<<30; {
				n, err := w.Write(block)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}))
		t.Cleanup(server.Close)
		c := &Client{Endpoint: server.URL, Cache: t.TempDir(), HTTP: server.Client()}
		if _, err := c.File(t.Context(), repo, "config.json"); err == nil || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
		server.Close()
		if n := sent.Load(); n > 64<<20 || name == "huge" && n > 0 {
			t.Errorf("%s: %d bytes were sent", name, n)
		}
		left, _ := filepath.Glob(filepath.Join(c.Cache, "models--org--model", "blobs", "*"))
		if len(left) > 0 {
			t.Errorf("%s: %q stays", name, left)
		}
	}
}

// answers is a hub that has the same answer to every request.
type answers struct{ http.Response }

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := a.Response
	resp.Request = r
	return &resp, nil
}

// FuzzAnswers checks that any answer of a hub is either read by the protocol or refused in one short line without the
// token.
func FuzzAnswers(f *testing.F) {
	const token = "hf_0123456789abcdef"
	for _, body := range []string{`{"siblings":[{"rfilename":"../../x"},{"rfilename":"a\u0000b"}]}`,
		`{"siblings":` + strings.Repeat("[", 200), "<html>" + token, ""} {
		f.Add(200, body, firstCommit, `W/"abc"`, "9223372036854775808")
		f.Add(302, body, strings.Repeat("/../", 10), "../../x", "-1")
		f.Add(418, body, "not "+token, "\x1b]0;x\a\u202e", "EntryNotFound")
		f.Add(200, body, strings.Repeat("x", 5000), "", "")
		f.Add(400, body, strings.Repeat("x", 5000), "", "")
		f.Add(503, body, strings.Repeat("x", 5000), strings.Repeat("\u009b", 5000), "\x1b[2J")
	}
	f.Fuzz(func(t *testing.T, status int, body, commit, tag, size string) {
		said := &answers{http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", size), Header: http.Header{
			"X-Repo-Commit": {commit}, "X-Linked-Etag": {tag}, "X-Linked-Size": {size}, "X-Error-Message": {commit},
			"X-Error-Code": {size},
		}}}
		c := &Client{Endpoint: "http://h", Token: token, HTTP: &http.Client{Transport: said}}
		said.Body = io.NopCloser(strings.NewReader(body))
		m, err := c.head(t.Context(), repo, "a.json")
		if err == nil && (len(m.commit) != 40 || !filepath.IsLocal(m.etag) || strings.ContainsAny(m.etag, `/\`) ||
			m.size < -1) {
			t.Errorf("got %+v", m)
		}
		said.Body = io.NopCloser(strings.NewReader(body))
		_, listErr := c.siblings(t.Context(), repo)
		for _, err := range []error{err, listErr} {
			if err = c.hide(err); err == nil {
				continue
			}
			if text := err.Error(); len(text) > 10_000 || plain.Terminal(text) != text ||
				strings.ContainsAny(text, "\r\n") || strings.Contains(text, token) {
				t.Errorf("status %d, %q, %q, %q, %q: got %q", status, body, commit, tag, size, text)
			}
		}
	})
}
