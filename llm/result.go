package llm

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// result is the result of a request in a script. Times are in milliseconds; undefined values are null (nil).
type result struct {
	Text             string    `js:"text"`
	Error            any       `js:"error"`
	ErrorType        any       `js:"errorType"`
	Status           int       `js:"status"` // 0 without an answer
	FinishReason     any       `js:"finishReason"`
	TTFT             any       `js:"ttft"`
	TPOT             any       `js:"tpot"`
	NTPOT            any       `js:"ntpot"`
	Latency          float64   `js:"latency"`
	ITL              []float64 `js:"itl"`
	PromptTokens     any       `js:"promptTokens"`
	CompletionTokens any       `js:"completionTokens"`
	ScheduleDelay    any       `js:"scheduleDelay"`
	Good             any       `js:"good"`
	Retries          int       `js:"retries"` // attempts beyond the first
	RequestID        string    `js:"requestID"`
	Model            string    `js:"model"`
	Label            any       `js:"label"`        // the class of the request
	Inputs           any       `js:"inputs"`       // texts or documents sent
	VectorLength     any       `js:"vectorLength"` // numbers in each vector
	Scores           any       `js:"scores"`       // how many came
	TimeToFirstAudio any       `js:"timeToFirstAudio"`
	AudioSeconds     any       `js:"audioSeconds"`   // of the speech that came, or of the file sent
	RealTimeFactor   any       `js:"realTimeFactor"` // latency / audioSeconds
	Media            any       `js:"media"`          // pictures or the video of the answer
	PollBound        any       `js:"pollBound"`      // by how much less than latency a video may have taken
}

// newResult returns the result of an answer. It takes the counts because reading them parses the server's usage, and
// the caller has read them already.
func newResult(a client.Answer, c record.Counts) *result {
	r := a.Record
	res := &result{
		Text: a.Shown, Error: orNull(plain.Lines(r.Error)), ErrorType: orNull(r.ErrorType), Status: r.Status,
		FinishReason: orNull(r.FinishReason),
		TTFT:         msOrNull(r.TTFT()), TPOT: msOrNull(r.TPOT(c)), NTPOT: msOrNull(r.NTPOT(c)),
		Latency:          ms(r.Latency()),
		PromptTokens:     countOrNull(c.Prompt, c.PromptSource),
		CompletionTokens: countOrNull(c.Completion, c.CompletionSource),
		ScheduleDelay:    msOrNull(r.ScheduleDelay()), Retries: r.Retries, RequestID: r.ID, Model: r.Model,
	}
	res.Inputs, res.VectorLength, res.Scores = knownOrNull(r.Inputs), knownOrNull(r.VectorLength), knownOrNull(r.Scores)
	res.Label = orNull(r.Label)
	res.setSound(r)
	res.setVisual(r)
	if r.Good != nil {
		res.Good = *r.Good
	}
	gaps := r.AppendITL(make([]time.Duration, 0, len(r.Chunks)))
	res.ITL = make([]float64, len(gaps))
	for i, gap := range gaps {
		res.ITL[i] = ms(gap)
	}
	return res
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func msOrNull(d time.Duration, known bool) any {
	if !known {
		return nil
	}
	return ms(d)
}

func countOrNull(n int, source record.Source) any {
	if source == record.NoSource {
		return nil
	}
	return n
}

func knownOrNull(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
