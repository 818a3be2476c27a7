package executor

import (
	"github.com/seed-307b789f/xk6-llm/convert"
	records "github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// verdict judges this load generator by the requests of a probe, as reports do, but for latencies that no objective
// bounds. stage is the line of the probe's stage.
func (p *probe) verdict(scenario string, stage record.Stage, about []slo.Objective) (verdict string, reasons []string) {
	lines := p.runOf(scenario, stage)
	if p.beat != nil {
		lines = append(lines, p.beat)
	}
	lines = append(lines, &p.end)
	r, err := records.FromLines(records.Options{}, records.Instance{Lines: lines})
	if err != nil {
		return convert.Invalid, []string{err.Error()}
	}
	health := convert.JudgeClient(r, about)
	return health.Verdict, health.Reasons
}

// runOf returns the lines of a run that consists of the probe alone.
func (p *probe) runOf(scenario string, stage record.Stage) []record.Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := stage
	plan.Start, plan.End, plan.Status = 0, 0, ""
	load := record.Scenario{Name: scenario, Executor: record.ExecutorName, Stages: []record.Stage{plan}}
	head := &record.Run{
		Schema: record.Schema, ID: "probe", Segment: "0:1", Start: stage.Start, Scenarios: []record.Scenario{load},
	}
	lines := append([]record.Line{head, &stage}, p.lines...)
	p.lines = nil // nobody needs them any more
	return lines
}
