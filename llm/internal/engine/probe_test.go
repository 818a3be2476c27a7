package engine

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Whoever waits for the requests of an arrival gets each of them once, with the stage of the probe, which no plan has.
func TestRequestsOfAProbe(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"a"}}],"usage":{"completion_tokens":1},`+
			`"data":[{"id":"m"}]}`)
	}))
	t.Cleanup(server.Close)
	v := newTestVU(t, new(Process))
	c := v.client(t, server.URL)
	v.start(t)
	v.state.GetScenarioGlobalVUIter = func() uint64 { return 7 }
	var ended []*record.Request
	due := time.Now()
	a := &arrival.Arrival{
		Index: 7, Stage: 3, Due: due, Warmup: true, Probe: &record.Stage{Index: 12, Rate: new(5.0)},
		Ended: func(r *record.Request, c record.Counts) {
			ended = append(ended, r)
			if c != r.Counts() {
				t.Errorf("counts %+v, want %+v", c, r.Counts())
			}
		},
	}
	ctx := lib.WithScenarioState(v.k6.VU.CtxField, &lib.ScenarioState{Name: "load", StartTime: due})
	v.k6.VU.CtxField = arrival.NewContext(ctx, a)
	for seq := range 2 {
		call, err := c.Prepare(Job{Dialect: api.Chat})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := call.Do(); err != nil {
			t.Fatal(err)
		}
		if len(ended) != seq+1 {
			t.Fatalf("%d requests ended, want %d", len(ended), seq+1)
		}
		r := ended[seq]
		if r.Stage != 12 || r.Index != 7 || r.Seq != seq || !r.Warmup || (r.Due != nil) != (seq == 0) || r.Failed() {
			t.Errorf("request %d: %+v", seq, r)
		}
	}
}
