package secret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "Proxy-Authorization": true, "API_KEY": true, "x-goog-api-key": true,
		"Ocp-Apim-Subscription-Key": true,
		"X-Auth":                    true, "cookie": true, "Set-Cookie": true, "passwd": true, "apiKey": true,
		"api_keys": true,
		"APIKey":   true, "authToken": true,
		"X-Amz-Security-Token": true, "X-Amz-Credential": true, "hf_token": true, "token": true, "token_1": true,
		"sig": true, "key": true,
		"my_jwt": true, "bearer": true, "passphrase": true, "db-pass": true, "X-Signature": true,
		"userCredentials": true,
		"client.secret":   true, "my_token": true, "db_pwd": true, "oauth2": true, "backend-token": true,
		"secretKey": true, "accesskey": true,

		"x-slo-ttft-ms": false, "Content-Type": false, "x-request-id": false, "keyboard": false, "monkey": false,
		"author":    false,
		"Authority": false, "max_tokens": false, "max_completion_tokens": false, "add_special_tokens": false,
		"stop_token_ids": false,
		"eos_token":      false, "stop_token": false, "eos_token_id": false, "token_count": false, "tokenizer": false,
		"prompt_cache_key":           false,
		"apiKeyHeader":               false,
		"return_tokens_as_token_ids": false, "design": false, "compass": false, "": false,
	} {
		if got := Named(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestSet(t *testing.T) {
	t.Setenv("https_proxy", "proxyuser:proxypassword@proxy:3128")
	basic := base64.StdEncoding.EncodeToString([]byte("user:open sesame"))
	for _, tt := range []struct {
		name string
		fill func(*Set)
		want []string
	}{
		{"bearer", headers("Authorization", "Bearer sk-123456"), []string{"sk-123456"}},
		{"no scheme", headers("Authorization", "sk-123456"), []string{"sk-123456"}},
		{"short key", headers("Authorization", "Bearer abc"), []string{"Bearer abc"}},
		{"basic", headers("Proxy-Authorization", "Basic "+basic), []string{basic, "user:open sesame", "open sesame"}},
		{"user alone", headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("hf_abcdef:"))),
			[]string{base64.StdEncoding.EncodeToString([]byte("hf_abcdef:")), "hf_abcdef:", "hf_abcdef"}},
		{"words", headers("X-Secret", "correct horse"), []string{"correct horse"}},
		{"cookies", headers("Cookie", `sid=0123456789; a=1; t="abcdefgh"`),
			[]string{`sid=0123456789; a=1; t="abcdefgh"`, "0123456789", "abcdefgh"}},
		{"signature", headers("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA0000, Signature=fe5f80"),
			[]string{"AWS4-HMAC-SHA256 Credential=AKIA0000, Signature=fe5f80", "AKIA0000", "fe5f80"}},
		{"other header", headers("X-Trace", "0123456789"), nil},
		{"short values", headers("X-Api-Key", "EMPTY"), nil},
		{"URL", func(s *Set) {
			s.URL("http://u:p%40ssw%2Frd@h/v1?api-key=query-key&code=function-key&api-version=2024-10-21")
		},
			[]string{"p@ssw/rd", base64.StdEncoding.EncodeToString([]byte("u:p@ssw/rd")), "query-key", "function-key"}},
		{"lines", fields("key", `"-----BEGIN\nMIIB0123\r\nend\n"`),
			[]string{"-----BEGIN", "MIIB0123", "-----BEGIN\nMIIB0123\r\nend"}},
		{"no URL", func(s *Set) { s.URL("http://[") }, nil},
		{"proxies", func(s *Set) { s.Proxies() }, []string{
			"proxypassword", base64.StdEncoding.EncodeToString([]byte("proxyuser:proxypassword"))}},
		{"fields", fields("extra",
			`{"token": "field-token", "max_tokens": 1234567, "nested": [{"password": "deep-password", "pin": 1}],
			"api_keys": ["key-one", "key-two"], "tools": {"properties": {"token": {"type": "string"}}}, "access_key": 12345678, "url": "http://u:url-password@h"}`),
			[]string{"field-token", "deep-password", "key-one", "key-two", "12345678", "url-password",
				base64.StdEncoding.EncodeToString([]byte("u:url-password"))}},
		{"no JSON", fields("token", `{`), nil},
	} {
		var s Set
		tt.fill(&s)
		slices.Sort(s.values)
		slices.Sort(tt.want)
		if !slices.Equal(s.values, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, s.values, tt.want)
		}
	}
}

func headers(name, value string) func(*Set) {
	return func(s *Set) { s.Headers(http.Header{name: {value}}) }
}

func fields(name, value string) func(*Set) {
	return func(s *Set) { s.Fields(map[string]json.RawMessage{name: json.RawMessage(value)}) }
}

func TestCloneIsIndependent(t *testing.T) {
	t.Parallel()
	var s Set
	s.Add("first-secret")
	one, two := s.Clone(), s.Clone()
	one.Add("second-secret")
	two.Add("third-secret")
	if s.Len() != 1 || one.values[1] != "second-secret" || two.values[1] != "third-secret" {
		t.Errorf("got %q, %q, %q", s.values, one.values, two.values)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	given := map[string]json.RawMessage{
		"token": json.RawMessage(`"x"`), "temperature": json.RawMessage(`0.50`),
		"stop_token_ids": json.RawMessage(`[1,2]`),
		"deep": json.RawMessage(`{"a": [{"api_key": 5, "n": 1.0}], "url": "http://u:p@h/x", "password": null, ` +
			`"auth": true}`),
		"tools": json.RawMessage(`[{"properties": {"token": {"type": "string"}}}]`),
	}
	got, found := Redact(given)
	text, err := json.Marshal(got)
	const want = `{"deep":{"a":[{"api_key":"***","n":1.0}],"auth":true,"password":null,"url":"http://***@h/x"},` +
		`"stop_token_ids":[1,2],"temperature":0.50,"token":"***","tools":[{"properties":{"token":{"type":"string"}}}]}`
	if err != nil || !found || string(text) != want {
		t.Errorf("got %v, %t, %s\nwant %s", err, found, text, want)
	}
	if string(given["token"]) != `"x"` {
		t.Error("the argument was changed")
	}
	if _, found := Redact(map[string]json.RawMessage{"max_tokens": json.RawMessage("5"),
		"x": json.RawMessage(`"a@b"`)}); found {
		t.Error("found a secret where there is none")
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://u:p@h/v1":  "http://***@h/v1",
		" https://token@h": " https://***@h",
		"http://h/v1?api-version=1&api%2Dkey=a&code=b": "http://h/v1?api-version=1&api%2Dkey=***&code=***",
		"https://h/a?X-Amz-Signature=a#sig=b":          "https://h/a?X-Amz-Signature=***#sig=b",
		"https://h/a?sig=":                             "https://h/a?sig=",
		"a@b?key=c":                                    "a@b?key=c",
		"http://a, https://u:p@h?key=b,http://t@c/v1":  "http://a, https://***@h?key=***,http://***@c/v1",
		"a:1?key=b,http://u@h?code=c,d,e":              "a:1?key=***,http://***@h?code=***",
		"see http://u:p@h":                             "see http://u:p@h",
		"":                                             "",
	} {
		if got := RedactURL(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWithoutUser(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"u:p@h:1": "***@h:1", "http://u:p/q@h": "***@h", "http://h:x/?key=a&b=c": "http://h:x/?key=***&b=c",
		"h:1": "h:1",
	} {
		if got := WithoutUser(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://u:secret@h/v1":  "http://u:xxxxx@h/v1",
		"http://secret@h/v1":    "http://xxxxx@h/v1",
		"u:secret@h:8000":       "…@h:8000",
		"http://u:p/secret@h":   "…@h",
		"http://h/a@b":          "http://h/a@b",
		"sim:?model=a@b":        "sim:?model=a@b",
		"localhost:8000":        "localhost:8000",
		"http://u:sec%zzret@h/": "…@h/",
	} {
		if got := WithoutPassword(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func maskOf(values ...string) *Mask {
	var s Set
	for _, v := range values {
		s.Add(v)
	}
	return s.Mask()
}

// key has the characters in which escapes differ, password the characters that quoting and URLs change.
const (
	key      = "sk-proj/AbC+123=é"
	password = `p"a\"s  s<w>&%'d\x41ü`
)

// encodings holds the ways in which servers write what they repeat.
var encodings = map[string]func(string) string{
	"plain":       func(s string) string { return s },
	"JSON":        quoteJSON,
	"JSON twice":  func(s string) string { return quoteJSON(quoteJSON(s)) },
	"JSON thrice": func(s string) string { return quoteJSON(quoteJSON(quoteJSON(ascii(s)))) },
	"ASCII JSON":  ascii,
	"PHP":         func(s string) string { return strings.ReplaceAll(quoteJSON(s), "/", `\/`) },
	"Go":          func(s string) string { return strings.Trim(strconv.Quote(s), `"`) },
	"query":       url.QueryEscape,
	"path":        url.PathEscape,
	"path twice":  func(s string) string { return url.PathEscape(url.PathEscape(s)) },
	"all bytes":   func(s string) string { return everyByte(s, "%") },
	"hex escapes": func(s string) string { return everyByte(s, `\x`) },
	"Python": func(s string) string {
		s = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "é", `\xe9`, "ü", `\xfc`).Replace(s)
		return s
	},
	"UTF-8 read as Latin-1": func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteRune(rune(c))
		}
		return b.String()
	},
	"one line": func(s string) string { return strings.Join(strings.Fields(s), " ") },
	"HTML":     html.EscapeString,
	"HTML number": func(s string) string {
		var b strings.Builder
		for _, c := range s {
			b.WriteString("&#" + strconv.Itoa(int(c)) + ";")
		}
		return b.String()
	},
	"base64":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 of URL": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 in URL": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
}

func quoteJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text[1 : len(text)-1])
}

// ascii writes every character but letters and digits as a \u escape.
func ascii(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteRune(c)
		} else {
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(c), 16)[1:])
		}
	}
	return b.String()
}

func everyByte(s, before string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString(before + strconv.FormatInt(0x100+int64(c), 16)[1:])
	}
	return b.String()
}

func TestEncodedSecretsAreMasked(t *testing.T) {
	t.Parallel()
	m := maskOf(key, password)
	for name, encode := range encodings {
		for _, value := range []string{key, password} {
			text := "50% of \\n \"a\" & b: " + encode(value) + ", and " + encode(value) + "\n"
			if got, want := m.Text(text), "50% of \\n \"a\" & b: ***, and ***\n"; got != want {
				t.Errorf("%s of %q: got %q, want %q", name, text, got, want)
			}
		}
	}
}

// TestSecretInLongerBase64 checks that the base64 of a longer text, such as all headers together, leaves no readable
// piece of a secret that would help to guess it.
func TestSecretInLongerBase64(t *testing.T) {
	t.Parallel()
	const value = "sk-0123456789abcdefghij"
	m := maskOf(value)
	for before := range 7 {
		for after := range 4 {
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("<", before) + value + strings.Repeat(">",
				after)))
			got := m.Text(text)
			kept := strings.ReplaceAll(got, Mark, "")
			if got == text || len(text)-len(kept) < len(value)*4/3-4 {
				t.Errorf("%d bytes before, %d after: got %q of %q", before, after, got, text)
			}
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	m := maskOf("sk-0123456789", "sk-0123456789-longer", "hunter22", "EMPTY")
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"a", "a"},
		{"nothing here", "nothing here"},
		{"EMPTY", "EMPTY"},
		{"sk-0123456789", "***"},
		{"key sk-0123456789-longer!", "key ***!"},
		{"sk-0123456789hunter22", "***"},
		{"sk-0123456789 hunter22", "*** ***"},
		{"sk-sk-0123456789", "sk-***"},
		{"hunter2", "***"},                 // cut by the end of the text
		{"it was sk-0123…", "it was ***…"}, // cut by this program
		{`unexpected EOF in "key sk-012345"`, `unexpected EOF in "key ***"`},
		{`{"a":"hunter` + "…", `{"a":"***…`},
		{"sk-0123 is not a key", "sk-0123 is not a key"},
		{"hunte", "hunte"}, // shorter than the shortest text that is masked
		{`a % \ & z \u \x %z &amp &#; \u00`, `a % \ & z \u \x %z &amp &#; \u00`},
		{strings.Repeat(`\`, 100), strings.Repeat(`\`, 100)},
		{`\ud83d\ude00 hunter22 \ud83d`, `\ud83d\ude00 *** \ud83d`},
		{`é hunter\u0032\u0032 é`, `é *** é`},
	} {
		if got := m.Text(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	var none *Mask
	if text := "sk-0123456789"; none.Text(text) != text || none.Body(text) != text ||
		string(none.JSON(json.RawMessage(text))) != text || none.Error(io.EOF) != io.EOF {
		t.Error("a nil mask replaced something")
	}
}

func TestJSONStaysJSON(t *testing.T) {
	t.Parallel()
	m := maskOf("123456", "12345678901234", "hunter22", `x","y":"`)
	for _, tt := range []struct{ raw, want string }{
		{``, ``},
		{`{"prompt_tokens": 5, "a": "b"}`, `{"prompt_tokens": 5, "a": "b"}`},
		{`{"prompt_tokens": 5, "hunter22": "is hunter22"}`, `{"***":"is ***","prompt_tokens":5}`},
		// a count, even if a password looks the same
		{`{"prompt_tokens": 123456, "a": "123456"}`, `{"a":"***","prompt_tokens":123456}`},
		{`{"id": 12345678901234}`, `{"id":"***"}`},
		{`{"a":"x","y":"z"}`, `{"a":"x","y":"z"}`},
		{`[["hunter\u00322"]]`, `[["***"]]`},
	} {
		got := string(m.JSON(json.RawMessage(tt.raw)))
		if got != tt.want || tt.raw != "" && !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", tt.raw, got, tt.want)
		}
	}
}

func TestErrorWraps(t *testing.T) {
	t.Parallel()
	m := maskOf("hunter22")
	wrapped := errors.Join(io.EOF, errors.New("bad hunter22"))
	if got := m.Error(wrapped); got.Error() != "EOF\nbad ***" || !errors.Is(got, io.EOF) {
		t.Errorf("got %v", got)
	}
	if m.Error(io.EOF) != io.EOF || m.Error(nil) != nil {
		t.Error("an error without a secret was changed")
	}
}

func event(content string) string {
	text, _ := json.Marshal(content)
	return `data: {"id":"c","choices":[{"index":0,"delta":{"content":` + string(text) + "}}]}\n\n"
}

func TestBody(t *testing.T) {
	t.Parallel()
	m := maskOf(key)
	empty := event("")
	for _, tt := range []struct{ name, body, want string }{
		{"plain", "a " + key + "\nb " + key, "a ***\nb ***"},
		{"one event", event("x" + key + "y"), event("x***y")},
		{"two events", event("x"+key[:9]) + event(key[9:]+"y"), event("x***") + event("y")},
		{"an event each byte", event("x") + event(key[:1]) + event(key[1:8]) + event(key[8:16]) + event(key[16:]) +
			event("y"),
			event("x") + event("***") + empty + empty + empty + event("y")},
		{"twice", event(key[:9]) + event(key[9:]+key[:5]) + event(key[5:]), event("***") + empty + empty},
		{"with others between", event(key[:9]) + "data: {\"model\":\"m\"}\n\n" + event(key[9:]),
			event("***") + "data: {\"model\":\"m\"}\n\n" + empty},
		{"cut in the second half", event(key[:9]) + event(key[9:12]), event("***") + empty},
		{"cut inside a text", event(key[:9]) + `data: {"choices":[{"delta":{"content":"` + key[9:12],
			event("***") + `data: {"choices":[{"delta":{"content":"`},
		{"all the text so far, each time", event("x"+key[:6]) + event("x"+key[:12]) + event("x"+key[:len(key)-2]) +
			event("x"+key),
			event("x***") + event("x***") + event("x***") + event("x***")},
		{"escaped", strings.ReplaceAll(event(key[:9])+event(key[9:]), "/", `\u002f`), event("***") + empty},
		{"quotes astray", "\"" + event("a") + `"\`, "\"" + event("a") + `"\`},
	} {
		if got := m.Body(tt.body); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// FuzzMask checks that the mask neither fails nor leaves a secret, however a server writes and cuts what it was sent.
func FuzzMask(f *testing.F) {
	for _, encode := range encodings {
		f.Add("before "+encode(key), encode(password)+" after", 3)
	}
	f.Add(event(key[:9]), event(key[9:]), 0)
	for _, between := range []string{"\x00", "\u202e", "\x1b[2J", "\u200b", "\r\n", "%00", `\\u0000`, "\xff",
		strings.Repeat("[", 500)} {
		f.Add(key[:9]+between+key[9:], strings.ToUpper(key)+between, 9)
		f.Add(event(key[:5]+between), event(between+key[5:]), -1)
	}
	m := maskOf(key, password)
	f.Fuzz(func(t *testing.T, before, after string, cut int) {
		text := before + key + after
		for _, got := range []string{m.Text(text), m.Body(text), m.Text(text[:min(max(cut, 0), len(text))] + "…")} {
			if strings.Contains(got, key) {
				t.Errorf("%q: got %q", text, got)
			}
		}
		if raw := json.RawMessage(text); json.Valid(raw) && !json.Valid(m.JSON(raw)) {
			t.Errorf("%q becomes %q", raw, m.JSON(raw))
		}
	})
}

func BenchmarkText(b *testing.B) {
	var s Set
	s.Headers(http.Header{"Authorization": {"Bearer sk-proj-0123456789abcdefghijklmnopqrstuv"},
		"X-Api-Key": {"0123456789abcdef"}, "Cookie": {"sid=fedcba9876543210"}})
	m := s.Mask()
	text := strings.Repeat("The quick brown fox jumps over the lazy dog; it is 50% sure that \"keys\" are no "+
		"problem.\n", 46)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if m.Text(text) != text {
			b.Fatal("masked")
		}
	}
}
