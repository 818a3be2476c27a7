package client

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Latencies and counts of vectors and scores are those that the simulator knows, and nothing is timed in between.
func TestTruthOfVectorsAndScores(t *testing.T) {
	t.Parallel()
	for _, dialect := range []api.Dialect{api.Embeddings, api.Rerank} {
		synctest.Test(t, func(t *testing.T) {
			o, err := sim.ParseQuery("ttft=20ms&prompt-time=3ms")
			if err != nil {
				t.Fatal(err)
			}
			server, err := sim.New(o)
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, func(o *Options) { o.Speak(dialect); o.Model = "sim" })
			req := Request{ID: "1", Inputs: []string{"a b", "c"}}
			tokens := 3
			if dialect == api.Rerank {
				req.Query = "q"
				tokens += 2 // the query is read with each document
			}
			a, err := c.Do(t.Context(), handled{server}, &req)
			if err != nil || a.Record.Failed() {
				t.Fatalf("%s: %v %s", dialect.Name(), err, a.Record.Error)
			}
			r, truth, n := a.Record, server.Truths()[0], a.Record.Counts()
			if want := 20*time.Millisecond + time.Duration(tokens)*3*time.Millisecond; r.Latency() != want ||
				truth.End != r.End {
				t.Errorf("%s: latency %v, end %d; want %v, %d", dialect.Name(), r.Latency(), r.End, want, truth.End)
			}
			if n.Prompt != tokens || truth.PromptTokens != tokens || truth.CompletionTokens != 0 || truth.Inputs != 2 ||
				*r.Inputs != 2 || n.CompletionSource != record.NoSource || len(r.Chunks) > 0 || r.MaxTokens != 0 {
				t.Errorf("%s: got %+v, %+v, truth %+v", dialect.Name(), r, n, truth)
			}
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
