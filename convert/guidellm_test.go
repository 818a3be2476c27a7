package convert

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Results of every version of guidellm that streamed have TTFT, TPOT and the mean ITL of each request.
func TestGuideLLMHasTTFTAndITL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("internal/foreign/testdata/guidellm/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		r, err := run.ReadFiles(run.Options{}, file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		l, streamed := Summarize(r, Options{}).Additions.Latency, !strings.Contains(file, "unary")
		if (l.TTFT != nil) != streamed || (l.TPOT != nil) != streamed || (l.ITLMean != nil) != streamed {
			t.Errorf("%s: TTFT %v, TPOT %v, ITL %v, streamed %t", file, l.TTFT, l.TPOT, l.ITLMean, streamed)
		}
	}
}
