package datasets

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// insides are words that only a programmer can understand.
var insides = regexp.MustCompile(`runtime error|panic|goroutine|nil pointer|bounds out|index ` +
	`out|makeslice|reflect|interface conversion|\.go:`)

// damaged reads a Parquet file that may be damaged.
func damaged(t *testing.T, content string) {
	t.Helper()
	for _, kind := range []Kind{CNNDailyMail, Prompts} {
		file := File{Name: "f.parquet", Open: func() (io.ReadCloser, error) {
			return readerAt{bytes.NewReader([]byte(content))}, nil
		}}
		_, err := Read([]File{file}, kind, Options{})
		if err != nil && (insides.MatchString(err.Error()) || strings.Contains(err.Error(), "\n") ||
			len(err.Error()) > 600) {
			t.Errorf("%d bytes: got %.600v", len(content), err)
		}
	}
}

// readerAt is a file with the methods that the Parquet reader needs.
type readerAt struct{ *bytes.Reader }

func (readerAt) Close() error { return nil }

// conversationsFile returns a file with lists, optional columns and a dictionary.
func conversationsFile(t testing.TB) string {
	t.Helper()
	type message struct {
		Role    string  `parquet:"role,dict"`
		Content *string `parquet:"content,optional"`
	}
	type row struct {
		Messages []message `parquet:"messages,list"`
		Score    float64   `parquet:"score,snappy"`
	}
	text := "What is it?"
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	if _, err := w.Write([]row{{[]message{{"user", &text}, {"assistant", &text}}, 1},
		{[]message{{"user", &text}, {"assistant", nil}}, 2}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A file that is cut, or has one byte changed, returns records or an error that its user can understand.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	for _, whole := range []string{articles(t), conversationsFile(t)} {
		for i := range len(whole) {
			damaged(t, whole[:i])
			damaged(t, whole[:i]+whole[i+1:])
			for _, other := range []byte{0, 0xff, whole[i] ^ 1, whole[i] ^ 0x80} {
				damaged(t, whole[:i]+string([]byte{other})+whole[i+1:])
			}
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add(articles(f))
	f.Add(conversationsFile(f))
	f.Fuzz(func(t *testing.T, content string) { damaged(t, content) })
}
