package run

import (
	"encoding/json"
	"fmt"
	"math"
)

// warmupCount is what is known of a warm-up whose requests are not among those of a report.
type warmupCount struct {
	Stage    int      `json:"stage"`
	Requests int      `json:"requests"`
	Failed   int      `json:"failed"`
	First    *float64 `json:"ttft_first"` // null if unknown
	Last     *float64 `json:"ttft_last"`
}

// WarmupCounts returns what was sent in the warm-ups of a run, for [WarmupsKey]: "" if there were none.
func WarmupCounts(r *Run) string {
	var list []warmupCount
	for _, w := range r.Warmups {
		list = append(list, warmupCount{w.Plan.Index, w.Requests, w.Failed, finite(w.First), finite(w.Last)})
	}
	if list == nil {
		return ""
	}
	text, _ := json.Marshal(list) // finite numbers alone
	return string(text)
}

func finite(seconds float64) *float64 {
	if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
		return nil
	}
	return &seconds
}

// addWarmupCounts reads what WarmupCounts returned.
func addWarmupCounts(r *Run, text string) error {
	var list []warmupCount
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	for _, c := range list {
		if c.Failed < 0 || c.Failed > c.Requests {
			return fmt.Errorf("stage %d: %d of %d requests failed", c.Stage, c.Failed, c.Requests)
		}
	}
	r.warmupCounts = append(r.warmupCounts, list...)
	return nil
}

// addTo adds the requests to those of a warm-up. Medians of several instances do not add up.
func (c warmupCount) addTo(w *WarmupStage) {
	if w.Requests == 0 {
		w.First, w.Last = orNaN(c.First), orNaN(c.Last)
	} else if c.Requests > 0 {
		w.First, w.Last = math.NaN(), math.NaN()
	}
	w.Requests, w.Failed = w.Requests+c.Requests, w.Failed+c.Failed
}

func orNaN(seconds *float64) float64 {
	if seconds == nil {
		return math.NaN()
	}
	return *seconds
}
