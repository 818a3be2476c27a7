package tokenizer

import (
	"os"
	"testing"
)

// BenchmarkRender writes the prompt of a chat with tools, which happens once per request.
func BenchmarkRender(b *testing.B) {
	source, err := os.ReadFile("testdata/templates/turns.jinja")
	if err != nil {
		b.Fatal(err)
	}
	tmpl, err := ParseTemplate(Files{Template: source})
	if err != nil {
		b.Fatal(err)
	}
	c := chatOf("call, null")
	for b.Loop() {
		if _, err := tmpl.Render(c); err != nil {
			b.Fatal(err)
		}
	}
}
