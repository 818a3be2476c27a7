// Package llm registers the k6 extension: the module k6/x/llm, the output llm, the executor llm-arrival-rate, and the
// commands of `k6 x llm`. xk6 imports this package for this side effect. The code is in the packages below.
package llm

import (
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/output"
	"go.k6.io/k6/v2/subcommand"

	"github.com/seed-307b789f/xk6-llm/llm"
	"github.com/seed-307b789f/xk6-llm/llm/command"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
	llmoutput "github.com/seed-307b789f/xk6-llm/llm/output"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func init() {
	module := llm.New()
	modules.Register("k6/x/llm", module)
	output.RegisterExtension("llm", llmoutput.New)
	lib.RegisterExecutorConfigType(record.ExecutorName, executor.NewConfigWith(module))
	subcommand.RegisterExtension("llm", command.New)
}
