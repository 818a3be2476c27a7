package convert

import (
	"iter"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// gaps pools the gaps of requests: between the chunks of answers whose tokens were not counted, each of which is a
// token, and between the chunks and between the tokens of the other answers.
type gaps struct{ plain, chunks, tokens *stats.Tally }

func newGaps(r *run.Run) gaps {
	return gaps{stats.NewTally(r.Clock.Chunk), stats.NewTally(r.Clock.Chunk), stats.NewTally(r.Clock.Chunk)}
}

func (g gaps) add(rec *record.Request) {
	if len(rec.ChunkTokens) == 0 {
		g.plain.AddGaps(rec.Chunks)
		return
	}
	g.chunks.AddGaps(rec.Chunks)
	for i, k := range tokenGaps(rec.Chunks, rec.ChunkTokens) {
		g.tokens.Add(rec.Chunks[k] - rec.Chunks[i])
	}
}

// merge adds the gaps of other requests.
func (g gaps) merge(other gaps) {
	g.plain.Merge(other.plain)
	g.chunks.Merge(other.chunks)
	g.tokens.Merge(other.tokens)
}

// settle returns all gaps between chunks, and all between tokens.
func (g gaps) settle() (chunks, tokens *stats.Tally) {
	if g.chunks.Len() == 0 && g.tokens.Len() == 0 {
		return g.plain, g.plain
	}
	chunks, tokens = stats.NewTally(g.plain.Ticks()), stats.NewTally(g.plain.Ticks())
	chunks.Merge(g.plain)
	chunks.Merge(g.chunks)
	tokens.Merge(g.plain)
	tokens.Merge(g.tokens)
	return chunks, tokens
}

// tokenGaps yields each gap between token times as the indices of the chunks at its two ends. A chunk's time counts
// once per token in the chunk, or once if its tokens were not counted.
func tokenGaps(chunks []int64, tokens []int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		last := -1
		for i := range chunks {
			n := 1
			if len(tokens) > 0 {
				n = tokens[i]
			}
			for range n {
				if last >= 0 && !yield(last, i) {
					return
				}
				last = i
			}
		}
	}
}
