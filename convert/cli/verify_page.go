package cli

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/seed-307b789f/xk6-llm/convert/internal/page"
)

// pageOfFiles reports whether a page is that which the other files of its directory give, as analyze writes it.
func pageOfFiles(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	r, err := page.FromDir(filepath.Dir(path), nil)
	if err != nil {
		return false
	}
	var again bytes.Buffer
	err = page.Write(&again, []page.Run{r})
	return err == nil && bytes.Equal(again.Bytes(), text)
}
