package llm_test

import (
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A program that builds its own k6 registers the module under its import path. One module serves the process: its VUs
// share connections, data sets and tokenizers. The executor calls BeforeLoad before its first arrival.
func ExampleNew() {
	module := llm.New()
	modules.Register("k6/x/llm", module)
	lib.RegisterExecutorConfigType(record.ExecutorName, executor.NewConfigWith(module))
}
