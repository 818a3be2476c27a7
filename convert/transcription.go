package convert

import "github.com/seed-307b789f/xk6-llm/convert/run"

// Transcription sums up the successes of the API transcription, which turns sounds into text.
type Transcription struct {
	Answered
}

// newTranscription returns the figures of the successes of the API.
func newTranscription(g *subset, ok []*run.Request) *Transcription {
	return &Transcription{Answered: g.answered(ok)}
}

func (*Transcription) rates() []string  { return nil }
func (*Transcription) sentence() string { return "" }
func (*Transcription) warn(*warner)     {}
