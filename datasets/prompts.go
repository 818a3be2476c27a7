package datasets

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// limits are the names that records have for the most tokens of an answer; the first that a record has counts.
var limits = [...]string{
	"max_tokens", "max_completion_tokens", "max_output_tokens", "output_tokens", "output_length", "output_len",
	"max_new_tokens",
}

// parameters are the fields of a record that are sent on, and whether each can be a text. Not among them is what a
// client decides (model, stream) or cannot measure (n, best_of), and what data sets mean otherwise (user, metadata).
var parameters = map[string]bool{
	"tools": false, "tool_choice": true, "parallel_tool_calls": false, "functions": false, "function_call": true,
	"response_format": false, "structured_outputs": false,
	"guided_json": true, "guided_regex": true, "guided_choice": true, "guided_grammar": true,

	"temperature": false, "top_p": false, "top_k": false, "min_p": false, "typical_p": false, "seed": false,
	"frequency_penalty": false, "presence_penalty": false, "repetition_penalty": false, "length_penalty": false,
	"logit_bias": false, "allowed_token_ids": false, "bad_words": false, "logprobs": false, "top_logprobs": false,

	"stop": true, "stop_token_ids": false, "min_tokens": false, "ignore_eos": false,
	"include_stop_str_in_output": false,

	"chat_template": true, "chat_template_kwargs": false, "add_generation_prompt": false,
	"continue_final_message": false,
	"add_special_tokens":     false, "skip_special_tokens": false, "spaces_between_special_tokens": false,
	"truncate_prompt_tokens": false,

	"reasoning_effort": true, "include_reasoning": false, "thinking": false, "verbosity": true,
	"priority": false, "service_tier": true, "cache_salt": true, "mm_processor_kwargs": false, "vllm_xargs": false,
}

// isNumber reports whether a field is a limit or a parameter that is no text.
func isNumber(name string) bool {
	mayBeText, known := parameters[name]
	return known && !mayBeText || slices.Contains(limits[:], name)
}

// own are fields of a body that are the request's own, which a record's further fields cannot set.
var own = []string{"model", "messages", "prompt", "stream", "stream_options"}

// prompted is a record of the kind Prompts as it is being read.
type prompted struct {
	prompt     string
	hasPrompt  bool   // maybe null
	odd        byte   // what the prompt begins with if it is no text
	messages   []byte // a JSON array, nil for none
	completion string
	limits     [len(limits)][]byte // of the answer, as they stand
}

// readPrompt reads {"prompt": …} or {"messages": […], …}, by themselves or as the body of a line of OpenAI's batch
// files.
func (d *decoder) readPrompt(record []byte, form Form) (sample, bool, error) {
	d.text, d.params = d.text[:0], d.params[:0]
	var p prompted
	if err := d.readFields(record, &p); err != nil {
		return sample{}, false, err
	}
	switch {
	case p.odd == '{':
		return sample{}, false, errColumns
	case p.odd != 0, p.prompt != "" && p.messages != nil, !p.hasPrompt && p.messages == nil:
		return sample{}, false,
			errors.New(`the record has either a text "prompt" or a list "messages"` + d.instead(record, "jsonl"))
	case p.messages != nil && form == AsCompletion:
		return sample{}, false, errors.New("the record is a chat, and completions are asked for")
	}
	s := sample{prompt: p.prompt, chat: p.messages, answer: p.completion}
	if len(d.params) > 0 {
		d.params = append(d.params, '}')
		s.params = d.params
	}
	if err := d.readLimit(&p, &s); err != nil {
		return sample{}, false, err
	}
	return s, p.prompt != "" || len(inside(p.messages, '[')) > 0, checkMessages(p.messages)
}

var errColumns = errors.New(`"prompt" is an object: pandas writes a file by columns, unless to_json is given ` +
	`orient="records"`)

// instead names the fields of a record that has not those it should, and the type of data set that reads such records
// where this one, own, does not.
func (d *decoder) instead(record []byte, own string) string {
	var names []string
	other := ""
	for name := range d.members(record) {
		switch key(name) {
		case "messages", "prompt":
			other = "jsonl"
		case "conversations":
			other = "shareGPT"
		case "article":
			other = cmp.Or(other, "cnn_dailymail")
		}
		if len(names) < 10 {
			names = append(names, fmt.Sprintf("%.40q", name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	text := "; this one has " + strings.Join(names, ", ")
	if other != "" && other != own {
		text += ": type '" + other + "' reads such records"
	}
	return text
}

// readFields sorts the fields of a record. Those that are null or blank are as if they were not there: in tables each
// record has each field.
func (d *decoder) readFields(record []byte, p *prompted) error {
	for field, value := range d.members(record) {
		name := key(field)
		text, isText := d.string(value)
		p.hasPrompt = p.hasPrompt || name == "prompt"
		if value[0] == 'n' || isText && nothing(name, text) {
			continue
		}
		switch {
		case name == "prompt":
			if p.prompt = text; !isText {
				p.odd = value[0]
			}
		case name == "messages":
			if p.messages = d.parsed(value); p.messages[0] != '[' {
				return fmt.Errorf(`"messages" is not a list in JSON: %.40s`, value)
			}
		case name == "completion" && isText:
			p.completion = text
		case name == "body" && value[0] == '{' && d.isBatch(record):
			if err := d.readFields(value, p); err != nil {
				return err
			}
		case (name == "extra" || name == "extra_body") && value[0] == '{':
			d.readExtra(value, p)
		default:
			d.readParameter(name, value, p)
		}
	}
	return nil
}

// nothing reports whether a field's text stands for none: an empty one, a blank one where no blank can be meant and,
// of numbers, what tables have in place of them.
func nothing(name, text string) bool {
	mayBeText, known := parameters[name]
	if mayBeText {
		return text == ""
	}
	text = strings.TrimSpace(text)
	if known || slices.Contains(limits[:], name) {
		return text == "" || slices.ContainsFunc(noNumbers, func(word string) bool {
			return strings.EqualFold(word, text)
		})
	}
	return text == ""
}

// noNumbers are how programs write in tables that there is no number.
var noNumbers = []string{"nan", "null", "none", "na", "n/a", "inf", "-inf", "infinity", "-infinity"}

// isBatch knows the lines of OpenAI's batch files, in which the request is the body.
func (d *decoder) isBatch(record []byte) bool {
	for name := range d.members(record) {
		if name == "custom_id" || name == "url" {
			return true
		}
	}
	return false
}

// readParameter keeps a field that is sent on, or a limit of the answer; others are left out.
func (d *decoder) readParameter(name string, value []byte, p *prompted) {
	if at := slices.Index(limits[:], name); at >= 0 {
		p.limits[at] = value
		return
	}
	mayBeText, known := parameters[name]
	if !known {
		d.leave(name)
		return
	}
	if inner := d.parsed(value); !mayBeText || inner[0] == '[' || inner[0] == '{' {
		value = inner
	}
	d.addParameter(name, value)
}

// readExtra keeps what a record has on the side for the request, whatever it is called.
func (d *decoder) readExtra(object []byte, p *prompted) {
	for name, value := range d.members(object) {
		switch at := slices.Index(limits[:], name); {
		case value[0] == 'n':
		case at >= 0:
			p.limits[at] = value
		case slices.Contains(own, name) || strings.ContainsFunc(name, needsEscape):
			d.leave(name)
		default:
			d.addParameter(name, value)
		}
	}
}

func (d *decoder) addParameter(name string, value []byte) {
	sep := byte(',')
	if len(d.params) == 0 {
		sep = '{'
	}
	d.params = append(strconv.AppendQuote(append(d.params, sep), name), ':')
	d.params = append(d.params, value...)
}

// needsEscape reports whether a name cannot stand in JSON as it is.
func needsEscape(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }

// parsed is the value that a JSON string holds, as the cells of tables do, if it is one that is no text; else the
// string.
func (d *decoder) parsed(value []byte) []byte {
	text, isText := d.string(value)
	if !isText {
		return value
	}
	switch inner := bytes.TrimSpace([]byte(text)); {
	case string(inner) == "True" || string(inner) == "False": // as pandas writes them
		return bytes.ToLower(inner)
	case len(inner) > 0 && inner[0] != '"' && gjson.ValidBytes(inner):
		return inner
	}
	return value
}

// readLimit takes the first limit that the record has; others that say something else are left out.
func (d *decoder) readLimit(p *prompted, s *sample) error {
	for i, value := range p.limits {
		if value == nil {
			continue
		}
		n, ok := d.count(value)
		if !ok || n < 1 || n > maxLength {
			return fmt.Errorf("%s must be a whole number from 1 to %d, got %.40s", limits[i], maxLength, value)
		}
		switch {
		case s.limit == 0:
			s.limit = n
		case s.limit != n:
			d.leave(limits[i])
		}
	}
	return nil
}

// count is a whole number, also one written as 120.0 or as "120".
func (d *decoder) count(value []byte) (int, bool) {
	text, isText := d.string(value)
	if !isText {
		text = view(value)
	}
	return wholeNumber(text)
}

// wholeNumber is the number of a text such as 120 or 120.0, and false if it is no whole number.
func wholeNumber(text string) (int, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int(x), true
}

// checkMessages holds that messages can be those of a chat. What else is in them is the server's to judge.
func checkMessages(list []byte) error {
	var err error
	n := 0
	gjson.ParseBytes(list).ForEach(func(_, m gjson.Result) bool {
		switch content := m.Get("content"); {
		case !m.IsObject() || m.Get("role").Type != gjson.String:
			err = fmt.Errorf("message %d has no text role", n)
		case content.Type != gjson.String && content.Type != gjson.Null && !content.IsArray():
			err = fmt.Errorf("message %d: content is no text, no list of parts and not null", n)
		}
		n++
		return err == nil
	})
	return err
}

// contentTexts calls f with each text of a chat: contents, and texts among parts.
func contentTexts(chat []byte, f func(text string)) {
	gjson.ParseBytes(chat).ForEach(func(_, m gjson.Result) bool {
		content := m.Get("content")
		if content.Type == gjson.String {
			f(content.Str)
			return true
		}
		content.ForEach(func(_, part gjson.Result) bool {
			if text := part.Get("text"); text.Type == gjson.String {
				f(text.Str)
			}
			return true
		})
		return true
	})
}
