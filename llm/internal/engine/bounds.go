package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// checkAllBounds refuses bounds that answers of a client's API do not have, of the client and of its classes.
func checkAllBounds(o *Options) error {
	if err := CheckBounds(o.API, o.SLO); err != nil {
		return invalid("slo", err)
	}
	for _, label := range slices.Sorted(maps.Keys(o.Classes)) {
		if err := CheckBounds(o.API, o.Classes[label].SLO); err != nil {
			return invalid("classes", fmt.Errorf("%q: class option \"slo\": %w", label, err))
		}
	}
	return nil
}

// CheckBounds refuses bounds on latencies that the answers of an API do not have. nil stands for no bounds.
func CheckBounds(d api.Dialect, given *record.Bounds) error {
	if given == nil || d.Output() == api.OutputText {
		return nil
	}
	kept, _ := slo.Of(*given)
	for _, b := range kept.Bounds {
		switch {
		case record.Concerns(b.Latency, d.Name(), false):
		case b.Latency == "first_audio", b.Latency == "rtf":
			return fmt.Errorf("%q is about sounds: answers of api %q have a latency, as in "+
				"{request_latency: '500ms'}", b.Latency, d.Name())
		case d.Output() == api.OutputSound:
			return fmt.Errorf("%q is about tokens, which only text has: speech has first_audio, rtf and a latency, as "+
				"in {first_audio: '300ms'}", b.Latency)
		default:
			return fmt.Errorf("%q is about tokens, which only text has: other answers have a "+
				"latency, as in {request_latency: '500ms'}", b.Latency)
		}
	}
	return nil
}

// settleSLO reads the bounds in the headers. They replace the bounds of the option slo.
func (o *Options) settleSLO() error {
	if o.SLOHeaders == nil {
		return nil
	}
	var own record.Bounds
	if o.SLO != nil {
		own = *o.SLO
	}
	bounds, err := o.SLOHeaders.Bounds(o.Headers, own)
	if bounds != own {
		o.headerSLO = &bounds
	}
	return err
}

// applyBounds sets the bounds of a request, and whether the request kept them. As in inference-perf, bounds in headers
// apply to streamed answers with content. They also apply to failures, so that failures count as not good. Bounds of
// the request's own class, if there are any, replace all others.
func (o *Options) applyBounds(r *record.Request, own *record.Bounds) {
	bounds := cmp.Or(own, o.SLO)
	if own == nil && o.headerSLO != nil && r.Streaming && (r.Failed() || len(r.Chunks) > 0) {
		bounds = o.headerSLO
	}
	if bounds != nil && bounds.Concern(r) { // bounds on tokens say nothing about a sound
		r.SLO, r.Good = bounds, new(r.Meets(*bounds))
	}
}
