package convert

import "github.com/seed-307b789f/xk6-llm/convert/run"

// Speech sums up the successes of the API speech, whose answers are sounds.
type Speech struct {
	Answered
}

// newSpeech returns the figures of the successes of the API.
func newSpeech(g *subset, ok []*run.Request) *Speech { return &Speech{Answered: g.answered(ok)} }

func (*Speech) rates() []string  { return nil }
func (*Speech) sentence() string { return "" }
func (*Speech) warn(*warner)     {}
