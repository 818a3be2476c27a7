// Package network holds what this project's clients of storage and monitoring services have in common: how they repeat
// a request, and how they word its failure.
package network

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Attempts is how often a request is sent that may succeed when repeated. The AWS library sends one as often.
const Attempts = 3

// FirstPause is the pause before the second attempt. Each pause after it is twice as long as the one before.
const FirstPause = 500 * time.Millisecond

// Pause waits before the attempt that follows the given one, which counts from 1. first is the length of the pause
// after attempt 1.
func Pause(ctx context.Context, first time.Duration, attempt int) error {
	return Sleep(ctx, first<<(attempt-1))
}

// Sleep waits for d, or returns the error of ctx if ctx ends before.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Transient reports whether a request that a server answered with this status may succeed when repeated.
func Transient(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// WithoutURL returns the cause of a failed request without the URL that was asked for: a URL can hold a password, and
// one that a server redirects to can hold a signature.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Describe returns why a request got no answer, without the URL that was asked for: a URL can hold a credential.
// connecting reports that no connection was made.
func Describe(err error) (words string, connecting bool) {
	var dns *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		return dns.Error(), true
	case errors.As(err, &op):
		return op.Error(), true
	case errors.As(err, &certificate):
		return certificate.Err.Error(), true
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection", false
	}
	return WithoutURL(err).Error(), false
}
