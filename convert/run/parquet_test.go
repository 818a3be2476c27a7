package run

import (
	"math"
	"testing"
)

// TestImportedRowsOutOfRange checks that rows of an imported run with impossible times are refused: their differences
// would overflow.
func TestImportedRowsOutOfRange(t *testing.T) {
	t.Parallel()
	at := func(start, end int64, ttft float64) Row { return Row{Start: &start, End: &end, TTFT: &ttft} }
	for _, row := range []Row{
		at(math.MinInt64, math.MinInt64+1, 1), at(math.MaxInt64-1, math.MaxInt64, 1),
		at(math.MinInt64, math.MaxInt64, 1),
		at(0, 1e9, math.NaN()), at(0, 1e9, -1), at(0, 1e9, 1e300),
	} {
		run := newRun(Options{})
		run.Origin = "aiperf"
		if err := addRow(run, &row, ""); err == nil {
			t.Errorf("start %d, end %d, TTFT %v: accepted", *row.Start, *row.End, *row.TTFT)
		}
	}
}
