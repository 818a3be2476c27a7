package record_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Every line of a record file is read by the same Reader; a line that cannot be read is an error that names it, and
// reading goes on after it.
func ExampleReader() {
	file := strings.NewReader(`{"type":"request","request_id":"a","index":0,"seq":0,"streaming":true,` +
		`"start_ns":1000000000,"end_ns":1300000000,"chunks_us":[100000,200000,300000]}
{"type":"request"
{"type":"end","status":"finished","end_ns":1400000000}
`)
	for r := record.NewReader(file, "run.jsonl"); ; {
		line, err := r.Next()
		var syntax *record.SyntaxError
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &syntax):
			fmt.Println("skipped line", syntax.Line)
			continue
		case err != nil:
			fmt.Println(err)
			return
		}
		switch line := line.(type) {
		case *record.Request:
			ttft, _ := line.TTFT()
			counts := line.Counts()
			tpot, _ := line.TPOT(counts)
			fmt.Printf("%s: TTFT %v, TPOT %v, %d tokens by %s\n", line.ID, ttft, tpot, counts.Completion,
				counts.CompletionSource)
		case *record.End:
			fmt.Println(line.Status)
		}
	}
	// Output:
	// a: TTFT 100ms, TPOT 100ms, 3 tokens by chunks
	// skipped line 2
	// finished
}
