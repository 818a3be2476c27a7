package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// sample is what a window of requests tells of one objective.
type sample struct {
	findings []finding // of the requests that it judges, in the order of their due instants
	kept     int
	unknown  int // requests whose answer may yet keep the objective or not
}

// effective returns to how many independent requests those of the sample amount for a bound with error alpha.
func (s sample) effective(alpha float64) float64 {
	n := float64(len(s.findings))
	blocks := blocksOf(len(s.findings))
	if blocks < 2 {
		return n
	}
	kept := make([]float64, len(s.findings))
	for i, m := range s.findings {
		if m.kept {
			kept[i] = 1
		}
	}
	design := max(1, dependence(kept, blocks), dependence(ranks(s.findings), blocks))
	return n / design * studentized(alpha, blocks)
}

// studentized returns by how much a variance that is only estimated, from so many blocks, widens a bound: the squared
// ratio of the normal's quantile to Student's.
func studentized(alpha float64, blocks int) float64 {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(blocks - 1)}
	r := distuv.UnitNormal.Quantile(1-alpha) / t.Quantile(1-alpha)
	return r * r
}

// bounds returns bounds on the true share, each with error alpha.
func (s sample) bounds(alpha float64) (lower, upper float64) {
	n := float64(len(s.findings) + s.unknown)
	if len(s.findings) == 0 {
		return 0, 1
	}
	effective := s.effective(alpha) * n / float64(len(s.findings))
	lower, _ = clopperPearson(float64(s.kept)/n, effective, alpha)
	_, upper = clopperPearson(float64(s.kept+s.unknown)/n, effective, alpha)
	return lower, upper
}

// clopperPearson returns the exact bounds of Clopper & Pearson (1934) on the probability of an event that made up a
// share of n independent trials, each with error alpha. n need not be an integer: Korn & Graubard (1998) take these
// bounds at the number of independent trials to which the dependent ones amount.
func clopperPearson(share, n, alpha float64) (lower, upper float64) {
	k := share * n
	lower, upper = 0, 1
	if share > 0 {
		lower = distuv.Beta{Alpha: k, Beta: n - k + 1}.Quantile(alpha)
	}
	if share < 1 {
		upper = distuv.Beta{Alpha: k + 1, Beta: n - k}.Quantile(1 - alpha)
	}
	return lower, upper
}

// blocksOf returns into how many blocks a sample is cut.
func blocksOf(n int) int { return min(n, 20) }

// dependence returns the design effect of a series: by how much the variance of its mean exceeds that of as many
// independent values. It cuts the series into blocks (batch means, Schmeiser 1982). What dependence is left between the
// means of blocks is taken as that of an autoregressive process, as in ASAP3 (Steiger et al. 2005).
func dependence(series []float64, blocks int) float64 {
	size := len(series) / blocks
	series = series[len(series)-size*blocks:]
	_, within := moments(series)
	means := make([]float64, blocks)
	for i := range means {
		means[i], _ = moments(series[i*size : (i+1)*size])
	}
	mean, between := moments(means)
	if within == 0 || between == 0 {
		return 1
	}
	lag := 0.0
	for i := 1; i < blocks; i++ {
		lag += (means[i] - mean) * (means[i-1] - mean)
	}
	phi := lag/(float64(blocks-1)*between) + 1/float64(blocks)
	phi = min(max(phi, 0), 0.9)
	return float64(size) * between / within * (1 + phi) / (1 - phi)
}

// moments returns the mean of the values and their variance.
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(max(len(values)-1, 1))
}

// ranks returns the ranks of the margins; equal margins share theirs.
func ranks(findings []finding) []float64 {
	order := make([]int, len(findings))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case findings[a].margin < findings[b].margin:
			return -1
		case findings[a].margin > findings[b].margin:
			return 1
		}
		return 0
	})
	out := make([]float64, len(findings))
	for i := 0; i < len(order); {
		k := i + 1
		for k < len(order) && findings[order[k]].margin == findings[order[i]].margin {
			k++
		}
		for _, at := range order[i:k] {
			out[at] = float64(i+k-1) / 2
		}
		i = k
	}
	return out
}

// decide compares bounds of the true share with the one that is needed.
func decide(o slo.Objective, lower, upper float64) (passes, fails bool) {
	need := needed(o)
	passes = lower > need || lower == need && !o.Strict
	fails = upper < need || upper == need && o.Strict
	return passes && !math.IsNaN(lower), fails && !math.IsNaN(upper)
}
