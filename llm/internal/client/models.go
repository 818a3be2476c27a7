package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// Limits of the request for the list of models, before the first request.
const (
	discoverTimeout  = 30 * time.Second
	checkTimeout     = 10 * time.Second // limit of an answer that a named model makes optional
	handshakeTimeout = 5 * time.Second  // limit of the TLS handshake: a server without TLS waits for more
)

// Causes of an end by these limits.
var (
	errSlow      = errors.New("no answer in time")
	errHandshake = fmt.Errorf("no TLS handshake within %v", handshakeTimeout)
)

// Advice to the user.
const (
	nameModel = "name the model (option model, MODEL in our scripts)"
	checkPath = "check the path of baseURL (BASE_URL in our scripts)"
	setKey    = "set apiKey (API_KEY in our scripts)"
)

// unlisted describes why there is no list of models, and what to do about it. The server can be reached.
type unlisted struct {
	why, fix string
	final    bool // requests will fail as well: naming the model does not help
}

// Discover asks for the server's list of models before the first request, and returns the model to use: the client's,
// or the first of the list if the client has none. The error tells what to mend: the server cannot be reached, or the
// list names no model and the client does not either. If the client names a model, the list is only a check, and what
// is wrong with it becomes a remark for the user. Neither the remark nor the error holds a secret of the client. The
// model is as the server named it; Hide makes it fit to show.
func (c *Client) Discover(ctx context.Context, rt http.RoundTripper) (model, remark string, err error) {
	model, remark, err = c.discover(ctx, rt)
	return model, c.mask.Text(remark), c.mask.Error(err)
}

func (c *Client) discover(ctx context.Context, rt http.RoundTripper) (model, remark string, err error) {
	if c.models == nil {
		return cmp.Or(c.opts.Model, c.deployment), "", c.reach(ctx, rt)
	}
	names, problem, err := c.listModels(ctx, rt)
	named := c.opts.Model != ""
	switch {
	case err != nil:
		return "", "", err
	case problem != nil && named:
		remark = fmt.Sprintf("%s, so nobody checked that it serves model %q", problem.why, c.opts.Model)
		if problem.fix != "" {
			remark += ": " + problem.fix
		}
		if c.unversioned {
			remark += ". Requests go to " + show(c.endpoint)
		}
		return c.opts.Model, remark, nil
	case problem != nil:
		return "", "", errors.New(problem.whole())
	case named:
		return c.opts.Model, c.checkNames(names, append([]string{c.opts.Model}, c.opts.Adapters...)), nil
	}
	return names[0], c.checkNames(names, c.opts.Adapters), nil
}

// whole returns the message for a client that names no model.
func (u *unlisted) whole() string {
	switch {
	case u.final:
		return u.why + ": " + u.fix
	case u.fix != "":
		return u.why + ": " + u.fix + ", or " + nameModel
	}
	return u.why + ": " + nameModel
}

// mostNames is how many models a remark lists.
const mostNames = 20

// checkNames returns a remark about the wanted models that are not in the list, as aliases, wildcards and rewritten
// names are not. A name without a tag means the tag latest.
func (c *Client) checkNames(names, wanted []string) (remark string) {
	var missing []string
	for _, name := range wanted {
		if !slices.Contains(names, name) && !slices.Contains(names, name+":latest") {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	if missing == nil {
		return ""
	}
	listed := plain.Terminal(shorten(strings.Join(names[:min(len(names), mostNames)], ", ")))
	if len(names) > mostNames {
		listed += fmt.Sprintf(" and %d more", len(names)-mostNames)
	}
	return fmt.Sprintf("model %s is not in the list of %s, which has: %s. If the server does not know it, requests "+
		"will say so",
		strings.Join(missing, ", "), show(c.models), listed)
}

// reach checks that the server of an API without a list of models can be reached. Whatever it answers to a GET will do.
func (c *Client) reach(ctx context.Context, rt http.RoundTripper) error {
	_, _, problem, err := c.get(ctx, rt, c.endpoint)
	if err == nil && problem != nil && problem.final {
		err = errors.New(problem.whole())
	}
	return err
}

// listModels asks for the list. A problem concerns the list; the error means that the server cannot be reached.
func (c *Client) listModels(ctx context.Context, rt http.RoundTripper) (names []string, problem *unlisted, err error) {
	resp, body, problem, err := c.get(ctx, rt, c.models)
	if err != nil || problem != nil {
		return nil, problem, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.refusal(resp, body), nil
	}
	names, isList := modelNames(body)
	where := show(c.models)
	switch {
	case len(names) > 0:
		return names, nil, nil
	case isList:
		return nil, &unlisted{why: where + " lists no models"}, nil
	}
	words := plain.Terminal(cmp.Or(shorten(api.ErrorMessage(body)), shorten(resp.Header.Get("Content-Type")),
		"nothing"))
	why := fmt.Sprintf("%s is no list of models (%s)", where, words)
	return nil, &unlisted{why: why, fix: checkPath + c.versionHint(), final: api.IsMarkup(body)}, nil
}

// modelNames reads {"data": [{"id": …}]}, or the array alone, which some gateways send.
func modelNames(body []byte) (names []string, isList bool) {
	type entries []struct {
		ID string `json:"id"`
	}
	var list struct {
		Data *entries `json:"data"`
	}
	body = bytes.TrimPrefix(body, []byte(textfile.Mark))
	if json.Unmarshal(body, &list) != nil || list.Data == nil {
		list.Data = new(entries)
		if json.Unmarshal(body, list.Data) != nil {
			return nil, false
		}
	}
	for _, m := range *list.Data {
		if m.ID != "" {
			names = append(names, m.ID)
		}
	}
	return names, true
}

// refusal explains a status that is not a success.
func (c *Client) refusal(resp *http.Response, body []byte) *unlisted {
	status := resp.StatusCode
	words := plain.Terminal(cmp.Or(shorten(api.ErrorMessage(body)), http.StatusText(status), "no words"))
	u := &unlisted{why: fmt.Sprintf("%s answered with status %d (%s)", show(c.models), status, words)}
	switch to, _ := resp.Location(); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		u.why = fmt.Sprintf("%s refused %s with status %d (%s)", show(c.models), c.credential, status, words)
		u.fix = c.credentialFix()
	case status < 400 && to != nil:
		target := shorten(shown(c.mask.Text(to.String())))
		u.why, u.final = fmt.Sprintf("%s is redirected to %q", show(c.models), target), true
		u.fix = fmt.Sprintf("set baseURL (BASE_URL in our scripts) to %q", strings.TrimSuffix(target, "/models"))
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		u.fix = checkPath + c.versionHint()
	case api.Unserved(status, words) != "":
		u.fix, u.final = api.Unserved(status, words), status != http.StatusTooManyRequests
	case strings.Contains(strings.ToUpper(words), "HTTPS"):
		u.fix, u.final = writeScheme("https"), true
	case c.credential == noCredential:
		u.fix = setKey + " if it wants one"
	case status == http.StatusBadRequest: // the request has no body: this is LiteLLM's answer to an unknown key
		u.fix = c.credentialFix()
	}
	return u
}

func writeScheme(scheme string) string {
	return "write " + scheme + ":// in baseURL (BASE_URL in our scripts)"
}

// versionHint returns what to try if the API is not where the path of the base URL leads; "" if the path has a version.
func (c *Client) versionHint() string {
	if !c.unversioned {
		return ""
	}
	return fmt.Sprintf(": /v1 is added to a bare host alone, so write %q if the API is there", show(c.base)+defaultPath)
}

// get asks for a page. A problem concerns the page; the error means that the server cannot be reached.
func (c *Client) get(caller context.Context, rt http.RoundTripper, page *url.URL) (*http.Response, []byte, *unlisted,
	error) {
	limit := discoverTimeout
	if c.opts.Timeout > 0 {
		limit = min(limit, c.opts.Timeout)
	}
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	defer time.AfterFunc(limit, func() { cancel(errSlow) }).Stop()
	connected, trace := c.watchConnection(cancel)
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, page.String(),
		nil)
	if err != nil {
		return nil, nil, nil, err
	}
	req.Header = c.header.Clone()
	req.Header.Del("Content-Type")
	resp, err := rt.RoundTrip(req)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		var body []byte
		if body, err = readModels(resp); err == nil {
			return resp, body, nil, nil
		}
	}
	switch cause := context.Cause(ctx); {
	case caller.Err() != nil:
		return nil, nil, nil, err
	case errors.Is(cause, errSlow), errors.Is(cause, errHandshake):
		err = cause
	}
	if !connected.Load() {
		return nil, nil, nil, fmt.Errorf("cannot reach %s: %w: %s", show(c.base), err, connectionFix(err))
	}
	broken := &unlisted{why: fmt.Sprintf("%s gave no list of models (%s)", show(page), shorten(err.Error()))}
	if strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`) { // an alert of TLS
		broken.fix, broken.final = writeScheme("https"), true
	}
	return nil, nil, broken, nil
}

// watchConnection notes that there is a connection, and cancels a handshake or an answer that takes too long.
func (c *Client) watchConnection(cancel context.CancelCauseFunc) (connected *atomic.Bool,
	trace *httptrace.ClientTrace) {
	connected = new(atomic.Bool)
	var shaken atomic.Bool
	return connected, &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			time.AfterFunc(handshakeTimeout, func() {
				if !shaken.Load() {
					cancel(errHandshake)
				}
			})
		},
		TLSHandshakeDone: func(tls.ConnectionState, error) { shaken.Store(true) },
		GotConn: func(httptrace.GotConnInfo) {
			connected.Store(true)
			if c.opts.Model != "" {
				time.AfterFunc(checkTimeout, func() { cancel(errSlow) }) // no effect after the answer
			}
		},
	}
}

// maxModels bounds a list of models, in bytes.
const maxModels = 8 << 20

// readModels reads a list, which some servers compress although the request did not ask for it.
func readModels(resp *http.Response) ([]byte, error) {
	text := &decompressed{wire: wire{Reader: resp.Body}, label: resp.Header.Get("Content-Encoding")}
	defer text.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return io.ReadAll(io.LimitReader(text, maxErrorBody))
	}
	body, err := io.ReadAll(io.LimitReader(text, maxModels+1))
	if err == nil && len(body) > maxModels {
		err = fmt.Errorf("the page is larger than %d MiB", maxModels>>20)
	}
	return body, err
}

// connectionFix returns what to do about a connection that failed.
func connectionFix(err error) string {
	var certificate *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &certificate):
		return "set caPath to the certificate of the authority that signed it, or give k6 --insecure-skip-tls-verify"
	case errors.As(err, &header), errors.Is(err, errHandshake),
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "if the server has no TLS, " + writeScheme("http")
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"):
		return "see whether the server wants a certificate (certPath, keyPath) or another name in baseURL"
	}
	return "check the URL of the server and that it runs"
}
