package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The Date of an answer is kept, whatever the status; without a Date, or after an interim answer, the record has none.
func TestServerDate(t *testing.T) {
	t.Parallel()
	date := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   int64
	}{
		"an answer": {func(w http.ResponseWriter) { w.Header().Set("Date", date.Format(http.TimeFormat)) },
			date.Unix()},
		"a refusal": {func(w http.ResponseWriter) {
			w.Header().Set("Date", date.Format(time.RFC850))
			w.WriteHeader(http.StatusServiceUnavailable)
		}, date.Unix()},
		"none":            {func(w http.ResponseWriter) { w.Header()["Date"] = nil }, 0},
		"no date":         {func(w http.ResponseWriter) { w.Header().Set("Date", "yesterday") }, 0},
		"a date of 1900":  {func(w http.ResponseWriter) { w.Header().Set("Date", "Mon, 01 Jan 1900 00:00:00 GMT") }, 0},
		"a date of 9999":  {func(w http.ResponseWriter) { w.Header().Set("Date", "Fri, 31 Dec 9999 23:59:59 GMT") }, 0},
		"after a 1xx one": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }, 0},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			tt.answer(w)
			_, _ = io.WriteString(w, chunk("a")+stop+done)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL = server.URL })
		transport := new(http.Transport)
		if got := do(t, t.Context(), c, transport).Record.ServerDate; got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
		transport.CloseIdleConnections()
		server.Close()
	}
}
