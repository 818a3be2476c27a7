package convert

import (
	"bytes"
	"math"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// certaintyLevel is the confidence of the intervals of percentiles.
const certaintyLevel = 0.95

// Certainty tells how well the percentiles of a distribution are known.
type Certainty struct {
	Requests int
	// Mixed requests are of several loads. Their percentiles are of no load, and depend on how long each of them took,
	// so that nothing is told of them.
	Mixed bool
	// Design is by how much the dependence between requests multiplies the variance of a share of them, at the most;
	// NaN if they are mixed.
	Design      float64
	Percentiles []Certain // those of the distribution that its JSON has

	inTables []Certain
}

// Certain tells between which figures a percentile of the server lies.
type Certain struct {
	P float64
	quantile.Interval
}

// of returns what is known of a percentile, and false if nothing is. A nil Certainty knows nothing.
func (c *Certainty) of(p float64) (Certain, bool) {
	if c == nil {
		return Certain{}, false
	}
	for _, list := range [...][]Certain{c.Percentiles, c.inTables} {
		for _, of := range list {
			if of.P == p {
				return of, true
			}
		}
	}
	return Certain{}, false
}

// known returns what is known of a percentile, and false if nothing is.
func (d *Distribution) known(p float64) (Certain, bool) {
	if d == nil {
		return Certain{}, false
	}
	return d.certainty.of(p)
}

// unbounded reports whether there are fewer requests than an upper bound of the percentile takes even if they are
// independent, so that how high it is at least is all that is known.
func (c *Certainty) unbounded(of Certain) bool {
	return c.Requests < quantile.Needs(of.P/100, certaintyLevel, 1) && !of.Certified && !math.IsInf(of.AtLeast, 0)
}

// clip makes the percentiles that are unbounded no lower than those below them that tables show.
func (c *Certainty) clip(d *Distribution) {
	least := math.Inf(-1)
	for _, p := range tablePercentiles {
		for _, list := range [...][]Certain{c.Percentiles, c.inTables} {
			for i, of := range list {
				if of.P >= p && c.unbounded(of) {
					list[i].AtLeast = max(of.AtLeast, least)
				}
			}
		}
		if of, _ := c.of(p); c.unbounded(of) {
			least = of.AtLeast
		} else if v, known := d.At(p); known {
			least = v
		}
	}
}

// MarshalJSON writes an end that the sample does not have as null.
func (c *Certainty) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	writeMember(&buf, "level", certaintyLevel)
	buf.WriteString(`"requests":` + strconv.Itoa(c.Requests) + ",")
	writeMember(&buf, "design_effect", rounded(c.Design))
	buf.WriteString(`"percentiles":{`)
	for i, of := range c.Percentiles {
		if i > 0 {
			buf.WriteByte(',')
		}
		buf.WriteString(strconv.Quote(percentileKey(of.P)) + ":{")
		writeMember(&buf, "low", of.Low)
		writeMember(&buf, "high", of.High)
		least := unknown
		if c.unbounded(of) {
			least = of.AtLeast
		}
		writeMember(&buf, "at_least", least)
		buf.WriteString(`"certified":` + strconv.FormatBool(of.Certified) + `,"needs":`)
		if of.Needs > 0 {
			buf.WriteString(strconv.Itoa(of.Needs))
		} else {
			buf.WriteString("null")
		}
		buf.WriteByte('}')
	}
	buf.WriteString("}}")
	return buf.Bytes(), nil
}

// rounded returns an estimate with as many digits as it is good for.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

// certainSum returns the distribution of a figure over requests, which are in the order of their starts, and how well
// its percentiles are known.
func certainSum(g *subset, requests []*run.Request, f figure) *Distribution {
	mixed, memory := severalLoads(g), memoryOf(g)
	values := g.values(requests, f)
	if !mixed {
		g.inOrder = append(g.inOrder[:0], values...)
	}
	list := stats.NewList(values)
	d := newDistribution(list, g.opts.Percentiles)
	switch {
	case d == nil:
	case mixed:
		d.mixed(len(values))
	default:
		s := quantile.NewSeries(g.inOrder, list.At, memory)
		d.certain(len(values), s.Memory(), func(p, _ float64) quantile.Interval {
			return s.Interval(p, certaintyLevel)
		})
	}
	return d
}

// certain adds how well each percentile is known, by its share and its value.
func (d *Distribution) certain(requests int, design float64, of func(share, value float64) quantile.Interval) {
	c := &Certainty{Requests: requests, Design: design}
	for _, q := range d.Percentiles {
		c.Percentiles = append(c.Percentiles, Certain{q.P, of(q.P/100, q.Value)})
	}
	for _, q := range d.inTables {
		c.inTables = append(c.inTables, Certain{q.P, of(q.P/100, q.Value)})
	}
	c.clip(d)
	d.certainty = c
}

// mixed adds that nothing is told of the percentiles of requests of several loads.
func (d *Distribution) mixed(requests int) {
	d.certain(requests, unknown, func(_, _ float64) quantile.Interval {
		return quantile.Interval{Low: math.Inf(-1), High: math.Inf(1), AtLeast: math.Inf(-1)}
	})
	d.certainty.Mixed = true
}

// memoryOf returns how much the requests of a group depend on those before them, by the two figures that show how busy
// the server is; 1 if they are of several loads.
func memoryOf(g *subset) float64 {
	if g.memory == 0 && severalLoads(g) {
		g.memory = 1
	}
	if g.memory == 0 {
		g.memory = quantile.Memory(g.values(g.ok, func(_ *subset, q *run.Request) float64 {
			if q.LeftOut {
				return unknown
			}
			return q.TTFT
		}))
		g.memory = max(g.memory, quantile.Memory(g.values(g.ok, requestLatency)))
	}
	return g.memory
}

// mostSampled is how many requests tell what the gaps of one have in common.
const mostSampled = 512

// gapDistributions returns the distributions of the gaps between tokens and between chunks, and how well their
// percentiles are known. The gaps of a request are more like each other than those of two, so they count for fewer.
func gapDistributions(g *subset) (tokens, chunks *Distribution) {
	if g.sumOfTokenGaps != nil || g.sumOfChunkGaps != nil {
		return g.sumOfTokenGaps, g.sumOfChunkGaps
	}
	tokens, chunks = newDistribution(g.tokenGaps, g.opts.Percentiles), newDistribution(g.chunkGaps, g.opts.Percentiles)
	if tokens == nil && chunks == nil {
		return nil, nil
	}
	g.sumOfTokenGaps, g.sumOfChunkGaps = tokens, chunks
	ofTokens, ofChunks := clustersOf(g)
	if severalLoads(g) {
		ofTokens.mixed(tokens)
		ofChunks.mixed(chunks)
		return tokens, chunks
	}
	memory := max(memoryOf(g), quantile.Memory(g.values(g.ok, itl)))
	ofTokens.certain(tokens, g.tokenGaps, memory)
	ofChunks.certain(chunks, g.chunkGaps, memory)
	return tokens, chunks
}

// gapClusters holds the gaps of some requests, in seconds.
type gapClusters struct {
	gaps []float64
	ends []int // in gaps, of each request
	step int   // every how many requests there is one
}

// clustersOf returns the gaps between the tokens and between the chunks of some requests.
func clustersOf(g *subset) (tokens, chunks gapClusters) {
	step := max((len(g.ok)+mostSampled-1)/mostSampled, 1)
	tokens.step, chunks.step = step, step
	var rec record.Request
	for i := 0; i < len(g.ok); i += step {
		q := g.ok[i]
		if q.LeftOut || q.Textless {
			continue
		}
		q.UnpackChunks(&rec)
		for k := 1; k < len(rec.Chunks); k++ {
			chunks.gaps = append(chunks.gaps, float64(rec.Chunks[k]-rec.Chunks[k-1])/g.run.Clock.Chunk)
		}
		for k, next := range tokenGaps(rec.Chunks, rec.ChunkTokens) {
			tokens.gaps = append(tokens.gaps, float64(rec.Chunks[next]-rec.Chunks[k])/g.run.Clock.Chunk)
		}
		tokens.end()
		chunks.end()
	}
	return tokens, chunks
}

// end ends the gaps of a request.
func (c *gapClusters) end() {
	from := 0
	if len(c.ends) > 0 {
		from = c.ends[len(c.ends)-1]
	}
	if len(c.gaps) > from {
		c.ends = append(c.ends, len(c.gaps))
	}
}

// mixed adds to the distribution of all gaps that nothing is told of its percentiles.
func (c *gapClusters) mixed(d *Distribution) {
	if requests := len(c.ends) * c.step; d != nil && requests > 0 {
		d.mixed(requests)
	}
}

// certain adds to the distribution of all gaps how well its percentiles are known.
func (c *gapClusters) certain(d *Distribution, all *stats.Tally, memory float64) {
	requests := len(c.ends) * c.step
	if d == nil || requests == 0 {
		return
	}
	d.certain(requests, memory, func(share, value float64) quantile.Interval {
		return quantile.Clustered(all.Len(), requests, all.At, share, certaintyLevel, c.design(value), memory)
	})
}

// design returns by how much what the gaps of a request have in common multiplies the variance of the share of all gaps
// that are above a limit.
func (c *gapClusters) design(limit float64) float64 {
	all := 0
	above := make([]int, len(c.ends))
	from := 0
	for i, end := range c.ends {
		for _, gap := range c.gaps[from:end] {
			if gap > limit {
				above[i]++
			}
		}
		all, from = all+above[i], end
	}
	n := float64(len(c.gaps))
	share := float64(all) / n
	if len(c.ends) < 2 || all == 0 || all == len(c.gaps) {
		return 1
	}
	squares := 0.0
	from = 0
	for i, end := range c.ends {
		off := float64(above[i]) - share*float64(end-from)
		squares, from = squares+off*off, end
	}
	return squares / (n * share * (1 - share))
}

// CertaintyOfUsual tells how well the percentiles of inference-perf's figures are known that tables show.
type CertaintyOfUsual struct {
	Request *Certainty `json:"request_latency"`
	TTFT    *Certainty `json:"time_to_first_token"`
	ITL     *Certainty `json:"inter_token_latency"`
}

func certaintyOfUsual(l Latencies) CertaintyOfUsual {
	of := func(d *Distribution) *Certainty {
		if d == nil {
			return nil
		}
		return d.certainty
	}
	return CertaintyOfUsual{of(l.Request), of(l.TTFT), of(l.ITL)}
}
