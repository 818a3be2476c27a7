package api

import (
	"bytes"
	"strings"
)

// readError reads the member "error" of an answer, a choice or a delta, whatever its value is; null, false and empty
// values are no error.
func readError(s *scanner, d *Delta) {
	switch raw := s.skip(); string(raw) {
	case "null", "false", "0", `""`, "[]", "{}", "":
	default:
		d.Error = errorText(raw)
	}
}

// readFinishReason reads a finish reason. A reason which says that the server gave up is an error.
func readFinishReason(s *scanner, d *Delta) {
	var words string
	switch s.peek() {
	case '"':
		raw := s.rawString()
		if d.FinishReason = known(raw); d.FinishReason != "" {
			return
		}
		d.FinishReason = string(appendUnescaped(nil, raw))
	case '{': // SGLang's own form
		raw := s.skip()
		d.FinishReason = errorText(find(raw, []byte("type")))
		words = errorText(find(raw, []byte("message")))
	default:
		s.skip()
	}
	switch {
	case strings.EqualFold(d.FinishReason, "null"), strings.EqualFold(d.FinishReason, "none"):
		d.FinishReason = "" // as some servers write that there is no reason yet
	case d.Error == "" && gaveUp(d.FinishReason):
		if d.Error = words; words == "" {
			d.Error = "finish reason " + d.FinishReason
		}
	}
}

// known returns a finish reason that nearly all answers have, or "".
func known(raw []byte) string {
	switch string(raw) {
	case "stop":
		return "stop"
	case "length":
		return "length"
	case "end_turn": // Anthropic's words for the two
		return "end_turn"
	case "max_tokens":
		return "max_tokens"
	}
	return ""
}

// gaveUp reports whether a finish reason is a failure: "error" of gateways, "abort" of vLLM and SGLang, "network_error"
// of Zhipu, "insufficient_system_resource" of DeepSeek, and similar ones.
func gaveUp(reason string) bool {
	reason = strings.ToLower(reason)
	for _, sign := range [...]string{"error", "abort", "cancel", "fail", "timeout", "overload",
		"insufficient_system_resource"} {
		if strings.Contains(reason, sign) {
			return true
		}
	}
	return false
}

// fault collects what the members of an object without choices say about a failure. Servers and gateways that always
// answer with status 200 use these forms.
type fault struct {
	failed bool   // a member says so
	code   bool   // there is a code, and it is not a code of success
	words  []byte // the value of the first member that is meant for people
}

// member reads a member of the object. It is called for each unknown member of each event, so it must be cheap.
func (f *fault) member(key, value []byte) {
	switch string(key) {
	case "object", "type":
		f.failed = f.failed || string(value) == `"error"`
	case "success":
		f.failed = f.failed || string(value) == "false"
	case "status":
		f.failed = f.failed || string(value) == `"error"` || string(value) == `"failed"`
	case "base_resp": // MiniMax's
		if code := find(value, []byte("status_code")); code != nil && !isSuccessCode(code) {
			f.failed = true
			f.say(find(value, []byte("status_msg")))
		}
	case "code", "status_code":
		f.code = f.code || !isSuccessCode(value)
	case "error_code", "errcode", "err_code":
		f.failed = f.failed || !isSuccessCode(value)
	case "errors", "error_msg", "error_message", "errmsg", "err_msg":
		if !isEmpty(value) {
			f.failed = true
			f.say(value)
		}
	case "message", "msg", "detail", "text":
		f.say(value)
	}
}

func (f *fault) say(value []byte) {
	if f.words == nil && value != nil && !isEmpty(value) {
		f.words = value
	}
}

// message returns the message of a failure. If nothing says that the object is a failure, it returns the words to show
// in case no answer comes at all.
func (f *fault) message(data []byte) (message string, words []byte) {
	failed := f.failed || f.code && f.words != nil
	if f.words == nil {
		f.words = data
	}
	if failed {
		return errorText(f.words), nil
	}
	return "", f.words
}

func isEmpty(value []byte) bool {
	switch string(value) {
	case "null", `""`, "[]", "{}":
		return true
	}
	return false
}

func isSuccessCode(value []byte) bool {
	switch string(bytes.ToLower(bytes.Trim(value, `"`))) {
	case "0", "null", "", "ok", "success":
		return true
	}
	n := number(bytes.Trim(value, `"`))
	return n >= 100 && n < 300 // an HTTP status, also of an answer to come
}

// ErrorMessage returns, in one line, what the body of a refused request says about the reason: error.message, message,
// detail, or the body itself. For a web page, which proxies send, it returns the title, or "" if there is none.
func ErrorMessage(body []byte) string {
	var d Delta
	err := decode(body, &d)
	text := d.Error
	switch page := bytes.TrimLeft(body, "\ufeff \t\r\n"); {
	case err == nil && text != "":
	case isPage(page):
		text = pageTitle(page)
	default:
		text = errorText(body)
	}
	return strings.Join(strings.Fields(text), " ")
}

// maxNested bounds the depth at which errorText looks for words.
const maxNested = 8

// errorText returns the message of an error value: the text of a string; the message, detail or similar member of an
// object; the first values of a list; otherwise the JSON itself.
func errorText(raw []byte) string {
	if text := wordsIn(raw, maxNested); text != "" {
		return text
	}
	return string(raw)
}

func wordsIn(raw []byte, depth int) string {
	s := scanner{b: raw}
	switch c := s.peek(); {
	case c == '"':
		if text := s.appendString(nil); s.err == nil {
			return string(text)
		}
	case depth == 0:
	case c == '[':
		return wordsInList(raw, depth)
	case c == '{':
		s.open('{')
		for first := true; s.more('}', first); first = false {
			key := string(s.key())
			if value := s.skip(); isWords(key) && !isEmpty(value) {
				if text := wordsIn(value, depth-1); text != "" {
					return text
				}
			}
		}
	}
	return ""
}

// mostFaults is how many entries of a list are reported.
const mostFaults = 3

// wordsInList returns the words of the first entries, each after the place that a validation error names: FastAPI says
// only in loc which field of a body it refuses.
func wordsInList(raw []byte, depth int) string {
	s := scanner{b: raw}
	s.open('[')
	var all []string
	for first := true; s.more(']', first) && len(all) < mostFaults; first = false {
		entry := s.skip()
		words := wordsIn(entry, depth-1)
		if place := placeOf(find(entry, []byte("loc"))); place != "" && words != "" {
			words = place + ": " + words
		}
		if words != "" {
			all = append(all, words)
		}
	}
	return strings.Join(all, "; ")
}

// placeOf joins the names in a location such as ["body", "messages", 0].
func placeOf(raw []byte) string {
	s := scanner{b: raw}
	if !s.open('[') {
		return ""
	}
	var names []string
	for first := true; s.more(']', first); first = false {
		names = append(names, string(bytes.Trim(s.skip(), `"`)))
	}
	return strings.Join(names, ".")
}

// isWords reports whether servers explain a failure in a member of this name.
func isWords(key string) bool {
	switch key {
	case "message", "msg", "detail", "error", "errors", "error_msg", "error_message", "errmsg", "err_msg":
		return true
	}
	return false
}
