package client

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// BenchmarkKeptGaps runs 300 sessions at once against a simulator in the same process. Each sends its next call a gap
// of its own after the end of the last, which the record shows. An operation is a call of each session; p50 and p99 are
// how much longer the gaps were than asked.
func BenchmarkKeptGaps(b *testing.B) {
	const sessions = 300
	o := sim.DefaultOptions()
	o.MaxNumSeqs = sessions
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	opts := DefaultOptions()
	opts.BaseURL, opts.Model = server.URL(), o.Model
	c, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: sessions}
	b.Cleanup(transport.CloseIdleConnections)
	late := make([][]time.Duration, sessions)
	var running sync.WaitGroup
	for i := range sessions {
		running.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			end := time.Now()
			for range b.N {
				at := end.Add(200*time.Millisecond + time.Duration(rng.Int64N(int64(800*time.Millisecond))))
				a, err := c.Do(b.Context(), transport, &Request{At: at, MaxTokens: 20, Messages: agentChat()})
				if err != nil || a.Record.Failed() {
					b.Errorf("session %d: %v", i, err)
					return
				}
				late[i] = append(late[i], record.Time(a.Record.Start).Sub(at))
				end = record.Time(a.Record.End)
			}
		})
	}
	running.Wait()
	all := slices.Concat(late...)
	slices.Sort(all)
	for name, q := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "max-ms": 1} {
		if len(all) > 0 {
			b.ReportMetric(all[int(q*float64(len(all)-1))].Seconds()*1000, name)
		}
	}
}
