// Package search finds the highest load at which a server keeps an SLO. A [Search] says which load to try next, a
// [Judge] decides from the answers whether the server keeps the SLO at that load, and when it is certain enough. The
// package has no clock and sends nothing; the executor does.
package search

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Probe is a load to try.
type Probe struct {
	Number int     // from 0
	Value  float64 // requests per second, or requests at a time
	Phase  string
	// Longest is how long the load may be measured after its transient if nothing is certain by then.
	Longest time.Duration
}

// Search chooses the loads of a search. Only one goroutine may use it.
type Search struct{}

// New returns a search, or an error that names the option which is wrong.
func New(o arrival.SearchOptions) (*Search, error) { return &Search{}, nil }

// Next returns the next load to try, and false if the search is over.
func (s *Search) Next() (Probe, bool) { return Probe{}, false }

// Judge returns the judge of a probe.
func (s *Search) Judge(p Probe) *Judge { return nil }

// Done takes what became of a probe.
func (s *Search) Done(p Probe, outcome record.SearchProbe) {}

// Stop ends the search for a reason that lies outside of it, such as interrupted.
func (s *Search) Stop(reason, text string) {}

// Line returns what is known so far.
func (s *Search) Line() *record.Search { return nil }
