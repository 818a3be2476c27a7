package foreign_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
)

func ExampleReader() {
	f, err := os.Open("testdata/vllm/0.33.0.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = f.Close() }()
	src := bufio.NewReaderSize(f, 1<<16)
	head, _ := src.Peek(1 << 12)
	r, err := foreign.Open(src, foreign.Detect(head))
	for n := 0; err == nil && n < 3; n++ {
		var q *foreign.Request
		if q, err = r.Next(); err == nil {
			fmt.Printf("%.3f s, %d chunks, %q\n", q.End-q.Start, len(q.AppendOffsets(nil)), q.ErrorMessage)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Println(err)
	}
	fmt.Println(r.Meta().Format, *r.Meta().Stages[0].Rate)
	// Output:
	// 0.049 s, 5 chunks, ""
	// 0.049 s, 5 chunks, ""
	// 0.000 s, 0 chunks, "Internal Server Error"
	// vllm bench serve 20
}
