package prometheus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// fault is an error that says what went wrong and what to do about it. It holds no credential.
type fault struct {
	what, fix string
	fatal     bool // every other query would fail in the same way
	passing   bool // the next attempt may succeed
}

func (f *fault) Error() string {
	if f.fix == "" {
		return f.what
	}
	return f.what + "; " + f.fix
}

// hide removes the credentials of a request from its error, because the server may repeat them.
func hide(err error, header http.Header) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	hidden := *f
	hidden.what = secret.MaskForHeader(header).Text(f.what)
	return &hidden
}

const (
	whatURL    = "give the URL under which /api/v1/query is, such as http://host:9090"
	whichLogin = "set PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD"
	whichRight = "the account needs roles/monitoring.viewer in the project"
)

// refusal returns the fault of a status other than success. Prometheus says in JSON what is wrong with a query.
func refusal(status int, body []byte, google bool) error {
	name := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	switch {
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && google:
		return &fault{what: "access refused (" + name + ")", fix: whichRight, fatal: true}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &fault{what: "access refused (" + name + ")", fix: whichLogin, fatal: true}
	case status == http.StatusNotFound && google:
		return &fault{what: "no such project (" + name + ")", fix: "correct GOOGLE_CLOUD_PROJECT", fatal: true}
	case status == http.StatusNotFound:
		return &fault{what: "nothing there answers queries (" + name + ")", fix: whatURL, fatal: true}
	case status >= 300 && status < 400:
		return &fault{what: "the server sends elsewhere (" + name + "), as login pages do", fix: whatURL, fatal: true}
	case network.Transient(status):
		return &fault{what: "the server keeps answering " + name, fix: "try again later", passing: true}
	}
	if !gjson.ValidBytes(body) {
		return &fault{what: "the server answered " + name + " without JSON, so this is not a Prometheus", fix: whatURL,
			fatal: true}
	}
	if _, err := parseAnswer(body); err != nil { // after 400 and 422
		return err
	}
	return &fault{what: "the server answered " + name}
}

// unanswered returns the fault of a request without an answer. It leaves out the URL, which can hold a credential.
func unanswered(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var u *url.Error
	switch {
	case errors.As(err, &certificate):
		return &fault{what: "its certificate is not trusted: " + plain.Excerpt(certificate.Err.Error()),
			fix: "give the authority's with --prometheus-ca", fatal: true}
	case errors.As(err, &record):
		return &fault{what: "it does not speak TLS", fix: "try http:// in its URL", fatal: true}
	}
	words, connecting := network.Describe(err)
	if !connecting && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &u) && u.Timeout()) {
		words = "no answer in time"
	}
	return &fault{what: "no connection: " + plain.Excerpt(words), fatal: true, passing: true}
}
