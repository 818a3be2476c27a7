package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// findTokenize returns the URL of an endpoint that counts the tokens of a text for a model, "" if there is none.
func (w *wire) findTokenize(ctx context.Context, at place, model string) string {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	for _, url := range tokenizeURLs(at) {
		if n, err := w.tokenize(ctx, url, model, "one two three"); err == nil && n > 0 {
			return url
		}
	}
	return ""
}

// tokenizeURLs returns where a server may count tokens: beside the root of its API, and below it.
func tokenizeURLs(at place) []string {
	beside := *at.root
	beside.Path, beside.RawPath = strings.TrimSuffix(beside.Path, "/v1"), strings.TrimSuffix(beside.RawPath, "/v1")
	list := []string{below(&beside, "/tokenize")}
	if other := below(at.root, "/tokenize"); other != list[0] {
		list = append(list, other)
	}
	return list
}

// tokenize asks a server to count the tokens of a text, without special tokens. The names of the fields are those of
// vLLM and SGLang, llama.cpp and TGI at once: each ignores the others'.
func (w *wire) tokenize(ctx context.Context, url, model, text string) (int, error) {
	body, err := json.Marshal(map[string]any{
		"model": model, "prompt": text, "content": text, "inputs": text,
		"add_special_tokens": false, "add_special": false,
	})
	if err != nil {
		return 0, err
	}
	answer, err := w.fetch(ctx, url, body, maxPage)
	if err != nil {
		return 0, err
	}
	if !answer.ok() {
		return 0, fmt.Errorf("status %d (%s)", answer.status, w.hide(answer.words()))
	}
	return countTokens(answer.body, len(text))
}

// errNoCount reports an answer without a count of tokens.
var errNoCount = errors.New("the answer has no number of tokens")

// countTokens reads the number of tokens of a text of so many bytes: {"count": 3}, {"tokens": […]}, or the list alone.
func countTokens(answer []byte, size int) (int, error) {
	if !json.Valid(answer) {
		return 0, errNoCount
	}
	all := gjson.ParseBytes(answer)
	count, list := all.Get("count"), all.Get("tokens")
	if all.IsArray() {
		list = all
	}
	n := 0
	switch {
	case count.Type == gjson.Number && count.Num == float64(int(count.Num)):
		n = int(count.Num)
	case list.IsArray():
		n = len(list.Array())
	}
	if n < 1 || n > size+maxSpecial {
		return 0, errNoCount
	}
	return n, nil
}

// maxSpecial is how many tokens a server may put around a text although it was asked not to.
const maxSpecial = 8
