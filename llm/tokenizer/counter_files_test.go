package tokenizer

import (
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// modelFiles returns files by their names.
func modelFiles(files map[string]string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
}

// A model's files count the same with the byte-order mark and the line ends of Windows.
func TestFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/bpe-gpt2.json")
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, config := string(data), `{"bos_token": "<s>", "model_max_length": Infinity}`
	const template = "{{ bos_token }}\n{% for m in messages %}\n[{{ m.role }}]\n{{ m.content }}\n{% endfor %}\n"
	count := func(files map[string]string) int {
		t.Helper()
		c, err := ReadCounter(modelFiles(files))
		if err != nil {
			t.Fatal(err)
		}
		n, err := c.CountChat(json.RawMessage(`[{"role":"user","content":"a\nb"}]`), nil)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	want := count(map[string]string{TokenizerFile: tokenizer, ConfigFile: config, TemplateFile: template})
	windows := func(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") }
	if got := count(map[string]string{TokenizerFile: "\ufeff" + tokenizer, ConfigFile: windows(config),
		TemplateFile: windows(template)}); got != want {
		t.Errorf("got %d tokens, want %d", got, want)
	}
	old := strings.ReplaceAll(template, "\n", "\r")
	if got := count(map[string]string{TokenizerFile: tokenizer, ConfigFile: config, TemplateFile: old}); got != want {
		t.Errorf("old line ends: got %d tokens, want %d", got, want)
	}
	for _, name := range []string{TokenizerFile, ConfigFile, TemplateFile} {
		files := map[string]string{TokenizerFile: tokenizer, ConfigFile: config, TemplateFile: template}
		files[name] = "\xff\xfe{\x00}\x00"
		if _, err := ReadCounter(modelFiles(files)); err == nil ||
			!strings.Contains(err.Error(), "the file is UTF-16") {
			t.Errorf("%s in UTF-16: got %v", name, err)
		}
	}
}
