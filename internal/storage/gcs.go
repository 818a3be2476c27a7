package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	// pins the version: versions before 0.110 have a package that oauth2 takes from another module, and k6's builds
	// cannot choose between the two
	_ "cloud.google.com/go"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

// gcsBucket is a bucket of Google Cloud Storage. It needs five requests of the JSON API; Google's library is built on
// gRPC and would double the size of llmconv. https://cloud.google.com/storage/docs/json_api
type gcsBucket struct {
	name   string
	base   string // begins all URLs
	client *http.Client
	tokens oauth2.TokenSource // nil: an emulator, which takes no credentials
	custom bool               // base is another server than Google's

	inOne int64         // content of at most this many bytes is sent in one request
	part  int64         // larger content is sent in parts of this size, a multiple of 256 KiB
	pause time.Duration // before the second attempt; twice as long before the third
}

const (
	googleAPI = "https://storage.googleapis.com"
	objects   = "/storage/v1" // the path of all requests but uploads
	uploads   = "/upload/storage/v1"
	scope     = "https://www.googleapis.com/auth/devstorage.read_write"
)

// openGCS opens a bucket with the credentials that all of Google's programs find, or without credentials at the
// emulator that STORAGE_EMULATOR_HOST names.
func openGCS(ctx context.Context, t Target, traffic *traffic) (bucket, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
	}
	traffic.watch(transport)
	b := &gcsBucket{
		name: t.Bucket, base: googleAPI, client: &http.Client{Transport: transport, CheckRedirect: noRedirects},
		inOne: 8 << 20, part: 16 << 20, pause: network.FirstPause,
	}
	if host := os.Getenv("STORAGE_EMULATOR_HOST"); host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		b.base, b.custom = strings.TrimRight(host, "/"), true
		return b, nil
	}
	// The source of tokens keeps its context and outlives ctx, so a client of its own bounds its waits.
	keep := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient,
		&http.Client{Transport: transport, Timeout: t.wait() / 2})
	credentials, err := google.FindDefaultCredentials(keep, scope)
	if err != nil {
		return nil, googleFault(err)
	}
	b.tokens = credentials.TokenSource
	return b, nil
}

// googleFault names the source of credentials that is at fault, without any content of a file. It looks at the text of
// the error, because the library formats the errors it meets instead of wrapping them.
func googleFault(err error) *fault {
	text := err.Error()
	switch variable := os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"); {
	case strings.Contains(text, "could not find default credentials"):
		return noLogin(GCS, "no credentials found")
	case variable == "":
		return noLogin(GCS, "the credentials of gcloud cannot be read")
	case strings.Contains(text, "no such file") || strings.Contains(text, "cannot find"):
		return noLogin(GCS, fmt.Sprintf("GOOGLE_APPLICATION_CREDENTIALS: no file %q", variable))
	default:
		return noLogin(GCS, fmt.Sprintf("GOOGLE_APPLICATION_CREDENTIALS: %q is not a file of credentials", variable))
	}
}

// noRedirects makes a client follow no redirection: the API has none, and 308 is its answer to a part of an upload.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (b *gcsBucket) endpoint() string {
	if b.custom {
		return b.base
	}
	return ""
}

// check lists at most one object. That takes a permission on objects; a question about the bucket takes another
// permission, which accounts that store objects may lack.
func (b *gcsBucket) check(ctx context.Context) error {
	query := url.Values{"maxResults": {"1"}, "fields": {"kind"}}
	response, err := b.send(ctx, request{method: http.MethodGet, url: b.url(objects, "", query)})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var list struct{ Kind string }
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&list) != nil || list.Kind != "storage#objects" {
		return foreignServer(GCS)
	}
	return nil
}

func (b *gcsBucket) exists(ctx context.Context, object string) (bool, error) {
	_, err := b.finish(
		b.send(ctx, request{method: http.MethodGet, url: b.url(objects, object, url.Values{"fields": {"name"}})}))
	var a *answer
	if errors.As(err, &a) && (a.status == http.StatusNotFound || a.status == http.StatusForbidden) {
		return false, nil // a client that may only write gets 403 here; whether it may write shows in create
	}
	return err == nil, err
}

func (b *gcsBucket) get(ctx context.Context, object string) (io.ReadCloser, error) {
	response, err := b.send(ctx,
		request{method: http.MethodGet, url: b.url(objects, object, url.Values{"alt": {"media"}})})
	var a *answer
	if errors.As(err, &a) && a.missing != "" {
		a.missing = "object"
	}
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

func (b *gcsBucket) page(ctx context.Context, prefix, from string) (names []string, next string, err error) {
	query := url.Values{"prefix": {prefix}, "fields": {"kind,nextPageToken,items(name)"}}
	if from != "" {
		query.Set("pageToken", from)
	}
	response, err := b.send(ctx, request{method: http.MethodGet, url: b.url(objects, "", query)})
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	var list struct {
		Kind, NextPageToken string
		Items               []struct{ Name string }
	}
	const most = 4 << 20 // a page holds a thousand names of up to a kilobyte each
	if json.NewDecoder(io.LimitReader(response.Body, most)).Decode(&list) != nil || list.Kind != "storage#objects" {
		return nil, "", foreignServer(GCS)
	}
	for _, object := range list.Items {
		names = append(names, object.Name)
	}
	return names, list.NextPageToken, nil
}

// url returns the API's URL of an object of the bucket, or of all its objects if object is empty.
func (b *gcsBucket) url(root, object string, query url.Values) string {
	u := b.base + root + "/b/" + url.PathEscape(b.name) + "/o"
	if object != "" {
		u += "/" + url.PathEscape(object)
	}
	return u + "?" + query.Encode()
}

// finish reads and closes the body of an answer of which only the headers matter, and returns the headers.
func (b *gcsBucket) finish(response *http.Response, err error) (http.Header, error) {
	if err != nil {
		return nil, err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can serve the next request
	_ = response.Body.Close()
	return response.Header, nil
}

// request is an HTTP request that can be sent more than once.
type request struct {
	method, url string
	header      http.Header
	content     io.ReaderAt // the body is size bytes of it, from offset; nil means no body
	offset      int64
	size        int64
}

func (r request) with(ctx context.Context) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if r.content != nil && r.size > 0 {
		body = io.NewSectionReader(r.content, r.offset, r.size)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, err
	}
	q.ContentLength = r.size
	for name, values := range r.header {
		q.Header[name] = values
	}
	return q, nil
}

// send sends a request up to three times. It returns answers of success, and 308, which answers a part of an upload.
func (b *gcsBucket) send(ctx context.Context, r request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		response, err := b.sendOnce(ctx, r)
		if err == nil || attempt == network.Attempts || !temporary(err) {
			return response, err
		}
		if err := network.Pause(ctx, b.pause, attempt); err != nil {
			return nil, err
		}
	}
}

func (b *gcsBucket) sendOnce(ctx context.Context, r request) (*http.Response, error) {
	q, err := r.with(ctx)
	if err != nil {
		return nil, err
	}
	// a server may name another host for an upload; it must not get the token
	if b.tokens != nil && strings.HasPrefix(r.url, b.base+"/") {
		token, err := b.tokens.Token()
		if err != nil {
			return nil, tokenError(err)
		}
		token.SetAuthHeader(q)
	}
	response, err := b.client.Do(q)
	if err != nil || response.StatusCode < 300 || response.StatusCode == http.StatusPermanentRedirect {
		return response, err
	}
	defer response.Body.Close()
	var refusal struct {
		Error struct{ Errors []struct{ Reason string } }
	}
	a := &answer{status: response.StatusCode}
	if a.status == http.StatusNotFound {
		a.missing = "bucket"
	}
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&refusal) == nil && len(refusal.Error.Errors) > 0 {
		a.code = refusal.Error.Errors[0].Reason
	}
	return nil, a
}

// tokenError returns the server's refusal to issue a token, or the network's error on the way to it.
func tokenError(err error) error {
	var refusal *oauth2.RetrieveError
	var u *url.Error
	switch {
	case errors.As(err, &refusal) && refusal.Response != nil && refusal.Response.StatusCode >= 500:
		return &answer{status: refusal.Response.StatusCode}
	case errors.As(err, &refusal):
		var body struct{ Error string }
		// the library decodes it only for credentials of users, not for keys of service accounts
		_ = json.Unmarshal(refusal.Body, &body)
		return noLogin(GCS, strings.TrimSuffix("the credentials were refused ("+codeOnly(body.Error)+")", " ()"))
	case errors.As(err, &u):
		return u
	}
	return noLogin(GCS, "the credentials cannot be used")
}

// temporary reports whether another attempt may succeed after this error.
func temporary(err error) bool {
	var a *answer
	if errors.As(err, &a) {
		return network.Transient(a.status)
	}
	var f *fault
	return !errors.As(err, &f)
}
