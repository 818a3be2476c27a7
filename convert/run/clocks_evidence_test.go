package run

import (
	"strings"
	"testing"
)

func TestEvidenceOfClocks(t *testing.T) {
	t.Parallel()
	start := func(n int64) *int64 { return &n }
	for _, tt := range []struct {
		name        string
		e           evidence
		ahead, late int64
	}{
		{"no evidence", evidence{}, 0, 0},
		{"the schedule alone", evidence{start: start(20)}, 20, 0},
		{"within the tolerance", evidence{start: start(-9)}, 0, 0},
		{"both agree", evidence{start: start(20), server: &span{18, 25}}, 20, 0},
		{"the clocks agree", evidence{start: start(20), server: &span{-2, 2}}, 0, 20},
		{"the server leaves a wide range", evidence{start: start(20), server: &span{-50, 50}}, 20, 0},
		{"late and ahead", evidence{start: start(30), server: &span{18, 22}}, 22, 0},
		{"much later and ahead", evidence{start: start(50), server: &span{18, 22}}, 22, 28},
		{"servers of several clocks", evidence{start: start(0), server: &span{18, 22}}, 0, 0},
		{"the server alone", evidence{server: &span{18, 22}}, 20, 0},
		{"the server alone, with a wide range", evidence{server: &span{-18, 62}}, 0, 0},
		{"in a long run", evidence{start: start(2e9)}, 2e9, 0},
		{"late in a long run", evidence{start: start(2e9), server: &span{-1e8, 1e8}}, 0, 0},
		{"first requests", evidence{start: start(2e9), rough: true}, 2e9, 0},
		{"first requests of about a second", evidence{start: start(9e8), rough: true}, 0, 0},
	} {
		tolerance := int64(10)
		if strings.Contains(tt.name, "long") {
			tolerance = 72 * second
		}
		if ahead, late := tt.e.settle(tolerance); ahead != tt.ahead || late != tt.late {
			t.Errorf("%s: ahead %d, late %d; want %d, %d", tt.name, ahead, late, tt.ahead, tt.late)
		}
	}
}
