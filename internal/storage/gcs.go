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

	// holds its version up: those before 0.110 have a package that oauth2 takes of another module, which k6's builds
	// cannot choose between
	_ "cloud.google.com/go"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

// gcsBucket is a bucket of Google Cloud Storage. Of its JSON API five requests are needed; Google's library for it is
// made on gRPC and would double the size of llmconv. https://cloud.google.com/storage/docs/json_api
type gcsBucket struct {
	name   string
	base   string // of all URLs
	client *http.Client
	tokens oauth2.TokenSource // nil for an emulator
	custom bool               // base is not Google's

	inOne int64         // up to here content is sent in one request
	part  int64         // and above in such parts, a multiple of 256 KiB
	pause time.Duration // before the second attempt, and twice that before the third
}

const (
	googleAPI = "https://storage.googleapis.com"
	objects   = "/storage/v1" // where they are asked for
	uploads   = "/upload/storage/v1"
	scope     = "https://www.googleapis.com/auth/devstorage.read_write"
)

// openGCS finds the credentials as all of Google's programs do, or goes to the emulator of STORAGE_EMULATOR_HOST
// without any.
func openGCS(ctx context.Context, t Target, traffic *traffic) (bucket, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
	}
	traffic.watch(transport)
	b := &gcsBucket{
		name: t.Bucket, base: googleAPI, client: &http.Client{Transport: transport, CheckRedirect: stay},
		inOne: 8 << 20, part: 16 << 20, pause: network.FirstPause,
	}
	if host := os.Getenv("STORAGE_EMULATOR_HOST"); host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		b.base, b.custom = strings.TrimRight(host, "/"), true
		return b, nil
	}
	// The source of tokens keeps its context, and outlives this one. So its waits are bounded by a client of its own.
	keep := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient,
		&http.Client{Transport: transport, Timeout: t.wait() / 2})
	credentials, err := google.FindDefaultCredentials(keep, scope)
	if err != nil {
		return nil, googleFault(err)
	}
	b.tokens = credentials.TokenSource
	return b, nil
}

// googleFault says which of the places that credentials can come from is at fault, but nothing of a file's content. The
// library formats the errors it meets instead of wrapping them.
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

// stay follows no redirection: the API has none, and 308 is its answer to a part of an upload.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (b *gcsBucket) endpoint() string {
	if b.custom {
		return b.base
	}
	return ""
}

// check lists an object, if there is one: that takes a right on objects, where a question about the bucket takes one
// that accounts for storing objects lack.
func (b *gcsBucket) check(ctx context.Context) error {
	query := url.Values{"maxResults": {"1"}, "fields": {"kind"}}
	response, err := b.send(ctx, request{method: http.MethodGet, url: b.url(objects, "", query)})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var list struct{ Kind string }
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&list) != nil || list.Kind != "storage#objects" {
		return stranger(GCS)
	}
	return nil
}

func (b *gcsBucket) exists(ctx context.Context, object string) (bool, error) {
	_, err := b.finish(
		b.send(ctx, request{method: http.MethodGet, url: b.url(objects, object, url.Values{"fields": {"name"}})}))
	var a *answer
	if errors.As(err, &a) && (a.status == http.StatusNotFound || a.status == http.StatusForbidden) {
		return false, nil // 403 is what those who may only write are told; creating it shows what they may
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
	const most = 4 << 20 // a page has a thousand names of up to a kilobyte
	if json.NewDecoder(io.LimitReader(response.Body, most)).Decode(&list) != nil || list.Kind != "storage#objects" {
		return nil, "", stranger(GCS)
	}
	for _, object := range list.Items {
		names = append(names, object.Name)
	}
	return names, list.NextPageToken, nil
}

// url is the API's for an object of the bucket, or for them all.
func (b *gcsBucket) url(root, object string, query url.Values) string {
	u := b.base + root + "/b/" + url.PathEscape(b.name) + "/o"
	if object != "" {
		u += "/" + url.PathEscape(object)
	}
	return u + "?" + query.Encode()
}

// finish ends an answer that matters only by its headers.
func (b *gcsBucket) finish(response *http.Response, err error) (http.Header, error) {
	if err != nil {
		return nil, err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection serves the next request
	_ = response.Body.Close()
	return response.Header, nil
}

// request is one that can be sent again.
type request struct {
	method, url string
	header      http.Header
	content     io.ReaderAt // from offset, size bytes; nil for none
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

// send sends a request up to three times. It gives successes, and 308 for a part of an upload.
func (b *gcsBucket) send(ctx context.Context, r request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		response, err := b.once(ctx, r)
		if err == nil || attempt == network.Attempts || !passing(err) {
			return response, err
		}
		if err := network.Pause(ctx, b.pause, attempt); err != nil {
			return nil, err
		}
	}
}

func (b *gcsBucket) once(ctx context.Context, r request) (*http.Response, error) {
	q, err := r.with(ctx)
	if err != nil {
		return nil, err
	}
	if b.tokens != nil && strings.HasPrefix(r.url, b.base+"/") { // a server may name another place for an upload
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

// tokenError is a refusal to give a token for the credentials, or the error of the network that kept it from coming.
func tokenError(err error) error {
	var refusal *oauth2.RetrieveError
	var u *url.Error
	switch {
	case errors.As(err, &refusal) && refusal.Response != nil && refusal.Response.StatusCode >= 500:
		return &answer{status: refusal.Response.StatusCode}
	case errors.As(err, &refusal):
		var body struct{ Error string }
		_ = json.Unmarshal(refusal.Body, &body) // the library leaves it undone for keys of service accounts
		return noLogin(GCS, strings.TrimSuffix("the credentials were refused ("+codeOnly(body.Error)+")", " ()"))
	case errors.As(err, &u):
		return u
	}
	return noLogin(GCS, "the credentials cannot be used")
}

// passing says whether an error may be gone at the next attempt.
func passing(err error) bool {
	var a *answer
	if errors.As(err, &a) {
		return network.Transient(a.status)
	}
	var f *fault
	return !errors.As(err, &f)
}
