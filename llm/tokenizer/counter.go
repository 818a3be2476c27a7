package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Counter is a model's tokenizer together with its chat template: it counts prompts as the server does. It may be used
// concurrently.
type Counter struct {
	*Tokenizer
	template *Template
	problem  error // why there is no template

	mu       sync.Mutex
	words    map[int]words // words found, by the number asked for
	reported map[string]bool
}

type words struct {
	list []string
	err  error
}

// The files of a model that determine how it counts. All but the first may be missing.
const (
	TokenizerFile = "tokenizer.json"
	ConfigFile    = "tokenizer_config.json"
	TemplateFile  = "chat_template.jinja"
	ToolUseFile   = "additional_chat_templates/tool_use.jinja"
	ProcessorFile = "chat_template.json"
	SpecialFile   = "special_tokens_map.json"
)

// ReadCounter reads a model's files; read returns the content of one, or fs.ErrNotExist. A chat template that cannot be
// used is not an error here: see Problem.
func ReadCounter(read func(name string) ([]byte, error)) (*Counter, error) {
	data, err := read(TokenizerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; models that have no %s cannot be counted: convert theirs with the transformers "+
			"library", err, TokenizerFile)
	}
	if err != nil {
		return nil, err
	}
	c := new(Counter)
	if c.Tokenizer, err = Parse(data); err != nil {
		return nil, err
	}
	files, err := readFiles(read)
	if err != nil {
		return nil, err
	}
	c.template, c.problem = ParseTemplate(files)
	return c, nil
}

// readFiles reads the files of the chat template. It looks for a template for tools only beside a chat_template.jinja,
// for a processor's only if there is none, and for a map of special tokens if a template names one.
func readFiles(read func(name string) ([]byte, error)) (f Files, err error) {
	into := func(data *[]byte, name string) {
		if err == nil {
			if *data, err = read(name); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err == nil {
			if *data, err = textfile.Trim(*data); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	into(&f.Config, ConfigFile)
	if into(&f.Template, TemplateFile); f.Template != nil {
		into(&f.ToolUse, ToolUseFile)
	} else {
		into(&f.Processor, ProcessorFile)
	}
	if f.wantsSpecials() {
		into(&f.Special, SpecialFile)
	}
	return f, err
}

// wantsSpecials reports whether the templates may name a token that special_tokens_map.json decides.
func (f Files) wantsSpecials() bool {
	config := gjson.ParseBytes(f.Config)
	if !readsSpecials(config) {
		return false
	}
	for _, text := range [][]byte{f.Template, f.ToolUse, f.Processor, []byte(member(config, "chat_template").Raw)} {
		if bytes.Contains(text, []byte("_token")) {
			return true
		}
	}
	return false
}

// ReadCounterAt reads the tokenizer at a path: a folder with a model's files, or a tokenizer.json alone.
func ReadCounterAt(path string, folder bool, read func(path string) ([]byte, error)) (*Counter, error) {
	return ReadCounter(func(name string) ([]byte, error) {
		switch {
		case folder:
			return read(filepath.Join(path, name))
		case name != TokenizerFile:
			return nil, fs.ErrNotExist
		}
		return read(path)
	})
}

// Problem returns why chats are counted without a template, nil if they are counted with it.
func (c *Counter) Problem() error { return c.problem }

// maxReasons is the number of different reasons that First reports as new; further reasons do not help the user.
const maxReasons = 5

// First reports whether an error of CountPrompt has not occurred before, so that each reason is reported once.
func (c *Counter) First(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reported[err.Error()] || len(c.reported) == maxReasons {
		return false
	}
	if c.reported == nil {
		c.reported = map[string]bool{}
	}
	c.reported[err.Error()] = true
	return true
}

// CountChat returns the number of tokens in a chat's prompt. messages and tools are the JSON of the request; tools may
// be nil. If the template cannot write the prompt, the error states the reason, and the number covers only the
// messages' texts.
func (c *Counter) CountChat(messages, tools json.RawMessage) (int, error) {
	return c.CountPrompt(Chat{Messages: messages, Tools: tools})
}

// CountPrompt counts like CountChat, for a chat with variables of its own.
func (c *Counter) CountPrompt(chat Chat) (int, error) {
	err := c.problem
	if err == nil {
		var text string
		if text, err = c.template.Render(chat); err == nil {
			return c.Count(text), nil // the template writes the special tokens
		}
	}
	n := 0
	for _, m := range gjson.ParseBytes(chat.Messages).Array() {
		n += c.countContent(m.Get("content"))
	}
	return n, err
}

// Frame returns what the chat template writes before and after the text of a chat's only message, one of the user, up
// to where the model continues. The template may drop white space at the ends of a text.
func (c *Counter) Frame() (before, after string, err error) {
	if c.problem != nil {
		return "", "", c.problem
	}
	const text = "twothreefiveseven" // a text that no template has
	prompt, err := c.template.Render(Chat{Messages: json.RawMessage(`[{"role":"user","content":"` + text + `"}]`)})
	if err != nil {
		return "", "", err
	}
	before, after, found := strings.Cut(prompt, text)
	if !found || strings.Contains(after, text) {
		return "", "", errors.New("chat template: it does not write a user's text once, as it is")
	}
	return before, after, nil
}

// countContent counts a text, or the texts among parts.
func (c *Counter) countContent(content gjson.Result) int {
	if !content.IsArray() {
		return c.Count(content.Str)
	}
	n := 0
	for _, part := range content.Array() {
		n += c.Count(part.Get("text").Str)
	}
	return n
}

// Words returns up to n words of letters, each of which is one token, at the beginning of a text and, with a space
// before it, after another word. It looks at the whole vocabulary if necessary, once for each n. The list is shared and
// must not be changed.
func (c *Counter) Words(n int) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.words[n]
	if !ok {
		found.list, found.err = c.findWords(n)
		if c.words == nil {
			c.words = map[int]words{}
		}
		c.words[n] = found
	}
	return found.list, found.err
}

func (c *Counter) findWords(n int) ([]string, error) {
	var words []string
	seen := map[string]bool{}
	for id := range int32(c.Len()) { // ids are 32 bits
		word := strings.TrimSpace(c.Decode([]int32{id}, false))
		if !letters(word) || seen[word] || c.Count(word) != 1 || c.Count(word+" "+word) != 2 ||
			c.Count(word+" "+word+" "+word) != 3 {
			continue
		}
		seen[word] = true
		if words = append(words, word); len(words) == n {
			break
		}
	}
	if len(words) == 0 {
		return nil, errors.New("the tokenizer has no word that is a single token")
	}
	return words, nil
}

// letters reports whether a text consists of several letters and nothing else.
func letters(text string) bool {
	n := 0
	for _, r := range text {
		if !unicode.IsLetter(r) {
			return false
		}
		n++
	}
	return n > 1
}
