package page

import "math"

// The least that a curve must bend for its knee to be named.
const (
	kneeDistance = 0.15 // of the farthest stage from the chord, where both axes go from 0 to 1
	kneeRise     = 1.5  // of the highest latency to the lowest
)

// kneeMeaning tells people what knee finds.
const kneeMeaning = "The knee is the stage farthest below the chord from the lowest rate to the highest latency, " +
	"with both axes scaled to 0…1 (Kneedle); it is named from three stages on, if it lies 0.15 below the chord at " +
	"least and the latency rises by half at least."

// knee finds the stage at which a latency begins to rise faster than the throughput, -1 if there is none: with both
// scaled to 0…1, the one of the largest x − y, which is how far it lies from the chord (Satopää et al., Finding a
// "Kneedle" in a Haystack, 2011). Stages are in order of their rate. There must be three, the curve must bend, and the
// knee be neither end: latencies that differ by noise alone have none.
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

// bounds are the least and the largest, NaN if any number is.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
