package convert

import (
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// WarmUp is a stage that was a warm-up as a whole: it is in no figure. Times are seconds.
type WarmUp struct {
	Stage       int    `json:"stage"`
	UntilStable bool   `json:"until_stable"` // it was to last until the server is stable
	Status      string `json:"status"`       // as of stages in the records; "" if nobody recorded it
	Seconds     Maybe  `json:"seconds"`      // how long it was sent; null if unknown
	Requests    int    `json:"requests"`
	Failed      int    `json:"failed"`
	// the median TTFT of the first eighth of the answers and of the last; null if unknown
	FirstTTFT Maybe `json:"ttft_first"`
	LastTTFT  Maybe `json:"ttft_last"`
}

func newWarmUps(r *run.Run) (list []WarmUp) {
	for _, w := range r.Warmups {
		seconds := Maybe(w.Seconds)
		if w.Seconds == 0 {
			seconds = Maybe(unknown)
		}
		list = append(list, WarmUp{Stage: w.Plan.Index, UntilStable: w.Plan.WarmupStage == record.WarmupUntilStable,
			Status: w.Status, Seconds: seconds, Requests: w.Requests, Failed: w.Failed, FirstTTFT: Maybe(w.First),
			LastTTFT: Maybe(w.Last)})
	}
	return list
}

// warnOfWarmups says which warm-ups ended before the server was stable, and which had failures alone.
func (w *warner) warnOfWarmups(r *run.Run) {
	for _, s := range r.Warmups {
		failed := s.Requests > 0 && s.Failed == s.Requests
		w.warn(failed, "every request of the warm-up failed (stage %d)", s.Plan.Index)
		w.warn(!failed && s.Unstable() && s.Status != "", "the server did not become stable in the warm-up (%s): what "+
			"follows may still change over time", s.Sent())
	}
}
