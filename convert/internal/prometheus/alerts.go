package prometheus

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Alert says that an alert began or ended to fire.
type Alert struct {
	Name string
	At   time.Time // of the first sample that shows it, up to a scrape interval late
	Ends bool
}

const (
	mostPoints = 10_000 // of a series, above 11,000 of which Prometheus refuses a query
	mostAlerts = 1000
)

// Alerts returns which alerts began or ended to fire within a window, in order of time. One that fires from the first
// sample on has no beginning. Samples are a second apart or more. It takes 5 s at most.
func (c *Prometheus) Alerts(ctx context.Context, s Settings, w Window) ([]Alert, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	span := w.End.Sub(w.Start)
	step := max(s.scrape(), time.Duration(math.Ceil(span.Seconds()/mostPoints))*time.Second)
	matchers := strings.Join(append([]string{"alertstate='firing'"}, s.Filters...), ",")
	request, err := c.get(ctx, "query_range", url.Values{
		"query": {fmt.Sprintf("max by (alertname) (ALERTS{%s})", matchers)}, "start": {epoch(w.Start)},
		"end": {epoch(w.End)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
	if err != nil {
		return nil, err
	}
	body, err := c.fetch(ctx, request)
	if err != nil {
		return nil, hide(err, request.Header)
	}
	list, err := parseAlerts(body, w, step)
	return list, hide(err, request.Header)
}

// parseAlerts reads the answer to a query over a range, whose instants are steps from the window's start.
func parseAlerts(body []byte, w Window, step time.Duration) (list []Alert, err error) {
	kind, result, err := resultOf(body)
	if err != nil {
		return nil, err
	}
	series := result.Array()
	if kind != "matrix" && len(series) > 0 {
		return nil, &fault{what: fmt.Sprintf("the answer is a %q, want a matrix", plain.Excerpt(kind))}
	}
	last := int64(w.End.Sub(w.Start) / step)
	for _, each := range series {
		name, before := each.Get("metric.alertname").String(), int64(-1) // the step of the sample before
		add := func(k int64, ends bool) {
			list = append(list, Alert{name, w.Start.Add(time.Duration(k) * step), ends})
		}
		each.Get("values").ForEach(func(_, pair gjson.Result) bool {
			k := int64(math.Round((pair.Get("0").Float() - seconds(w.Start)) / step.Seconds()))
			if k <= before || k > last || len(list) >= mostAlerts { // no answer of a Prometheus, or too much of one
				return k <= before && len(list) < mostAlerts
			}
			if k > before+1 {
				if before >= 0 {
					add(before+1, true)
				}
				add(k, false)
			}
			before = k
			return true
		})
		if before >= 0 && before < last && len(list) < mostAlerts {
			add(before+1, true)
		}
	}
	slices.SortStableFunc(list, func(a, b Alert) int { return a.At.Compare(b.At) })
	return list, nil
}
