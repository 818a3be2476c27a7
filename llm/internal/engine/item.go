package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What is wrong with the input of a request: it has none or two, or not the one of the client's dialect.
var (
	errInput  = errors.New("a request has either messages or a prompt")
	errPrompt = errors.New(`a client of api "completion" takes a prompt, not messages: set api: 'completion' on the ` +
		`Dataset, or api: 'chat' on the Client`)
	errTexts = errors.New(`a client of api "embeddings" takes input, a text or a list of texts: set api: ` +
		`'embeddings' on the Dataset`)
	errRanking = errors.New(`a client of api "rerank" takes a query and documents: set api: 'rerank' on the Dataset`)
	errSpeech  = errors.New(`a client of api "speech" takes a prompt, the text to speak: set api: 'speech' on the ` +
		`Dataset`)
	errSound = errors.New(`a client of api "transcription" takes a file of sound: set api: 'transcription' on the ` +
		`Dataset`)
	errInputs = errors.New(`a client of this api takes messages or a prompt, not input, query or documents: set ` +
		`the same api on the Dataset and the Client`)
)

// Input settles the input of a request for the client's dialect: in a chat, a prompt becomes the only message.
// hasPrompt tells an empty prompt from none.
func (c *Client) Input(r *client.Request, hasPrompt bool) error {
	switch in := c.opts.API.Input(); {
	case in.Sounds():
		return sounds(in, r, hasPrompt)
	case in.Shows():
		return shows(in, r, hasPrompt)
	case !in.Generates():
		return c.inputs(r, hasPrompt)
	}
	switch {
	case r.Inputs != nil || r.Query != "":
		return errInputs
	case hasPrompt == (r.Messages != nil):
		return errInput
	case c.opts.API.Input() == api.InputPrompt && r.Messages != nil:
		return errPrompt
	case c.opts.API.Input() == api.InputMessages && hasPrompt:
		r.Messages, r.Prompt = UserMessage(r.Prompt), ""
	}
	return nil
}

// inputs settles what is to be embedded or ranked: a prompt becomes the only text.
func (c *Client) inputs(r *client.Request, hasPrompt bool) error {
	ranking := c.opts.API.Input() == api.InputRanking
	switch {
	case ranking && (r.Query == "" || r.Inputs == nil || hasPrompt || r.Messages != nil):
		return errRanking
	case ranking:
		return nil
	case r.Messages != nil || r.Query != "" || hasPrompt == (r.Inputs != nil):
		return errTexts
	case hasPrompt:
		r.Inputs, r.Prompt = []string{r.Prompt}, ""
	}
	return nil
}

// sounds settles what is to be spoken, or written down: then a prompt is what the model is told about the sound.
func sounds(in api.Input, r *client.Request, hasPrompt bool) error {
	file := r.Media != nil && len(r.Media.Files) > 0
	switch other := r.Messages != nil || r.Inputs != nil || r.Query != ""; {
	case in == api.InputSpeech && (other || file || !hasPrompt):
		return errSpeech
	case in == api.InputSpeech:
		return CheckSpoken(r.Prompt)
	case in == api.InputSound && (other || !file):
		return errSound
	}
	return nil
}

// CheckSpoken returns an error if there is nothing to speak.
func CheckSpoken(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("the text to speak is empty")
	}
	return nil
}

// Takes returns an error if the client cannot send the items of a data set.
func (c *Client) Takes(s *Set) error {
	if err := s.checkMedia(c.opts.API); err != nil {
		return err
	}
	if err := c.takesParts(s); err != nil {
		return err
	}
	switch own := c.opts.API.Input(); {
	case own == s.input, s.input == api.InputPrompt && own != api.InputRanking && own != api.InputSound:
		return nil
	default:
		return cmp.Or(wants[own], errInputs)
	}
}

// wants tells what requests of an API carry that takes one kind of input alone.
var wants = map[api.Input]error{
	api.InputPrompt: errPrompt, api.InputTexts: errTexts, api.InputRanking: errRanking, api.InputSpeech: errSpeech,
	api.InputSound: errSound, api.InputPicture: errPictures, api.InputVideo: errVideo,
}

// UserMessage returns the messages of a chat that has one message.
func UserMessage(prompt string) json.RawMessage {
	content, _ := json.Marshal(prompt) // a string never fails
	return json.RawMessage(`[{"role":"user","content":` + string(content) + `}]`)
}

// job returns the request for an item.
func (c *Client) job(t Turn) (Job, error) {
	j := Job{Dialect: c.opts.API, Class: t.Class, Turn: t.Number, turn: t.asked}
	j.MaxTokens, j.SessionID = t.MaxTokens, t.SessionID
	switch {
	case t.Sound != nil:
		setSound(&j.Request, api.File{Name: t.Sound.Name, Data: t.Sound.Data}, record.Media{Kind: record.MediaAudio,
			Format: t.Sound.Format, Seconds: t.Sound.Seconds, Bytes: int64(len(t.Sound.Data)), ID: t.Sound.ID})
	case t.Inputs != nil:
		j.Inputs, j.Query, j.Asked = t.Inputs, t.Query, t.PromptTokens
		if t.Bare {
			j.AddSpecial = new(bool)
		}
	case t.Chat != nil:
		j.Messages = appendJSON(make([]byte, 0, len(t.Chat)), gjson.ParseBytes(t.Chat))
	case t.Messages != nil:
		j.Messages, j.Media = messages(t.Messages, t.Parts)
	default:
		j.Prompt, j.Asked = t.Prompt, t.PromptTokens // the number of a chat's tokens includes the template
		if t.Bare {
			j.AddSpecial = new(bool)
		}
	}
	if t.Params != nil {
		j.Extra = extra(t.Params)
	}
	return j, c.Input(&j.Request, j.Messages == nil && j.Inputs == nil && t.Sound == nil)
}

// appendJSON appends a value of a file as a script would send it: without white space, and with characters in place of
// escapes where JSON allows them. Numbers stay as they are.
func appendJSON(dst []byte, v gjson.Result) []byte {
	switch {
	case v.IsObject():
		return appendMembers(dst, v, "{}")
	case v.IsArray():
		return appendMembers(dst, v, "[]")
	case v.Type == gjson.String:
		return appendString(dst, v.Str)
	}
	return append(dst, v.Raw...)
}

func appendMembers(dst []byte, v gjson.Result, brackets string) []byte {
	dst = append(dst, brackets[0])
	first := true
	v.ForEach(func(key, member gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if brackets == "{}" {
			dst = append(appendString(dst, key.Str), ':')
		}
		dst = appendJSON(dst, member)
		return true
	})
	return append(dst, brackets[1])
}

// extra returns fields of a request's body from a JSON object.
func extra(params json.RawMessage) api.Extra {
	fields := api.Extra{}
	gjson.ParseBytes(params).ForEach(func(key, value gjson.Result) bool {
		fields[key.Str] = appendJSON(nil, value)
		return true
	})
	return fields
}

// WithParts returns the messages of a chat whose last has parts with media, and the media.
func WithParts(list []datasets.Message, parts []datasets.Part) (json.RawMessage, *client.Media) {
	return messages(list, parts)
}

// messages returns the messages of a chat as a script would send them, byte for byte. parts, if not nil, are the
// content of the last.
func messages(list []datasets.Message, parts []datasets.Part) (json.RawMessage, *client.Media) {
	size := 2 + sizeOfParts(parts)
	for _, m := range list {
		size += len(m.Role) + len(m.Content) + 32
	}
	w := partWriter{dst: append(make([]byte, 0, size+size/16), '[')}
	for i, m := range list {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = appendString(append(w.dst, `{"role":`...), m.Role)
		w.dst = append(w.dst, `,"content":`...)
		if parts != nil && i == len(list)-1 {
			w.parts(parts)
		} else {
			w.dst = appendString(w.dst, m.Content)
		}
		w.dst = append(w.dst, '}')
	}
	return append(w.dst, ']'), w.media(parts)
}

// appendString appends a string as JSON.stringify writes it: encoding/json escapes more.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if i += api.Plain(s[i:]); i == len(s) {
			break
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch short := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); {
		case short >= 0:
			dst = append(dst, '\\', `"\bfnrt`[short])
		case c >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
