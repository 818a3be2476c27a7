package executor_test

import (
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
)

// A program that embeds k6 registers the executor before it reads options. Its scenarios then name it as their
// executor: {executor: 'llm-arrival-rate', stages: [{rate: 5, duration: '30s'}]}.
func ExampleNewConfigWith() {
	module := llm.New() // also registered as k6/x/llm
	lib.RegisterExecutorConfigType("llm-arrival-rate", executor.NewConfigWith(module))
}
