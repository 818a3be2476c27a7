package convert

import (
	"math"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The samples for charts agree with the distributions of the report.
func TestSamplesAgreeWithTheReport(t *testing.T) {
	t.Parallel()
	samplesAgree(t, mustRead(t, asRecords(t, sampleLines())))
	lines, _ := stalled([]stall{{520_000, 770_000}})
	late := mustRead(t, asRecords(t, lines))
	late.LeaveOut(run.Cut{Late: true})
	samplesAgree(t, late)
}

func samplesAgree(t *testing.T, run *run.Run) {
	t.Helper()
	report := NewReport(run, Options{})
	var ttfts, delays []float64
	failed := 0
	for s := range report.Samples() {
		if s.Failed {
			failed++
		}
		if !math.IsNaN(s.TTFT) {
			ttfts = append(ttfts, s.TTFT)
		}
		delays = append(delays, s.Delay)
	}
	if failed != report.Summary.Failures.Count {
		t.Errorf("failed samples: got %d, want %d", failed, report.Summary.Failures.Count)
	}
	for _, tt := range []struct {
		name   string
		values []float64
		want   *Distribution
	}{{"TTFT", ttfts, report.Summary.Additions.Latency.TTFT}, {"delay", delays, report.Summary.Load.ScheduleDelay}} {
		got := NewDistribution(tt.values, []float64{50})
		median, _ := tt.want.At(50)
		if got.Mean != tt.want.Mean || got.Max != tt.want.Max || got.Percentiles[0].Value != median {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	n, at := report.TokenGaps()
	if itl := report.Summary.Successes.Latency.ITL; n == 0 || at(0) != itl.Min || at(n-1) != itl.Max {
		t.Errorf("%d gaps from %v to %v, want %v to %v", n, at(0), at(n-1), itl.Min, itl.Max)
	}
}

func TestReportBounds(t *testing.T) {
	t.Parallel()
	run := mustRead(t, asRecords(t, sampleLines()))
	if got, want := NewReport(run, Options{}).Bounds(), (record.Bounds{TTFT: 120}); got != want {
		t.Errorf("bounds of the requests: got %+v, want %+v", got, want)
	}
	own := record.Bounds{ITL: 20}
	if got := NewReport(run, Options{SLO: own}).Bounds(); got != own {
		t.Errorf("bounds of the options: got %+v, want %+v", got, own)
	}
}
