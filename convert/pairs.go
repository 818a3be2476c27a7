package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ComparePairs compares the requests of each pair of a run. A pair is two requests of one iteration that differ in the
// key, such as the two that a client with the option pair sends. All others are compared with those to base; "" means
// the first of such a client, or else that of the client with the lowest number.
func ComparePairs(r *run.Run, key run.Key, base string, o Options, how compare.Options) (*compare.Result, error) {
	p := &pairer{run: r, key: key, group: divide(r, r.Requests, o), clients: map[string]int{},
		arms: map[string]*arm{}}
	iterations := p.iterations()
	if key.Name == run.ByClient.Name && len(p.clients) == 0 { // clients of equal options are one
		p.key = run.ByEndpoint
		iterations = p.iterations()
	}
	if len(p.clients) == 0 {
		return nil, fmt.Errorf("no pairs in it: a pair is two requests of one iteration that differ in their %s, as a "+
			"client with the option pair sends them", key.Name)
	}
	switch _, known := p.clients[base]; {
	case base == "":
		base = p.usualBase()
	case !known:
		return nil, fmt.Errorf("no pair has the %s %q, known are %s", p.key.Name, base,
			strings.Join(sortedKeys(p.clients), ", "))
	}
	for _, requests := range iterations {
		p.add(requests, base)
	}
	arms := make([]compare.Arm, 0, len(p.arms))
	for _, name := range sortedKeys(p.arms) {
		arms = append(arms, p.arms[name].settled())
	}
	result, err := compare.ComparePairs(p.key.Name, base, arms, how)
	if err == nil && p.key.Name != key.Name {
		result.Notes = append(result.Notes, "the clients of each pair have the same options, which makes them one: "+
			"pairs are compared by endpoint")
	}
	return result, err
}

// Paired reports whether a client of the run sent requests in pairs.
func Paired(r *run.Run) bool {
	return slices.ContainsFunc(r.Clients, isPair)
}

// isPair reports whether a client sends each prompt to two others, which no configuration can have.
func isPair(c *record.Client) bool { return len(namesOfPair(c)) > 0 }

// namesOfPair returns the names of the clients that a client sends to in pairs, of other clients none.
func namesOfPair(c *record.Client) []any {
	names, _ := c.Options["pair"].([]any)
	return names
}

// PairsText says what to read of a run of pairs in place of its figures.
const PairsText = "the figures of the whole are of both requests of each pair together: llmconv compare RUN --paired " +
	"--by endpoint gives the difference"

// pairer finds the pairs of a run.
type pairer struct {
	run     *run.Run
	key     run.Key
	group   *subset
	clients map[string]int // the lowest number of a client, by what differs in pairs
	arms    map[string]*arm
	a, b    record.Request // whose chunks are matched
}

// arm collects the pairs of a place with the base.
type arm struct {
	compare.Arm
	later, earlier *stats.Tally // of single chunks
}

// iterations returns the requests of each iteration, in order, and notes what differs within one.
func (p *pairer) iterations() (list [][]*run.Request) {
	all := slices.Concat(p.run.Requests, p.run.Abandoned)
	order := func(a, b *run.Request) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.Instance, b.Instance))
	}
	slices.SortStableFunc(all, func(a, b *run.Request) int {
		return cmp.Or(order(a, b), cmp.Compare(a.Start, b.Start))
	})
	for len(all) > 0 {
		end := 1
		for end < len(all) && order(all[0], all[end]) == 0 {
			end++
		}
		list, all = append(list, all[:end]), all[end:]
		names := map[string]bool{}
		for _, q := range list[len(list)-1] {
			names[p.key.Of(p.run, q)] = true
		}
		if len(names) < 2 {
			continue
		}
		for _, q := range list[len(list)-1] {
			name := p.key.Of(p.run, q)
			if n, known := p.clients[name]; !known || q.Client < n {
				p.clients[name] = q.Client
			}
		}
	}
	return list
}

// usualBase returns the first of a client that sends pairs, or else what the client with the lowest number sends to.
func (p *pairer) usualBase() string {
	for _, c := range p.run.Clients {
		if names := namesOfPair(c); len(names) > 0 {
			name, _ := names[0].(string)
			if _, known := p.clients[name]; known {
				return name
			}
		}
	}
	return slices.MinFunc(sortedKeys(p.clients), func(a, b string) int {
		return cmp.Compare(p.clients[a], p.clients[b])
	})
}

// add adds the pairs of an iteration: the first request to the base with the first to each of the others, and so on.
func (p *pairer) add(requests []*run.Request, base string) {
	byName := map[string][]*run.Request{}
	for _, q := range requests {
		name := p.key.Of(p.run, q)
		byName[name] = append(byName[name], q)
	}
	for _, name := range sortedKeys(p.clients) {
		if name == base {
			continue
		}
		to := p.arms[name]
		if to == nil {
			to = &arm{compare.Arm{Name: name}, stats.NewTally(p.run.Clock.Chunk), stats.NewTally(p.run.Clock.Chunk)}
			p.arms[name] = to
		}
		a, b := byName[base], byName[name]
		to.Facts.Alone += max(len(a), len(b)) - min(len(a), len(b))
		for i := range min(len(a), len(b)) {
			p.pair(to, a[i], b[i])
		}
	}
}

// pair adds a pair, unless one of its requests has no whole answer.
func (p *pairer) pair(to *arm, a, b *run.Request) {
	switch {
	case a.Abandoned() || b.Abandoned():
		to.Facts.Abandoned++
		return
	case a.Failed() || b.Failed():
		to.Facts.Failed++
		return
	}
	pair := compare.Pair{Base: comparedRequest(p.group, a), Other: comparedRequest(p.group, b),
		BaseFirst: a.Start < b.Start || a.Start == b.Start && a.Seq < b.Seq}
	if pair.Overlapping = b.Start < a.End; !pair.BaseFirst {
		pair.Overlapping = a.Start < b.End
	}
	pair.Base.Arrivals, pair.Other.Arrivals = p.arrivals(a), p.arrivals(b)
	base, other := a.Details().BytesReceived, b.Details().BytesReceived
	to.Facts.Bytes.Base += base
	to.Facts.Bytes.Other += other
	to.Facts.Bytes.Changed += count(base != other)
	first, second := a, b
	if !pair.BaseFirst {
		first, second = b, a
	}
	to.Facts.CachedFirst += int64(orElse(first.ServerCached, 0))
	to.Facts.CachedSecond += int64(orElse(second.ServerCached, 0))
	p.chunks(to, &pair, a, b)
	to.Pairs = append(to.Pairs, pair)
}

// arrivals returns when an answer began.
func (p *pairer) arrivals(q *run.Request) *compare.Arrivals {
	d := q.Details()
	since := func(instant int64) float64 {
		if instant == 0 || q.LeftOut {
			return unknown
		}
		return p.run.Seconds(instant - q.Start)
	}
	return &compare.Arrivals{Connect: since(d.Connected), FirstByte: since(d.FirstByte), Chunk: unknown}
}

// chunks adds what the chunks of a pair are, and when they arrive.
func (p *pairer) chunks(to *arm, pair *compare.Pair, a, b *run.Request) {
	a.UnpackChunks(&p.a)
	b.UnpackChunks(&p.b)
	facts := &to.Facts.Chunks
	facts.Base += int64(len(p.a.Chunks))
	facts.Other += int64(len(p.b.Chunks))
	here, there := reads(p.a.Chunks), reads(p.b.Chunks)
	facts.BaseReads += here
	facts.OtherReads += there
	facts.Merged += count(there < here)
	facts.Split += count(there > here)
	base, other, n := int64(0), int64(0), 0
	matchChunks(&p.a, &p.b, func(x, y int64) {
		base, other, n = base+x, other+y, n+1
		if y >= x {
			to.later.Add(y - x)
		} else {
			to.earlier.Add(x - y)
		}
	})
	if n == 0 {
		facts.Unmatched += count(len(p.a.Chunks)+len(p.b.Chunks) > 0)
		return
	}
	pair.Base.Arrivals.Chunk = float64(base) / float64(n) / p.run.Clock.Chunk
	pair.Other.Arrivals.Chunk = float64(other) / float64(n) / p.run.Clock.Chunk
}

// matchChunks tells when each chunk of an answer arrives, and when what it brought has arrived in another: by position
// if both have as many chunks, else by their tokens, if these are known and as many.
func matchChunks(a, b *record.Request, found func(a, b int64)) {
	if len(a.Chunks) == len(b.Chunks) {
		for i, at := range a.Chunks {
			found(at, b.Chunks[i])
		}
		return
	}
	if len(b.Chunks) == 0 || len(a.ChunkTokens) != len(a.Chunks) || len(b.ChunkTokens) != len(b.Chunks) ||
		total(a.ChunkTokens) != total(b.ChunkTokens) {
		return
	}
	tokens, arrived, next := 0, 0, 0
	for i, at := range a.Chunks {
		tokens += a.ChunkTokens[i]
		for arrived < tokens && next < len(b.Chunks) {
			arrived += b.ChunkTokens[next]
			next++
		}
		found(at, b.Chunks[max(next, 1)-1])
	}
}

// reads returns at how many instants chunks arrived.
func reads(chunks []int64) (n int64) {
	for i, at := range chunks {
		if i == 0 || at != chunks[i-1] {
			n++
		}
	}
	return n
}

func total(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// settled returns the arm with the percentiles of single chunks.
func (a *arm) settled() compare.Arm {
	early, n := a.earlier.Len(), a.earlier.Len()+a.later.Len()
	at := func(rank int) float64 {
		if rank < early {
			return -a.earlier.At(early - 1 - rank)
		}
		return a.later.At(rank - early)
	}
	if n > 0 {
		a.Facts.Chunks.Later = &compare.Differences{Count: n, P50: stats.Percentile(n, at, 50),
			P90: stats.Percentile(n, at, 90), P99: stats.Percentile(n, at, 99)}
	}
	return a.Arm
}
