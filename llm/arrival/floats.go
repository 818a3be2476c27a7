package arrival

import "math"

// Package math computes logarithms and exponentials that differ in the last bit between processors: some have them in
// assembly, and compilers may fuse a multiplication with an addition. A schedule must be the same everywhere, so ln and
// exp compute the classic series here, and convert each product to float64, which forbids fusing.

const (
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
)

// ln returns the natural logarithm of a positive finite number.
func ln(x float64) float64 {
	f, exp := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		exp--
	}
	f--
	// log(1+f) = 2s + 2s³/3 + 2s⁵/5 + … with s = f/(2+f), here s² ≤ 0.0295, so twelve terms are beyond float64.
	s := f / (2 + f)
	s2 := float64(s * s)
	sum := 0.0
	for k := 25; k >= 3; k -= 2 {
		sum = float64(sum*s2) + 2/float64(k)
	}
	k := float64(exp)
	return float64(k*ln2Hi) + (float64(s*2) + (float64(float64(sum*s2)*s) + float64(k*ln2Lo)))
}

// exp returns e to the power x.
func exp(x float64) float64 {
	k := math.Round(x / math.Ln2)
	r := float64(x-float64(k*ln2Hi)) - float64(k*ln2Lo) // |r| ≤ 0.35
	sum := 1.0
	for i := 18; i >= 1; i-- {
		sum = 1 + float64(float64(sum*r)/float64(i))
	}
	return math.Ldexp(sum, int(k))
}
