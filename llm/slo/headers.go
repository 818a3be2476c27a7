package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Headers are the request headers that tell a server, or a gateway before it, the bounds of a request. Judging requests by
// them is inference-perf's idea; so are the names they have by default and the value "default", which is no bound.
type Headers struct {
	Unit string // of the values: "s", "ms" or "us" in any case; "" for ms
	TTFT string // "" for x-slo-ttft-<unit>
	TPOT string // "" for x-slo-tpot-<unit>
}

// Named gives the headers with the defaults written out, or says that the unit is none.
func (h Headers) Named() (Headers, error) {
	switch h.Unit = strings.ToLower(h.Unit); h.Unit {
	case "":
		h.Unit = "ms"
	case "s", "ms", "us":
	default:
		return h, fmt.Errorf("unknown unit %q, known are s, ms, us", h.Unit)
	}
	if h.TTFT == "" {
		h.TTFT = "x-slo-ttft-" + h.Unit
	}
	if h.TPOT == "" {
		h.TPOT = "x-slo-tpot-" + h.Unit
	}
	return h, nil
}

// Bounds gives b with the bounds of the headers in place of its own. The headers' names are compared without case; their
// values are in no error.
func (h Headers) Bounds(headers map[string]string, b record.Bounds) (record.Bounds, error) {
	h, err := h.Named()
	if err != nil {
		return b, err
	}
	perMS := map[string]float64{"s": 1e-3, "ms": 1, "us": 1e3}[h.Unit]
	for name, value := range headers {
		value = strings.TrimSpace(value)
		isTTFT, isTPOT := strings.EqualFold(name, h.TTFT), strings.EqualFold(name, h.TPOT)
		if !isTTFT && !isTPOT || value == "default" {
			continue
		}
		limit, err := strconv.ParseFloat(value, 64)
		if err != nil || limit <= 0 || math.IsInf(limit, 0) || math.IsNaN(limit) {
			return b, fmt.Errorf(`the value of header %q must be a positive number of %s, or "default"`, name, h.Unit)
		}
		if isTTFT {
			b.TTFT = limit / perMS
		}
		if isTPOT {
			b.TPOT = limit / perMS
		}
	}
	return b, nil
}
