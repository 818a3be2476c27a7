package convert

import "github.com/seed-307b789f/xk6-llm/convert/run"

// Images sums up the successes of the API image, whose answers are pictures.
type Images struct {
	Answered
}

// newImages returns the figures of the successes of the API.
func newImages(g *subset, ok []*run.Request) *Images { return &Images{Answered: g.answered(ok)} }

func (*Images) rates() []string  { return nil }
func (*Images) sentence() string { return "" }
func (*Images) warn(*warner)     {}
