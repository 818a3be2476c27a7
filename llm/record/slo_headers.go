package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// SLOHeaders are the request headers that tell a server, or a gateway before it, the bounds of a request. Judging
// requests by them is inference-perf's idea; so are the names they have by default and the value "default", which is no
// bound.
type SLOHeaders struct {
	Unit string // of the values: "s", "ms" or "us" in any case; "" for ms
	TTFT string // "" for x-slo-ttft-<unit>
	TPOT string // "" for x-slo-tpot-<unit>
}

// headerUnits are those of the headers' values.
var headerUnits = []string{"s", "ms", "us"}

// Named gives the headers with the defaults written out, or says that the unit is none.
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

// Bounds gives b with the bounds of the headers in place of its own. The headers' names are compared without case;
// their values are in no error.
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

// Check is the error of Bounds for the headers of all requests.
func (h SLOHeaders) Check(headers map[string]string) error {
	_, err := h.Bounds(headers, Bounds{})
	return err
}

// misread is an error for a header that reads like one of a bound, as x-slo-<latency>-<unit>, and is none of those in
// force. One that another header stands in for is left to the server.
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
