package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/prefix"
)

// DefaultMaxBody bounds a request's body, in bytes, unless an option does.
const DefaultMaxBody = 64 << 20

// maxOutput bounds an answer, in tokens, whatever the request asks for.
const maxOutput = 1 << 20

// ask is a request as the server understands it.
type ask struct {
	model        string
	promptTokens int
	maxTokens    int
	ignoreEOS    bool
	stream       bool
	usage        bool    // send usage in the stream
	previous     string  // id of the answer that the prompt continues
	inputs       inputs  // of a request for vectors or scores
	sound        sound   // of a request for speech or a transcription
	spoken       string  // the text to speak
	visual       *visual // of a request for pictures or for a video
	said         []prefix.Message
	hash         uint64 // of what it says
	tool         tool
	media        mediaReader
	priority     priority
}

// wireRequest holds the fields of a request body that matter to the simulator. A field that is missing or null does not
// exist.
type wireRequest struct {
	model                          string
	prompt, messages, tools        gjson.Result
	system                         gjson.Result    // of Anthropic's Messages
	input                          gjson.Result    // of OpenAI's Responses
	maxOutputTokens                gjson.Result    // likewise
	marked                         json.RawMessage // messages with parts, of which texts stand for media
	previous, instructions         string          // likewise: previous_response_id is the first
	maxTokens, maxCompletionTokens gjson.Result
	special                        gjson.Result // add_special_tokens
	documents                      gjson.Result // of a rerank request; TEI's texts
	inputs                         inputs
	sound                          sound
	files                          [][]byte         // of a form
	choice                         gjson.Result     // tool_choice
	said                           []prefix.Message // what a prefix cache can hold of the prompt
	media                          mediaReader
	ignoreEOS, stream              bool
	usage                          bool // stream_options.include_usage
	priority                       priority
}

// priority is that of a request.
type priority struct {
	value int
	given bool
}

// readHeader reads the priority of a request whose body has none.
func (p *priority) readHeader(h http.Header) (err error) {
	text := h.Get(priorityHeader)
	if p.given || text == "" {
		return nil
	}
	if p.value, err = strconv.Atoi(text); err != nil {
		return fmt.Errorf("%s must be a whole number, got %.50q", priorityHeader, text)
	}
	p.given = true
	return nil
}

const priorityHeader = "X-Priority"

// errTooLong reports a body above Options.MaxBody.
var errTooLong = errors.New("request body too large")

// maxBody returns the largest body.
func (o *Options) maxBody() int64 { return int64(cmp.Or(o.MaxBody, DefaultMaxBody)) }

// parse reads a request body; without a tokenizer it counts words.
func parse(r *http.Request, e *endpoint, o *Options) (ask, error) {
	if e.read != nil {
		return e.read(r, o)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, o.maxBody()+1))
	if err != nil {
		return ask{}, err
	}
	if int64(len(data)) > o.maxBody() {
		return ask{}, fmt.Errorf("%w: it has over %d bytes", errTooLong, o.maxBody())
	}
	var w wireRequest
	if e.form {
		w, err = readForm(data, r.Header.Get("Content-Type"))
	} else {
		w, err = readRequest(data)
	}
	if err != nil {
		return ask{}, fmt.Errorf("invalid request: %w", err)
	}
	a := ask{model: w.model, ignoreEOS: w.ignoreEOS, stream: w.stream, usage: w.usage, maxTokens: e.limit,
		previous: w.previous}
	w.media.opts = &o.Media
	if a.promptTokens, err = e.prompt(&w, o.tokens); err != nil {
		return ask{}, err
	}
	if o.Media.TextOnly && len(w.media.list) > 0 {
		return ask{}, fmt.Errorf("%s is not a multimodal model", o.Model)
	}
	a.said, a.hash, a.media = w.said, w.hash(), w.media
	a.inputs, a.sound, a.spoken, a.stream = w.inputs, w.sound, w.input.Str, w.stream
	a.priority = w.priority
	switch {
	case e.atOnce:
		a.stream, a.maxTokens = false, 0
		return a, nil
	case e.own != nil:
		a.maxTokens = 0
		return a, nil
	case w.sound.words > 0:
		a.maxTokens = min(w.sound.words, maxOutput)
		return a, nil
	}
	for _, limit := range []gjson.Result{w.maxTokens, w.maxCompletionTokens, w.maxOutputTokens} {
		if limit.Exists() {
			a.maxTokens = int(limit.Num)
		}
	}
	if a.maxTokens < 1 {
		return ask{}, fmt.Errorf("max_tokens must be at least 1, got %d", a.maxTokens)
	}
	a.maxTokens = min(a.maxTokens, maxOutput)
	if e.calls {
		a.tool, err = readTool(nested(w.tools), w.choice)
	}
	return a, err
}

// readRequest reads the fields of a body, each of which must have its type or be null. encoding/json checks the syntax,
// because it bounds the depth; to decode with it takes twice as long.
func readRequest(body []byte) (w wireRequest, err error) {
	all := gjson.ParseBytes(body)
	if !json.Valid(body) || !all.IsObject() {
		return w, errors.New("not an object in JSON")
	}
	all.ForEach(func(key, value gjson.Result) bool {
		if value.Type != gjson.Null && !w.set(key.Str, value) {
			err = fmt.Errorf("%s cannot be %.50s", key.Str, value.Raw)
		}
		return err == nil
	})
	return w, err
}

// set sets a field, and reports whether the value has the field's type.
func (w *wireRequest) set(key string, value gjson.Result) bool {
	switch key {
	case "model":
		w.model = value.Str
		return value.Type == gjson.String
	case "prompt":
		w.prompt = value
	case "messages":
		w.messages = value
	case "input":
		w.input = value
	case "previous_response_id":
		w.previous = value.Str
		return value.Type == gjson.String
	case "instructions":
		w.instructions = value.Str
		return value.Type == gjson.String
	case "max_output_tokens":
		w.maxOutputTokens = value
		return isWhole(value)
	case "query":
		w.inputs.query = value.Str
		return value.Type == gjson.String
	case "documents", "texts":
		w.documents = value
	case "dimensions":
		w.inputs.dimensions = int(value.Num)
		return isWhole(value) && value.Num > 0 && value.Num <= maxOutput
	case "encoding_format":
		w.inputs.base64 = value.Str == "base64"
		return w.inputs.base64 || value.Str == "float"
	case "top_n":
		w.inputs.top = int(value.Num)
		return isWhole(value) && value.Num >= 0
	case "priority":
		w.priority = priority{int(value.Num), true}
		return isWhole(value)
	case "system":
		w.system = value
	case "tools":
		w.tools = value
	case "tool_choice":
		w.choice = value
	case "max_tokens":
		w.maxTokens = value
		return isWhole(value)
	case "max_completion_tokens":
		w.maxCompletionTokens = value
		return isWhole(value)
	case "ignore_eos":
		w.ignoreEOS = value.Bool()
		return value.IsBool()
	case "add_special_tokens":
		w.special = value
		return value.IsBool()
	case "stream":
		w.stream = value.Bool()
		return value.IsBool()
	case "stream_options":
		w.usage = value.Get("include_usage").Bool()
		return value.IsObject()
	default:
		return w.sound.set(key, value)
	}
	return true
}

func isWhole(v gjson.Result) bool {
	return v.Type == gjson.Number && v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < 1<<53
}

// countChat counts the tokens of a chat, without a tokenizer its words.
func (w *wireRequest) countChat(messages, tools gjson.Result, tokens Tokenizer) (int, error) {
	if !messages.IsArray() || messages.Get("#").Int() == 0 {
		return 0, errors.New("messages must not be empty")
	}
	for i, message := range messages.Array() {
		switch content := message.Get("content"); {
		case !message.IsObject():
			return 0, fmt.Errorf("messages[%d] must be an object", i)
		case !content.IsArray() && content.Type != gjson.String && content.Type != gjson.Null:
			return 0, fmt.Errorf("messages[%d].content must be a string or an array of parts", i)
		}
	}
	texts := json.RawMessage(messages.Raw)
	said := texts
	if hasParts(messages) {
		w.marked = withParts(messages, w.media.read)
		texts = withParts(messages, func(string, gjson.Result) string { return "" })
		said = w.marked
	}
	if w.media.err != nil {
		return 0, w.media.err
	}
	w.said = prefix.ReadChat(said)
	if tokens == nil {
		return countSaid(w.said) + w.media.tokens(), nil
	}
	// without a template only the texts are counted
	n, _ := tokens.CountChat(texts, append(json.RawMessage(nil), tools.Raw...))
	return n + w.media.tokens(), nil
}

// countSaid counts the words of messages.
func countSaid(list []prefix.Message) (n int) {
	for _, m := range list {
		for _, text := range m.Texts {
			if _, is := prefix.MediaTokens(text); !is {
				n += countWords(text)
			}
		}
	}
	return n
}

func countWords(text string) (n int) {
	for range strings.FieldsSeq(text) {
		n++
	}
	return n
}

// counting returns how the tokens of a prompt are counted; special tokens are added unless the request forbids it.
func counting(tokens Tokenizer, special gjson.Result) func(text string) int {
	switch {
	case tokens == nil:
		return countWords
	case special.Type == gjson.False:
		return tokens.Count
	}
	return tokens.CountSpecial
}

// countPrompt counts the tokens of a string, an array of one string, or token ids, which no cache holds.
func (w *wireRequest) countPrompt(tokens Tokenizer) (int, error) {
	prompt := w.prompt
	if !prompt.Exists() {
		return 0, errors.New("prompt is missing")
	}
	if prompt.IsArray() {
		items := prompt.Array()
		if len(items) == 1 && items[0].Type == gjson.String {
			prompt = items[0]
		}
		if !slices.ContainsFunc(items, func(item gjson.Result) bool { return item.Type != gjson.Number }) {
			return len(items), nil
		}
	}
	if prompt.Type == gjson.String {
		w.said = []prefix.Message{{Texts: []string{prompt.Str}}}
		return counting(tokens, w.special)(prompt.Str), nil
	}
	return 0, errors.New("prompt must be a string, an array of one string, or an array of token ids")
}

// vocabulary holds the built-in words, each of which is one token, so that counting words counts tokens. A space stands
// before each, as after another word.
var vocabulary = spaced(strings.Fields(
	`the quick model answers with plain words that mean nothing at all and takes its time as it was told to
	while a client counts every one of them and writes down when they came so that both can be compared later on`))

// spaced puts a space before each word.
func spaced(words []string) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = " " + word
	}
	return list
}

// word returns the text of an answer's token number i of the built-in vocabulary.
func word(i int) string {
	if i == 0 {
		return "Simulated"
	}
	return vocabulary[i%len(vocabulary)]
}
