// Package llm registers the k6 extension: the module k6/x/llm, the output llm, the executor llm-arrival-rate, and the
// commands of `k6 x llm`. xk6 imports this package for this side effect. The code is in the packages below.
package llm

import (
	"strings"

	"go.k6.io/k6/v2/ext"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/output"
	"go.k6.io/k6/v2/subcommand"

	"github.com/seed-307b789f/xk6-llm/internal/version"
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
	stateVersion()
}

// stateVersion gives k6 the version that `k6 version` lists. k6 knows it of a module that was downloaded, and of no
// checkout.
func stateVersion() {
	for _, e := range ext.GetAll() {
		if strings.HasPrefix(e.Path, version.Module) {
			e.Path, e.Version = version.Module, version.Version()
		}
	}
}
