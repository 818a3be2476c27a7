package compare

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// server is a simulated server of some places with one queue before them, first come first served.
type server struct {
	name    string
	places  int
	service func(rng *rand.Rand) (prefill, tokens, itl float64)
	mean    float64 // time that a request takes of a place
}

// The servers: answers of exponential length from a server of one place and of ten, and answers as of a language model,
// whose prompts take a time by themselves and whose tokens are log-normal in number.
var servers = []server{
	{"M/M/1", 1, exponential, 0.995},
	{"M/M/10", 10, exponential, 0.995},
	{"tokens", 10, tokenLike, 1.098},
}

func exponential(rng *rand.Rand) (prefill, tokens, itl float64) {
	return 0.02, 1 + math.Floor(rng.ExpFloat64()*98), 0.01
}

func tokenLike(rng *rand.Rand) (prefill, tokens, itl float64) {
	const spread = 0.8
	return 0.05 * math.Exp(0.5*rng.NormFloat64()), math.Ceil(100 * math.Exp(spread*rng.NormFloat64()-spread*spread/2)),
		0.01 * math.Exp(0.3*rng.NormFloat64())
}

// served is a load on a server.
type served struct {
	server
	load    float64 // of what the server can do
	n       int
	poisson bool
	slower  float64 // factor on the times of the server; its load rises with it
}

// freed are the instants when the places are free again.
type freed []float64

func (f freed) Len() int           { return len(f) }
func (f freed) Less(i, j int) bool { return f[i] < f[j] }
func (f freed) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *freed) Push(any)          {}
func (f *freed) Pop() any          { return nil }

func (s served) run(seed uint64) Side {
	rng := seeded(seed, uint64(s.n))
	free := make(freed, s.places)
	side := Side{Name: "run", Requests: make([]Request, s.n)}
	gap, at := s.mean/(s.load*float64(s.places)), 0.0
	for i := range side.Requests {
		prefill, tokens, itl := s.service(rng)
		prefill, itl = prefill*s.slower, itl*s.slower
		from := max(at, free[0])
		end := from + prefill + (tokens-1)*itl
		free[0] = end
		heap.Fix(&free, 0)
		q := Request{Start: at, End: end, TTFT: from - at + prefill, ITL: itl, TPOT: math.NaN(), NTPOT: math.NaN(),
			Latency: end - at, ScheduleDelay: math.NaN(), Input: 100, Output: tokens}
		if tokens < 2 {
			q.ITL = math.NaN()
		}
		side.Requests[i] = q
		side.Seconds = max(side.Seconds, end)
		if at += gap; s.poisson {
			at += (rng.ExpFloat64() - 1) * gap
		}
	}
	return side
}

// verdicts counts the overall verdicts of pairs of runs, of which the second is slower, from a seed on.
func (s served) verdicts(t *testing.T, pairs int, slower float64) map[Verdict]int {
	t.Helper()
	count := map[Verdict]int{}
	fresh := s
	s.slower, fresh.slower = 1, slower
	for i := range uint64(pairs) {
		o := Options{Resamples: 200, Percentiles: []float64{99}, Seed: i}
		count[mustCompare(t, s.run(2*i), fresh.run(2*i+1), o).Verdict]++
	}
	return count
}

// kinds are the servers at a load, with Poisson arrivals and with evenly spaced ones.
func kinds(load float64, n int) (list []served) {
	for _, s := range servers {
		for _, poisson := range []bool{true, false} {
			list = append(list, served{server: s, load: load, n: n, poisson: poisson})
		}
	}
	return list
}

// Two equal runs are called worse in at most 5 %, at any load. Near the limit of a server requests depend on each other
// for longer than a run lasts, and above it the queue grows without end: both were taken for a change in up to 14 %.
func TestEqualRunsAtEveryLoad(t *testing.T) {
	t.Parallel()
	pairs := 12
	if testing.Short() {
		pairs = 3
	}
	runs, worse := 0, 0
	for _, n := range []int{200, 1000} {
		for _, load := range []float64{0.5, 0.8, 0.95, 1, 1.05} {
			for _, s := range kinds(load, n) {
				runs, worse = runs+pairs, worse+s.verdicts(t, pairs, 1)[Worse]
			}
		}
	}
	t.Logf("of %d pairs of equal runs %d were called worse", runs, worse)
	if limit := 0.05*float64(runs) + 2*math.Sqrt(0.05*0.95*float64(runs)); float64(worse) > limit {
		t.Errorf("of %d pairs of equal runs %d were called worse, want 5 %% at most", runs, worse)
	}
}

// A server that is slower is still found out, at a load it keeps up with and at one it does not.
func TestSlowerServersAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		load, slower float64
		least        int // of twelve
	}{{0.5, 1.1, 11}, {0.8, 1.1, 11}, {1.05, 1.2, 9}} {
		s := kinds(c.load, 1000)[4]
		if v := s.verdicts(t, 12, c.slower); v[Worse] < c.least || v[Better] > 1 {
			t.Errorf("%v times as slow at a load of %v: got %v of 12", c.slower, c.load, v)
		}
	}
}

// The loads and lengths of the tables in docs/statistics.md.
var (
	tableLoads   = []float64{0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1}
	tableLengths = []int{200, 1000, 5000}
)

// LLM_TEST_TRUTH=all measures the tables in docs/statistics.md, in an hour: -run 'FalseAlarms|Power' -v prints them.
func truthOnly(t *testing.T) {
	t.Helper()
	if os.Getenv("LLM_TEST_TRUTH") != "all" {
		testenv.Skip(t, "an hour", "LLM_TEST_TRUTH=all go test ./convert/internal/compare -run Table -v")
	}
}

func TestTableOfFalseAlarms(t *testing.T) {
	truthOnly(t)
	for _, load := range tableLoads {
		row := fmt.Sprintf("| %.0f %%", 100*load)
		for _, n := range tableLengths {
			pairs := 200
			if n > 1000 {
				pairs = 60
			}
			all, most := 0, 0
			for _, s := range kinds(load, n) {
				worse := s.verdicts(t, pairs, 1)[Worse]
				all, most = all+worse, max(most, worse)
				share := float64(worse) / float64(pairs)
				if share > 0.05+2*math.Sqrt(0.05*0.95/float64(pairs)) {
					t.Errorf("%s, Poisson %t, load %v, %d requests: %.3f of equal runs are worse", s.name, s.poisson,
						load, n, share)
				}
			}
			runs := 6 * pairs
			row += fmt.Sprintf(" | %s | %.1f", shareText(all, runs), 100*float64(most)/float64(pairs))
		}
		fmt.Println(row + " |")
	}
}

func TestTableOfPower(t *testing.T) {
	truthOnly(t)
	const pairs = 100
	for _, load := range tableLoads {
		row := fmt.Sprintf("| %.0f %%", 100*load)
		for _, n := range tableLengths {
			s := kinds(load, n)[4]
			for _, slower := range []float64{1.05, 1.1, 1.2} {
				row += fmt.Sprintf(" | %.0f", 100*float64(s.verdicts(t, pairs, slower)[Worse])/pairs)
			}
		}
		fmt.Println(row + " |")
	}
}

// shareText returns a share of runs in percent, with its standard error.
func shareText(count, runs int) string {
	p := float64(count) / float64(runs)
	return fmt.Sprintf("%.1f ± %.1f", 100*p, 100*math.Sqrt(p*(1-p)/float64(runs)))
}
