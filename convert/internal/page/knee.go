package page

import "math"

// The bend that a curve must have at least for its knee to be reported.
const (
	kneeDistance = 0.15 // distance of the farthest stage from the chord, where both axes go from 0 to 1
	kneeRise     = 1.5  // ratio of the highest latency to the lowest
)

// kneeMeaning explains the knee to readers of the page.
const kneeMeaning = "The knee is the stage farthest below the chord of the curve of latency against throughput, from " +
	"its lowest load to its highest latency, with both axes scaled to 0…1 (Kneedle). It is named from three stages " +
	"on, if it lies 0.15 below the chord at least and the latency rises by half at least."

// knee returns the index of the stage at which a latency begins to rise faster than the throughput, or -1 if there is
// none. With both scaled to 0…1, it is the stage with the largest x − y, the distance from the chord (Satopää et al.,
// Finding a "Kneedle" in a Haystack, 2011). Stages must be in the order of their rates. There is a knee only if there
// are at least three stages, the curve bends, and the knee is at neither end, because latencies that differ only by
// noise have none.
func knee(throughput, latency []float64) int {
	if len(throughput) < 3 {
		return -1
	}
	lowX, highX := bounds(throughput)
	lowY, highY := bounds(latency)
	if math.IsNaN(lowX+lowY) || highX <= lowX || lowY <= 0 || highY < kneeRise*lowY {
		return -1
	}
	best, at := kneeDistance, -1
	for i := range throughput {
		d := (throughput[i]-lowX)/(highX-lowX) - (latency[i]-lowY)/(highY-lowY)
		if d >= best {
			best, at = d, i
		}
	}
	if at == 0 || at == len(throughput)-1 {
		return -1
	}
	return at
}

// bounds returns the least and the largest number, or NaN if any number is NaN.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
