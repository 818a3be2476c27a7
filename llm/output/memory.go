package output

import (
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/llm/limits"
)

// checkMemory refuses a test whose VUs do not fit into the memory that is left. Outputs are made before the VUs, and are told
// of the scenarios of k6's own executors, which nothing else of ours is.
func checkMemory(params output.Params) error {
	tuple, err := lib.NewExecutionTuple(params.ScriptOptions.ExecutionSegment, params.ScriptOptions.ExecutionSegmentSequence)
	if err != nil {
		return err
	}
	vus := lib.GetMaxPlannedVUs(params.ScriptOptions.Scenarios.GetFullExecutionRequirements(tuple))
	return limits.CheckVUs(int64(vus), func(line string) { params.Logger.Warn(line) }) //nolint:gosec // far from overflow
}
