package tokenizer_test

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

func Example() {
	tok, err := tokenizer.Load("testdata/bpe-llama3.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	ids := tok.Encode("Shall I compare thee to a summer's day?")
	fmt.Println(len(ids), tok.Count("Shall I compare thee to a summer's day?"),
		tok.CountSpecial("Shall I compare thee to a summer's day?"))
	fmt.Println(tok.Decode(ids, false))
	// Output:
	// 10 10 11
	// Shall I compare thee to a summer's day?
}
