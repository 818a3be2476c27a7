package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxTruths bounds the truths kept in memory; the newest stay.
const maxTruths = 100_000

// Server is an http.Handler. Its methods may be called concurrently.
type Server struct {
	opts   Options
	mux    *http.ServeMux
	models map[string]bool
	life   atomic.Pointer[life] // nil while the server is gone
	course course
	places int // of its next life; only the script touches it

	mu       sync.Mutex
	truths   []Truth
	gallery  gallery
	jobs     jobs
	oldest   int // index of the oldest truth once truths is full
	file     *os.File
	requests uint64

	open     context.Context // until Close
	shut     context.CancelFunc
	service  *service // nil unless it listens
	endpoint string   // of its truths
	proxies  []*Proxy // before it
	proxy    string   // base URL of that of the options
}

// New returns a server that does not listen by itself. Close it to close its truth file.
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Tokenizer != "" && o.tokens == nil {
		return nil, fmt.Errorf("simulator: tokenizer %q was not read", o.Tokenizer)
	}
	s := &Server{opts: o, models: map[string]bool{o.Model: true}, places: o.MaxNumSeqs}
	s.open, s.shut = context.WithCancel(context.Background())
	s.life.Store(s.newLife(o.MaxNumSeqs))
	s.endpoint = o.Name
	for _, name := range o.LoRA {
		s.models[name] = true
	}
	if o.Truth != "" {
		var err error
		if s.file, err = os.OpenFile(o.Truth, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return nil, fmt.Errorf("simulator's truth file: %w", err)
		}
	}
	s.mux = http.NewServeMux()
	for _, e := range endpoints() {
		s.mux.HandleFunc("POST "+e.path, func(w http.ResponseWriter, r *http.Request) { s.generate(w, r, e) })
	}
	s.serveJobs()
	s.mux.HandleFunc("GET /v1/models", s.listModels)
	s.mux.HandleFunc("GET /models", s.listModels) // beside /rerank
	s.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if l := s.life.Load(); l != nil {
			l.metrics.handler().ServeHTTP(w, r)
		}
	})
	s.mux.HandleFunc("GET /sim/events", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Events())
	})
	s.mux.HandleFunc("GET /sim/requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Truths())
	})
	return s, nil
}

// Listen returns a server that serves on an address such as "127.0.0.1:0" until Close, through a proxy if the options
// have one.
func Listen(addr string, o Options) (*Server, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	at := addr
	if o.Proxy != (ProxyOptions{}) {
		at = "127.0.0.1:0"
	}
	if s.service, err = newService(s.open, at, s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if slices.ContainsFunc(o.Events, func(e Event) bool { return e.Kind == EventGone }) {
		s.service.guard()
	}
	s.endpoint = cmp.Or(o.Name, s.service.url())
	s.service.serve()
	if o.Proxy != (ProxyOptions{}) {
		if s.proxy, err = s.Through(addr, o.Proxy); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Through returns the base URL of a new proxy before a server that listens, which ends with the server.
func (s *Server) Through(addr string, o ProxyOptions) (string, error) {
	p, err := ListenProxy(addr, s.service.url(), o)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxies = append(s.proxies, p)
	return p.URL(), nil
}

// URL returns the base URL of a server that listens, without /v1, and "" for one that does not.
func (s *Server) URL() string { return cmp.Or(s.proxy, s.service.url()) }

// Close cuts the requests in progress and closes the truth file.
func (s *Server) Close() error {
	s.mu.Lock()
	s.shut() // no script begins from then on
	s.mu.Unlock()
	err := s.service.close()
	s.jobs.work.Wait()
	s.course.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.proxies {
		err = errors.Join(err, p.Close())
	}
	s.proxies = nil
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
		s.file = nil
	}
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.catchUp()
	if !strings.HasPrefix(r.URL.Path, "/sim/") && (r.Method == http.MethodGet && !s.awake(r) || s.life.Load() == nil) {
		panic(http.ErrAbortHandler) // as if nobody had answered
	}
	if key := s.opts.APIKey; key != "" && strings.HasPrefix(r.URL.Path, "/v1/") &&
		r.Header.Get("Authorization") != "Bearer "+key && r.Header.Get("X-Api-Key") != key {
		writeJSON(w, http.StatusUnauthorized, openAIFault(http.StatusUnauthorized, "Unauthorized"))
		return
	}
	if id := r.Header.Get("X-Request-Id"); id != "" {
		w.Header().Set("X-Request-Id", id)
	}
	s.mux.ServeHTTP(w, r)
}

// Truths returns the truth about the finished requests in the order of their ends, the newest 100,000 at most.
func (s *Server) Truths() []Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Truth, 0, len(s.truths))
	list = append(list, s.truths[s.oldest:]...)
	return append(list, s.truths[:s.oldest]...)
}

// finish keeps the truth about a request.
func (s *Server) finish(r Truth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.truths) < maxTruths {
		s.truths = append(s.truths, r)
	} else {
		s.truths[s.oldest] = r
		s.oldest = (s.oldest + 1) % maxTruths
	}
	s.append(r)
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		OwnedBy string `json:"owned_by"`
	}
	list := []model{{s.opts.Model, "model", "xk6-llm simulator"}}
	for _, name := range s.opts.LoRA {
		list = append(list, model{name, "model", "xk6-llm simulator"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // an error means that the client went away
}

// errorKind returns the status's name as vLLM writes it: NotFoundError.
func errorKind(status int) string {
	return strings.TrimSuffix(strings.ReplaceAll(http.StatusText(status), " ", ""), "Error") + "Error"
}
