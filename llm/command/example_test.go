package command_test

import (
	k6cmd "go.k6.io/k6/v2/cmd"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"
	k6output "go.k6.io/k6/v2/output"
	"go.k6.io/k6/v2/subcommand"

	"github.com/seed-307b789f/xk6-llm/llm"
	"github.com/seed-307b789f/xk6-llm/llm/command"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
	"github.com/seed-307b789f/xk6-llm/llm/output"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A program that builds its own k6 registers the module, the executor, the output and the command before it runs k6. An
// import of the module's root package does the same.
func Example() {
	module := llm.New()
	modules.Register("k6/x/llm", module)
	lib.RegisterExecutorConfigType(record.ExecutorName, executor.NewConfigWith(module))
	k6output.RegisterExtension("llm", output.New)
	subcommand.RegisterExtension("llm", command.New) // k6 x llm

	k6cmd.Execute()
}
