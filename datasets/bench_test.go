package datasets

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// shareGPTFile returns a file in the shape of ShareGPT of about n bytes.
func shareGPTFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString("[\n")
	text := strings.Repeat("Shall I compare thee to a summer's day? Thou art more lovely\\nand more temperate: "+
		"\\\"rough\\\" winds. ", 8)
	for i := 0; b.Len() < n; i++ {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"id": "c%d", "conversations": [`, i)
		for turn := range 6 {
			if turn > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"from": %q, "value": "%s"}`, []string{"human", "gpt"}[turn%2],
				strings.TrimRight(text[:100+(i*37+turn*91)%600], `\`))
		}
		b.WriteString("]}")
	}
	b.WriteString("\n]\n")
	return b.Bytes()
}

func BenchmarkReadShareGPT(b *testing.B) {
	file := shareGPTFile(50 << 20)
	for _, form := range []Form{AsChat, AsCompletion} {
		b.Run(fmt.Sprint(form), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadShareGPT(bytes.NewReader(file), "f.json", Options{Form: form}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
