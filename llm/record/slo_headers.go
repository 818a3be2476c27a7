package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// SLOHeaders are the request headers that tell a server, or a gateway before it, the bounds of a request. Judging
// requests by them is inference-perf's idea, and so are their default names and the value "default", which means no
// bound.
type SLOHeaders struct {
	Unit string // unit of the values: "s", "ms" or "us" in any case; "" means ms
	TTFT string // "" means x-slo-ttft-<unit>
	TPOT string // "" means x-slo-tpot-<unit>
}

// headerUnits are the units that the headers' values can have.
var headerUnits = []string{"s", "ms", "us"}

// Named returns the headers with the defaults written out, or an error for an unknown unit.
func (h SLOHeaders) Named() (SLOHeaders, error) {
	if h.Unit = strings.ToLower(h.Unit); h.Unit == "" {
		h.Unit = "ms"
	}
	if !slices.Contains(headerUnits, h.Unit) {
		return h, fmt.Errorf("unknown unit %q, known are %s", h.Unit, strings.Join(headerUnits, ", "))
	}
	if h.TTFT == "" {
		h.TTFT = "x-slo-ttft-" + h.Unit
	}
	if h.TPOT == "" {
		h.TPOT = "x-slo-tpot-" + h.Unit
	}
	return h, nil
}

// Bounds returns b with the bounds in the headers replacing its own. It compares the names of headers without case, and
// no error contains their values.
func (h SLOHeaders) Bounds(headers map[string]string, b Bounds) (Bounds, error) {
	h, err := h.Named()
	if err != nil {
		return b, err
	}
	perMS := map[string]float64{"s": 1e-3, "ms": 1, "us": 1e3}[h.Unit]
	for name, value := range headers {
		value = strings.TrimSpace(value)
		isTTFT, isTPOT := strings.EqualFold(name, h.TTFT), strings.EqualFold(name, h.TPOT)
		if err := h.misread(name); err != nil && !isTTFT && !isTPOT {
			return b, err
		}
		if !isTTFT && !isTPOT || value == "default" {
			continue
		}
		limit, err := strconv.ParseFloat(value, 64)
		ms := limit / perMS
		if _, long := timespan.Milliseconds(ms); err != nil || long != nil || !(ms > 0) {
			return b, fmt.Errorf(`the value of header %q must be a positive number of %s, or "default"`, name, h.Unit)
		}
		if isTTFT {
			b.TTFT = ms
		}
		if isTPOT {
			b.TPOT = ms
		}
	}
	return b, nil
}

// Check returns the error of Bounds for the headers that all requests have.
func (h SLOHeaders) Check(headers map[string]string) error {
	_, err := h.Bounds(headers, Bounds{})
	return err
}

// misread returns an error for a header that looks like a bound, as x-slo-<latency>-<unit>, but is not one of the
// headers in force. It leaves a header to the server if another header replaces it.
func (h SLOHeaders) misread(name string) error {
	rest, isSLO := strings.CutPrefix(strings.ToLower(name), "x-slo-")
	i := strings.LastIndexByte(rest, '-')
	if !isSLO || i < 0 || !slices.Contains(headerUnits, rest[i+1:]) {
		return nil
	}
	switch latency := rest[:i]; {
	case latency == "ttft" && h.TTFT != "x-slo-ttft-"+h.Unit, latency == "tpot" && h.TPOT != "x-slo-tpot-"+h.Unit:
		return nil
	case latency == "ttft", latency == "tpot":
		return fmt.Errorf("header %q is not read: bounds are in %s, of the headers %s and %s", name, h.Unit, h.TTFT,
			h.TPOT)
	default:
		return fmt.Errorf("header %q: no bound is read from it, known are %s and %s", name, h.TTFT, h.TPOT)
	}
}
