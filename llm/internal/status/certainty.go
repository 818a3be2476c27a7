package status

import (
	"math"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// Units of values: each is of a request of its own, or none is doubted, as they are no sample of the server's.
const (
	alone   = math.MaxInt64
	certain = -1
)

// certaintyLevel is the confidence of what is said of percentiles, which is the report's.
const certaintyLevel = 0.95

// doubt tells how a high quantile of a latency is printed: as it is, or with a sign if there are too few requests:
// about the value, or at least that of its interval's lower end if so few have no upper one. It takes requests for
// independent of each other, as no histogram tells otherwise, so the report may find too few where this finds enough.
// units is how many requests the values are of.
func (h *histogram) doubt(q float64, units int64) (sign string, value time.Duration, known bool) {
	value, known = h.quantile(q)
	if units == certain || !known || q < 0.9 {
		return "", value, known
	}
	if units = min(units, int64(h.n)); units >= quantile.Fewest && h.n >= uint64(quantile.Needs(q, certaintyLevel, 1)) {
		return "", value, true
	}
	if units >= int64(quantile.Needs(q, certaintyLevel, 1)) {
		return "~ ", value, true
	}
	// The values of a request may all be alike.
	design := float64(h.n) / float64(max(units, 1))
	low, _ := quantile.Ranks(int(h.n), q, certaintyLevel, design)
	if low < 0 {
		return "~ ", value, true
	}
	at, _ := h.ranked(uint64(low))
	return "≥ ", time.Duration(at * float64(time.Microsecond)), true
}

// signs explains the signs of a summary that has any, as the report's tables do.
const signs = "≥: at least this, too few requests for an upper bound; ~: about this"

// doubted returns a quantile of a latency as text, "" if there is none. units is how many requests the values are of.
func (s *summaryText) doubted(h *histogram, q float64, units int64, format func(time.Duration) string) string {
	sign, d, known := h.doubt(q, units)
	s.doubts = s.doubts || sign != ""
	if !known {
		return ""
	}
	return sign + format(d)
}
