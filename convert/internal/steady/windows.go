package steady

import "math"

// windows compares windows of a part of n blocks with the rest of it: for an epidemic change (Levin & Kline 1985), as
// circular binary segmentation does (Olshen et al. 2004).
type windows struct {
	t       *tester
	from, n int
	all     float64 // mean of the part
	// The standard deviation of the blocks, and the correlation of neighbours.
	scale, r float64
}

func (t *tester) windows(from, to int) windows {
	scale, r := t.noise(from, to)
	return windows{t, from, to - from, t.mean(from, to), scale, r}
}

// noise returns the standard deviation of a part, and the correlation of neighbours.
func (t *tester) noise(from, to int) (scale, r float64) {
	n, mean := float64(to-from), t.mean(from, to)
	own := t.squares[to] - t.squares[from] - n*mean*mean
	if own <= 1e-12*n {
		return 0, 0
	}
	// The sum of (y[i]-mean)(y[i-1]-mean).
	sum := t.sums[to] - t.sums[from]
	neighbours := t.products[to] - t.products[from+1] - mean*(2*sum-t.y[from]-t.y[to-1]) + (n-1)*mean*mean
	return math.Sqrt(own / (n - 1)), unbiased(neighbours/own, n)
}

// differs reports whether the window of k blocks has another level than the rest.
func (w windows) differs(at, k int) bool {
	difference := w.difference(at, k)
	return difference > w.t.relevantOf(min(k, w.n-k)) && difference > w.far(k)
}

// relevantOf returns what difference of a window of k blocks matters: a request or two on the other side of an edge do
// not.
func (t *tester) relevantOf(k int) float64 { return max(relevant, slipped*t.unit/float64(k)) }

func (w windows) difference(at, k int) float64 {
	inside := w.t.mean(w.from+at, w.from+at+k)
	outside := (w.all*float64(w.n) - inside*float64(k)) / float64(w.n-k)
	return math.Abs(inside - outside)
}

// far returns by how much a window of k blocks has to differ from the rest.
func (w windows) far(k int) float64 {
	return max(relevant, farWindow*w.scale*math.Sqrt(varianceOf(k, w.r)+varianceOf(w.n-k, w.r)))
}

// varianceOf returns the variance of the mean of k blocks, whose own is 1 and whose correlation is that of an
// autoregressive process.
func varianceOf(k int, r float64) float64 {
	size := float64(k)
	return ((1+r)/(1-r) - 2*r*(1-math.Pow(r, size))/(size*(1-r)*(1-r))) / size
}
