package engine

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// simulators holds the simulated servers of the process, one for each set of options.
type simulators struct {
	mu  sync.Mutex
	all map[string]*sim.Server // by their options

	proxies map[string]string // base URLs, by the server's and the proxy's options
	sent    bool
}

// start returns the base URL of the simulator, or of its proxy if the options have one; the simulator behind it is that
// of the other options. It starts them only when a test begins, because scripts are also loaded where nothing is sent.
func (s *simulators) start(opts sim.Options) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	proxy := opts.Proxy
	opts.Proxy = sim.ProxyOptions{}
	server, err := s.find(opts)
	switch {
	case err != nil:
		return "", err
	case proxy == opts.Proxy:
		return server.URL(), nil
	}
	key := fmt.Sprint(server.URL(), proxy)
	if s.proxies[key] == "" {
		if s.proxies[key], err = server.Through("127.0.0.1:0", proxy); err != nil {
			return "", fmt.Errorf("starting the simulator's proxy: %w", err)
		}
	}
	return s.proxies[key], nil
}

// find returns the simulator of some options without a proxy.
func (s *simulators) find(opts sim.Options) (*sim.Server, error) {
	key := keyOf(opts)
	if server := s.all[key]; server != nil {
		return server, nil
	}
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		return nil, fmt.Errorf("starting the simulator: %w", err)
	}
	if s.all == nil {
		s.all, s.proxies = map[string]*sim.Server{}, map[string]string{}
	}
	s.all[key] = server
	return server, nil
}

// keyOf tells simulators apart.
func keyOf(opts sim.Options) string {
	text, _ := json.Marshal(opts) // all but what was read of the tokenizer, which the options name; cannot fail
	return string(text)
}

// use notes that requests go to a simulator, and reports whether it is called for the first time.
func (s *simulators) use() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, s.sent = !s.sent, true
	return first
}

// used reports whether requests went to a simulator.
func (s *simulators) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

const simulatorNotice = "requests go to the built-in simulator: its figures are made up and say nothing about any " +
	"model. Set baseURL (BASE_URL in our scripts) to measure a server."
