// Package llm registers the k6 extension: the module k6/x/llm and the output llm. Everything lives in the
// packages below; xk6 imports this one for its side effect.
package llm

import (
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/llm"
	llmoutput "github.com/seed-307b789f/xk6-llm/llm/output"
)

func init() {
	modules.Register("k6/x/llm", llm.New())
	output.RegisterExtension("llm", llmoutput.New)
}
