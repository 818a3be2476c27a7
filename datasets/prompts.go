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

// limitNames are the names that records use for the limit of an answer in tokens. The first that a record has counts.
var limitNames = [...]string{
	"max_tokens", "max_completion_tokens", "max_output_tokens", "output_tokens", "output_length", "output_len",
	"max_new_tokens",
}

// parameters holds the fields of a record that are sent on, each with whether it can be a text. It omits the fields
// that a client decides (model, stream) or cannot measure (n, best_of), and those that have another meaning in data
// sets (user, metadata).
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

// isNumericField reports whether a field is a limit or a parameter that cannot be a text.
func isNumericField(name string) bool {
	mayBeText, known := parameters[name]
	return known && !mayBeText || slices.Contains(limitNames[:], name)
}

// reservedFields are the fields of a body that only the request sets. A record's further fields cannot set them.
var reservedFields = []string{"model", "messages", "prompt", "stream", "stream_options"}

// defaultColumn is the field that has the prompt where Options names none.
const defaultColumn = "prompt"

// promptRecord is a record of the kind Prompts while it is being read.
type promptRecord struct {
	prompt      string
	hasPrompt   bool   // the record has a prompt, which may be null
	promptStart byte   // the first byte of a prompt that is not a text, otherwise 0
	messages    []byte // a JSON array; nil if there are no messages
	completion  string
	limits      [len(limitNames)][]byte // the limits of the answer as they stand in the record
}

// readPrompt reads {"prompt": …} or {"messages": […], …}, either as a record or as the body of a line of OpenAI's batch
// files.
func (d *decoder) readPrompt(record []byte, form Form) (sample, bool, error) {
	d.text, d.params = d.text[:0], d.params[:0]
	if d.ranking {
		if s, found, err := d.readRanking(record); found || err != nil {
			return s, s.prompt != "" && len(s.ranked) > 0, err
		}
	}
	var p promptRecord
	if err := d.readFields(record, &p); err != nil {
		return sample{}, false, err
	}
	switch {
	case p.promptStart == '{' && d.column == "":
		return sample{}, false, errColumns
	case p.promptStart != 0, !p.hasPrompt && p.messages == nil:
		return sample{}, false, d.noPrompt(record, p.promptStart != 0)
	case p.prompt != "" && p.messages != nil:
		return sample{}, false, errors.New(`the record has both "prompt" and "messages": ` +
			`set COLUMN=prompt (column: 'prompt') or COLUMN=messages`)
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
	return s, p.prompt != "" || len(content(p.messages, '[')) > 0, checkMessages(p.messages)
}

var errColumns = errors.New(`"prompt" is an object: pandas writes a file by columns, unless to_json is given ` +
	`orient="records"`)

// usualColumns are names that files give the text of a prompt, the likeliest first.
var usualColumns = []string{
	"prompt", "messages", "question", "instruction", "query", "text", "input", "inputs", "content", "request",
	"user_prompt", "user", "problem", "goal", "task", "message", "sentence", "document", "article",
}

// noPrompt returns the error for a record without a prompt, or with one that is no text: it names the fields that the
// record has, and how to choose one.
func (d *decoder) noPrompt(record []byte, malformed bool) error {
	needs := fmt.Sprintf("%q or %q", defaultColumn, "messages")
	switch {
	case d.column != "" && malformed:
		return fmt.Errorf("%q is no text and no list of messages%s", d.column, d.otherType(record, "prompts"))
	case malformed:
		return fmt.Errorf("%q is no text", defaultColumn)
	case d.column != "":
		needs = fmt.Sprintf("%q", d.column)
	}
	var names, texts []string
	for name, value := range d.members(record) {
		if len(names) < 10 {
			names = append(names, fmt.Sprintf("%.40s", name))
		}
		if value[0] == '"' || normalizedName(name) == "messages" {
			texts = append(texts, strings.Clone(name))
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("needs %s", needs)
	}
	text := fmt.Sprintf("needs %s; it has %s", needs, strings.Join(names, ", "))
	if other := d.otherType(record, "prompts"); other != "" {
		return errors.New(text + other)
	}
	column := likelyColumn(texts)
	if column == "" {
		return errors.New(text + ": none of them is a text")
	}
	return fmt.Errorf("%s: set COLUMN=%s (column: '%s')", text, column, column)
}

// likelyColumn returns the name that most probably is that of the prompt, or "" if there is none.
func likelyColumn(names []string) string {
	for _, usual := range usualColumns {
		for _, name := range names {
			if normalizedName(name) == usual {
				return name
			}
		}
	}
	for _, name := range names {
		if !identityFields[normalizedName(name)] {
			return name
		}
	}
	return ""
}

// describeFields names the fields of a record that lacks the required ones. If another type of data set than own reads
// such records, the text names that type.
func (d *decoder) describeFields(record []byte, own string) string {
	var names []string
	for name := range d.members(record) {
		if len(names) < 10 {
			names = append(names, fmt.Sprintf("%.40q", name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; this one has " + strings.Join(names, ", ") + d.otherType(record, own)
}

// otherType names the type of data set that reads such a record, and its script, if it is another than own.
func (d *decoder) otherType(record []byte, own string) string {
	other, script := "", ""
	for name := range d.members(record) {
		switch name = normalizedName(name); {
		case name == "conversations":
			other, script = "shareGPT", "sharegpt.js"
		case name == "messages", name == "prompt":
			other, script = "prompts", "prompts.js"
		case name == "article" && other == "":
			other, script = "cnn_dailymail", "cnn-dailymail.js"
		case slices.Contains(usualColumns, name) && other == "":
			other, script = "prompts", "prompts.js"
		}
	}
	if other == "" || other == own {
		return ""
	}
	return fmt.Sprintf(": type '%s' (scripts/%s) reads such records", other, script)
}

// readFields sorts the fields of a record. A field that is null or blank counts as missing: in tables every record has
// every field.
func (d *decoder) readFields(record []byte, p *promptRecord) error {
	for field, value := range d.members(record) {
		name := normalizedName(field)
		text, isText := d.stringText(value)
		isPrompt := name == cmp.Or(d.column, defaultColumn)
		p.hasPrompt = p.hasPrompt || isPrompt
		if value[0] == 'n' || isText && isAbsent(name, text) {
			continue
		}
		switch {
		case isPrompt && d.column != "" && d.embeddedJSON(value)[0] == '[':
			p.messages = d.embeddedJSON(value)
		case isPrompt:
			if p.prompt = text; !isText {
				p.promptStart = value[0]
			}
		case name == "messages" && d.column == "":
			if p.messages = d.embeddedJSON(value); p.messages[0] != '[' {
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

// isAbsent reports whether the text of a field means that the field is missing: an empty text, a blank text where no
// blank can be meant and, for a number, the words that tables write in place of one.
func isAbsent(name, text string) bool {
	mayBeText, known := parameters[name]
	if mayBeText {
		return text == ""
	}
	text = strings.TrimSpace(text)
	if known || slices.Contains(limitNames[:], name) {
		return text == "" || slices.ContainsFunc(missingNumbers, func(word string) bool {
			return strings.EqualFold(word, text)
		})
	}
	return text == ""
}

// missingNumbers are the words that programs write into tables where there is no number.
var missingNumbers = []string{"nan", "null", "none", "na", "n/a", "inf", "-inf", "infinity", "-infinity"}

// isBatch reports whether a record is a line of OpenAI's batch files, in which the request is the body.
func (d *decoder) isBatch(record []byte) bool {
	for name := range d.members(record) {
		if name == "custom_id" || name == "url" {
			return true
		}
	}
	return false
}

// readParameter keeps a field that is sent on, or a limit of the answer; others are left out.
func (d *decoder) readParameter(name string, value []byte, p *promptRecord) {
	if at := slices.Index(limitNames[:], name); at >= 0 {
		p.limits[at] = value
		return
	}
	mayBeText, known := parameters[name]
	if !known {
		d.countIgnored(name)
		return
	}
	if inner := d.embeddedJSON(value); !mayBeText || inner[0] == '[' || inner[0] == '{' {
		value = inner
	}
	d.addParameter(name, value)
}

// readExtra keeps every field of an object that a record has for the request, whatever its name.
func (d *decoder) readExtra(object []byte, p *promptRecord) {
	for name, value := range d.members(object) {
		switch at := slices.Index(limitNames[:], name); {
		case value[0] == 'n':
		case at >= 0:
			p.limits[at] = value
		case slices.Contains(reservedFields, name) || strings.ContainsFunc(name, needsEscape):
			d.countIgnored(name)
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

// needsEscape reports whether a character of a name cannot stand in JSON without an escape.
func needsEscape(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }

// embeddedJSON returns the JSON value that a string holds, as cells of tables do. If the string holds no JSON, or a
// JSON string, it returns the string itself.
func (d *decoder) embeddedJSON(value []byte) []byte {
	text, isText := d.stringText(value)
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

// readLimit takes the first limit that the record has. Other limits with a different number count as left out.
func (d *decoder) readLimit(p *promptRecord, s *sample) error {
	for i, value := range p.limits {
		if value == nil {
			continue
		}
		n, ok := d.wholeNumber(value)
		if !ok || n < 1 || n > maxLength {
			return fmt.Errorf("%s must be a whole number from 1 to %d, got %.40s", limitNames[i], maxLength, value)
		}
		switch {
		case s.limit == 0:
			s.limit = n
		case s.limit != n:
			d.countIgnored(limitNames[i])
		}
	}
	return nil
}

// wholeNumber returns a whole number, which may be written as 120.0 or as "120", too.
func (d *decoder) wholeNumber(value []byte) (int, bool) {
	text, isText := d.stringText(value)
	if !isText {
		text = view(value)
	}
	return wholeNumber(text)
}

// wholeNumber returns the number of a text such as 120 or 120.0. It reports false if the text is not a whole number.
func wholeNumber(text string) (int, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int(x), true
}

// checkMessages checks that messages can be those of a chat. Other fields of a message are left to the server's
// judgement.
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

// contentTexts calls f with each text of a chat: the contents, and the texts among their parts.
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
