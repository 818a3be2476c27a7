package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for attempt := 1; attempt < Attempts; attempt++ {
			if err := Pause(t.Context(), FirstPause, attempt); err != nil {
				t.Errorf("attempt %d: %v", attempt, err)
			}
		}
		if got, want := time.Since(start), 1500*time.Millisecond; got != want {
			t.Errorf("paused for %v, want %v", got, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Sleep(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("slept beyond the end of the context: %v", err)
		}
	})
}

func TestTransient(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{400: false, 404: false, 408: true, 429: true, 500: true, 503: true} {
		if got := Transient(status); got != want {
			t.Errorf("status %d: got %t, want %t", status, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, tt := range []struct {
		err        error
		want       string
		connecting bool
	}{
		{&net.DNSError{Err: "no such host", Name: "h"}, "lookup h: no such host", true},
		{refused, "dial tcp: connection refused", true},
		{io.EOF, "the server closed the connection", false},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), "the server closed the connection", false},
		{errors.New("407 refused"), "407 refused", false},
	} {
		for _, err := range []error{tt.err, &url.Error{Op: "Get", URL: "https://h?key=secret", Err: tt.err}} {
			if got, connecting := Describe(err); got != tt.want || connecting != tt.connecting {
				t.Errorf("%v: got %q, connecting %t, want %q, %t", err, got, connecting, tt.want, tt.connecting)
			}
		}
	}
}
