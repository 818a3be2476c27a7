package convert

import "github.com/seed-307b789f/xk6-llm/convert/run"

// Videos sums up the successes of the API video, whose answers are videos made by jobs.
type Videos struct {
	Answered
}

// newVideos returns the figures of the successes of the API.
func newVideos(g *subset, ok []*run.Request) *Videos { return &Videos{Answered: g.answered(ok)} }

func (*Videos) rates() []string  { return nil }
func (*Videos) sentence() string { return "" }
func (*Videos) warn(*warner)     {}
