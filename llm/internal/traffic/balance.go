package traffic

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

// The ways in which requests are spread over several endpoints.
const (
	RoundRobin = "round-robin" // to each in turn
	Random     = "random"      // to one that is drawn for each request
	BySession  = "session"     // requests of a session to one, others in turn
	ByWeights  = "weights"     // dealt by shares, exact in each block
)

// Balances lists the ways, ByWeights last.
var Balances = []string{RoundRobin, Random, BySession, ByWeights}

// Balance tells which of several endpoints a request goes to. It has no state that a request changes, so the answer is
// the same on any number of instances. It may be used concurrently.
type Balance struct {
	kind   string
	n      int
	shares []float64
	deals  deals
}

// NewBalance returns a balance over n endpoints. An empty kind means ByWeights if there are weights, and RoundRobin if
// there are none.
func NewBalance(kind string, n int, weights []float64) (*Balance, error) {
	if kind == "" {
		if kind = RoundRobin; weights != nil {
			kind = ByWeights
		}
	}
	b := &Balance{kind: kind, n: n}
	switch {
	case !slices.Contains(Balances, kind):
		return nil, fmt.Errorf("unknown balance %q, known are %s", kind, strings.Join(Balances, ", "))
	case kind != ByWeights && weights != nil:
		return nil, fmt.Errorf("balance %q takes no weights: leave them out, or set balance: %q", kind, ByWeights)
	case kind != ByWeights:
		return b, nil
	case weights == nil:
		return nil, fmt.Errorf("balance %q needs weights, a number for each endpoint, such as [3, 1]", kind)
	case len(weights) != n:
		return nil, fmt.Errorf("weights has %d numbers for %d endpoints: give one for each", len(weights), n)
	}
	sum := 0.0
	for i, w := range weights {
		if !(w > 0) {
			return nil, fmt.Errorf("weights: number %d must be above 0, got %v: leave out an endpoint that gets "+
				"nothing", i, w)
		}
		sum += w
	}
	for _, w := range weights {
		b.shares = append(b.shares, w/sum)
	}
	if _, err := deal.New(0, b.shares...); err != nil {
		return nil, errors.New("weights: " + err.Error())
	}
	return b, nil
}

// Kind returns the way in which requests are spread.
func (b *Balance) Kind() string { return b.kind }

// Place is what the endpoint and the adapter of a request follow from.
type Place struct {
	Seed     int64 // of the scenario
	Scenario string
	Index    int64 // of the iteration in its scenario, over all instances
	Seq      int   // of the request in its iteration
	Session  string
}

// Of returns the number of the endpoint that a request goes to. A nil balance is one of a single endpoint.
func (b *Balance) Of(p Place) int {
	if b == nil {
		return 0
	}
	turn := p.Index + int64(p.Seq)
	switch {
	case b.kind == ByWeights:
		return b.deals.part(p.Seed^0x62616c616e6365, turn, b.shares...)
	case b.kind == Random:
		return rand.New(p.draw()).IntN(b.n)
	case b.kind == BySession && p.Session != "":
		return rand.New(rand.NewPCG(hash(p.Session, 0, 0), 0)).IntN(b.n)
	}
	return int(turn % int64(b.n))
}

// draw returns numbers for the request at the place. The session has no part in them.
func (p Place) draw() *rand.PCG {
	return rand.NewPCG(hash(p.Scenario, p.Index, p.Seq), uint64(p.Seed)) // reproducible on purpose
}

func hash(text string, index int64, seq int) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\x00%d\x00%d", text, index, seq) // never fails
	return h.Sum64()
}
