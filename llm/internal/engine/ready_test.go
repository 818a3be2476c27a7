package engine

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// countingServer lists a model unless it is down, and counts the requests.
type countingServer struct {
	asked atomic.Int64
	down  atomic.Bool
}

func (s *countingServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.asked.Add(1)
	if s.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprint(w, `{"data":[{"id":"m"}]}`)
}

// The client does not ask again for a model that it found before the load. It asks again for a missing one, but not at
// once.
func TestReadyBeforeTheLoad(t *testing.T) {
	t.Parallel()
	server := new(countingServer)
	at := httptest.NewServer(server)
	defer at.Close()
	process := new(Process)
	v := newTestVU(t, process)
	v.client(t, at.URL+"/v1")
	v.start(t)
	members := process.clients.gather()
	if len(members) != 1 {
		t.Fatalf("%d clients", len(members))
	}
	target := members[0].target
	look := func() string {
		t.Helper()
		process.makeReady(t.Context(), true)
		return fmt.Sprintf("%d %t", server.asked.Load(), target.err == nil)
	}
	server.down.Store(true)
	if got := look(); got != "1 false" {
		t.Errorf("a server that is down: %s", got)
	}
	server.down.Store(false)
	target.looked = time.Now().Add(time.Hour) // so that no time passes
	if got := look(); got != "1 false" {
		t.Errorf("at once: %s", got)
	}
	target.looked = time.Now().Add(-settle)
	if got := look(); got != "2 true" {
		t.Errorf("later: %s", got)
	}
	target.looked = target.looked.Add(-time.Hour)
	err := target.ready(t.Context(), v.state, v.state.Transport, members[0].vu)
	model := target.endpoints[0].model
	if got := look(); model != "m" || err != nil || got != "2 true" {
		t.Errorf("the first request: model %q, %v, %s", model, err, got)
	}
	if n := len(v.samples); n != 2 {
		t.Errorf("%d lines before the first request, want 2: the run and the client", n)
	}
	v.client(t, at.URL+"/v1")
	if process.clients.gather()[0] != members[0] {
		t.Error("a VU made during the load looks for the server")
	}
}
