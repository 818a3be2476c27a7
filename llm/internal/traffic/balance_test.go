package traffic_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// spread counts which endpoints 10,000 iterations of one request go to, in an order that no instance sends them in.
func spread(t *testing.T, kind string, n int, weights []float64) []int {
	t.Helper()
	b, err := traffic.NewBalance(kind, n, weights)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, n)
	for i := range int64(10_000) {
		counts[b.Of(traffic.Place{Seed: 7, Scenario: "load", Index: i * 7 % 10_000,
			Session: fmt.Sprint("s-", i*7%10_000)})]++
	}
	return counts
}

func TestRequestsAreSpread(t *testing.T) {
	for _, c := range []struct {
		kind    string
		weights []float64
		want    []int
		within  float64
	}{
		{"", nil, []int{5000, 5000}, 0},
		{traffic.RoundRobin, nil, []int{3334, 3333, 3333}, 0},
		{traffic.ByWeights, []float64{3, 1}, []int{7500, 2500}, 0},
		{"", []float64{70, 20, 10}, []int{7000, 2000, 1000}, 0},
		{traffic.Random, nil, []int{3333, 3333, 3333}, 200}, // more than four standard deviations
		{traffic.BySession, nil, []int{2500, 2500, 2500, 2500}, 200},
	} {
		got := spread(t, c.kind, len(c.want), c.weights)
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > c.within {
				t.Errorf("%s %v: got %v, want %v", c.kind, c.weights, got, c.want)
				break
			}
		}
	}
}

// Three instances, each with the iterations of its own, send each request where one instance would.
func TestTheEndpointFollowsFromThePlaceAlone(t *testing.T) {
	for _, kind := range traffic.Balances {
		var weights []float64
		if kind == traffic.ByWeights {
			weights = []float64{1, 2, 5}
		}
		fresh := func() *traffic.Balance {
			b, err := traffic.NewBalance(kind, 3, weights)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		alone, instances := fresh(), []*traffic.Balance{fresh(), fresh(), fresh()}
		for i := range int64(3000) {
			for seq := range 2 {
				p := traffic.Place{Seed: 1, Index: i, Seq: seq}
				if got, want := instances[i%3].Of(p), alone.Of(p); got != want {
					t.Fatalf("%s: iteration %d, request %d: %d and %d", kind, i, seq, got, want)
				}
			}
		}
	}
}

func TestASessionStaysWhereItIs(t *testing.T) {
	b, err := traffic.NewBalance(traffic.BySession, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for s := range 20 {
		p := traffic.Place{Session: fmt.Sprint("s-", s)}
		want := b.Of(p)
		seen[want] = true
		for i := range 10 {
			p.Index, p.Seq, p.Seed = int64(i), i, int64(i)
			if got := b.Of(p); got != want {
				t.Errorf("%s: request %d goes to %d, the first to %d", p.Session, i, got, want)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("20 sessions went to %v alone", seen)
	}
	var turns []int
	for i := range 4 {
		turns = append(turns, b.Of(traffic.Place{Index: int64(i)}))
	}
	if !slices.Equal(turns, []int{0, 1, 2, 0}) {
		t.Errorf("requests without a session: %v", turns)
	}
}

func TestRandomFollowsTheSeed(t *testing.T) {
	b, err := traffic.NewBalance(traffic.Random, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range int64(100) {
		if b.Of(traffic.Place{Seed: 1, Index: i}) != b.Of(traffic.Place{Seed: 2, Index: i}) {
			differ++
		}
	}
	if differ < 25 || differ > 75 {
		t.Errorf("%d of 100 requests differ with the seed", differ)
	}
}

func TestBalancesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		kind    string
		weights []float64
		want    string
	}{
		{"robin", nil, `unknown balance "robin", known are round-robin, random, session, weights`},
		{"random", []float64{1, 2}, `balance "random" takes no weights: leave them out, or set balance: "weights"`},
		{"weights", nil, `balance "weights" needs weights, a number for each endpoint, such as [3, 1]`},
		{"", []float64{1, 2, 3}, "weights has 3 numbers for 2 endpoints: give one for each"},
		{"", []float64{0, 0}, "weights: number 0 must be above 0, got 0: leave out an endpoint that gets nothing"},
		{"", []float64{1, math.NaN()},
			"weights: number 1 must be above 0, got NaN: leave out an endpoint that gets nothing"},
		{"", []float64{1, 1e9}, "weights: number 0 is below 1 in 10000: 9.99999999e-10"},
	} {
		if _, err := traffic.NewBalance(c.kind, 2, c.weights); err == nil || err.Error() != c.want {
			t.Errorf("%s %v: got %v, want %s", c.kind, c.weights, err, c.want)
		}
	}
}

func BenchmarkBalance(b *testing.B) {
	for _, kind := range traffic.Balances {
		var weights []float64
		if kind == traffic.ByWeights {
			weights = []float64{3, 1}
		}
		balance, err := traffic.NewBalance(kind, 2, weights)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind, func(b *testing.B) {
			for i := int64(0); b.Loop(); i++ {
				balance.Of(traffic.Place{Seed: 1, Scenario: "load", Index: i, Session: "s-1"})
			}
		})
	}
}
