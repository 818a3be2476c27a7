package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// errorType returns the error_type of a failed round trip, or of a read that failed after the response began.
func (a *attempt) errorType(err error, before bool) string {
	switch cause := context.Cause(a.ctx); { // the first cause, if there were several
	case errors.Is(cause, errTimeout):
		return record.ErrorTimeout
	case errors.Is(cause, errStall):
		return record.ErrorStall
	case a.caller.Err() != nil:
		return endedBy(a.caller)
	}
	switch {
	case errors.Is(err, errEncoding), isMalformed(err):
		return record.ErrorMalformed
	case !before && errors.Is(err, io.ErrUnexpectedEOF):
		return record.ErrorTruncated
	case !before:
		return record.ErrorReset
	}
	return connectErrorType(err, a.trace.connected.Load() != 0)
}

// ended returns the error that ended the reading of a body, where nil and io.EOF are a clean end. A server that sees
// its client go may end its answer as if that were whole, before the connection is closed.
func (a *attempt) ended(err error) error {
	if (err == nil || errors.Is(err, io.EOF)) && a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return err
}

// connectErrorType distinguishes what can go wrong before the first byte of an answer.
func connectErrorType(err error, connected bool) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns), strings.HasPrefix(err.Error(), "lookup "): // k6 has its own error
		return record.ErrorDNS
	case isTLS(err):
		return record.ErrorTLS
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &op) && op.Op == "dial", !connected:
		return record.ErrorConnect
	}
	return record.ErrorReset
}

func isTLS(err error) bool {
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &verify) || errors.As(err, &authority) ||
		errors.As(err, &host) || errors.As(err, &invalid) || strings.Contains(err.Error(), "tls: ") ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// isMalformed recognises what net/http reports about bytes that are not HTTP; most of these errors have no type.
func isMalformed(err error) bool {
	text := err.Error()
	for _, sign := range [...]string{
		"malformed", "chunked encoding", "chunk length", "invalid byte in chunk", "invalid header", "header too large",
		"header line too long",
		"server response headers exceeded", "Content-Length", "transfer encoding", "trailer",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
