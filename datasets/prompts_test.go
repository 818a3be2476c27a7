package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/parquet-go/parquet-go"
)

// Messages and the parameters of a request are kept as they stand; fields that no request has are counted.
func TestPrompts(t *testing.T) {
	t.Parallel()
	const chat = `[{"role": "user", "content": "w?", "name": "u"}, {"role": "assistant", "content": null, ` +
		`"tool_calls": [{"id": "c"}]}, {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": ` +
		`"20"}]}]`
	for _, tt := range []struct {
		name, record, messages, params string
		limit                          int
		left                           string // fields that are left out
	}{
		{"messages", `{"messages": ` + chat + `, "max_tokens": 9}`, chat, "", 9, ""},
		{"parameters",
			`{"messages": ` + chat + `, "tools": [{"b": 1, "a": 2}], "tool_choice": "auto", "temperature": 0.20, ` +
				`"ignore_eos": false, "stop": "\n", "id": 7, "model": "x"}`,
			chat, `{"tools":[{"b": 1, "a": 2}],"tool_choice":"auto","temperature":0.20,"ignore_eos":false,"stop":"\n"}`,
			0, "model (1)"},
		{"what is not there",
			`{"messages": ` + chat + `, "prompt": null, "tools": null, "temperature": NaN, "top_p": "", ` +
				`"max_tokens": null, "note": Infinity, "stop": ""}`, chat, "", 0, ""},
		{"NaN inside", `{"messages": [{"role": "user", "content": "NaN", "score": NaN}], "seed": -1}`,
			`[{"role": "user", "content": "NaN", "score": null}]`, `{"seed":-1}`, 0, ""},
		{"cells", `{"messages": "[{\"role\": \"user\", \"content\": null}]", "temperature": "0.5", "ignore_eos": ` +
			`"False", "tools": "[{}]", "stop": "5", "tool_choice": "{\"type\": \"function\"}", "max_tokens": "120.0"}`,
			`[{"role": "user", "content": null}]`,
			`{"temperature":0.5,"ignore_eos":false,"tools":[{}],"stop":"5","tool_choice":{"type": "function"}}`, 120,
			""},
		{"cells of nothing",
			`{"messages": ` + chat + `, "max_tokens": "NaN", "top_p": "None", "seed": "inf", "tool_choice": "none", ` +
				`"tools": " "}`, chat, `{"tool_choice":"none"}`, 0, ""},
		{"a head line's names", `{" Messages ": ` + chat + `, "Max Tokens": 120.0, "Top-P": 1}`, chat, `{"top_p":1}`,
			120, ""},
		{"a line of a batch", `{"custom_id": "r", "method": "POST", "url": "/v1", "body": {"messages": ` + chat +
			`, "max_completion_tokens": 5, "stream": true}}`, chat, "", 5, "method (1), stream (1)"},
		{"fields on the side",
			`{"messages": ` + chat + `, "extra": {"min_tokens": 3, "max_tokens": null, "seed": null, "model": "x", ` +
				`"any": [1], "output_tokens": 4}, "body": {"prompt": "no batch"}}`, chat, `{"min_tokens":3,"any":[1]}`,
			4, "body (1), model (1)"},
		{"several limits", `{"messages": ` + chat + `, "output_length": 7, "output_tokens": 1.2e2, "max_tokens": 120}`,
			chat, "", 120, "output_length (1)"},
	} {
		l, err := Read([]File{file("f.jsonl", tt.record)}, Prompts, Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := Item{Chat: json.RawMessage(tt.messages), MaxTokens: tt.limit}
		if tt.params != "" {
			want.Params = json.RawMessage(tt.params)
		}
		if got := at(l, 0); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s %s %d, want %s %s %d", tt.name, got.Chat, got.Params, got.MaxTokens, want.Chat,
				want.Params, want.MaxTokens)
		}
		if got := listCounts(l.Counts.Fields); got != tt.left {
			t.Errorf("%s: left out %q, want %q", tt.name, got, tt.left)
		}
	}
}

func TestPromptsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`{"text": "a", "output_tokens": 1}`: `f.jsonl:1: needs "prompt" or "messages"; it has text, output_tokens: ` +
			`set COLUMN=text (column: 'text')`,
		`{"id": "1", "Word": "a", "n": 1}`: `it has id, Word, n: set COLUMN=Word (column: 'Word')`,
		`{"id": 1, "n": 2}`:                `it has id, n: none of them is a text`,
		`{}`:                               `f.jsonl:1: needs "prompt" or "messages"`,
		`{"prompt": {"0": "a"}, "max_tokens": {}}`:    `"prompt" is an object: pandas writes a file by columns`,
		`{"messages": "[{'role': 'user'}]"}`:          `"messages" is not a list in JSON: "[{'role': 'user'}]"`,
		`{"messages": [1]}`:                           "message 0 has no text role",
		`{"messages": [{"role": "a", "content": 1}]}`: "message 0: content is no text, no list of parts and not null",
		`{"prompt": "a", "output_tokens": 1.5}`: "output_tokens must be a whole number from 1 to 16777216, " +
			"got 1.5",
		`{"prompt": "a", "max_tokens": "x"}`:           `max_tokens must be a whole number from 1 to 16777216, got "x"`,
		`{"prompt": "a", "max_tokens": true}`:          "max_tokens must be a whole number",
		"{\"prompt\": \"caf\xe9\"}":                    "f.jsonl:1: the text is not UTF-8: save the file as UTF-8",
		`{"prompt": "a", "x": Nan}`:                    "invalid character 'N'",
		"{\x00\"\x00p\x00":                             "f.jsonl: the file is UTF-16",
		`{"prompt": " "}` + "\n" + `{"prompt": null}`:  "f.jsonl: none of 2 records has a question",
		`{"custom_id": "r", "body": {"input": "a"}}`:   `needs "prompt" or "messages"; it has custom_id, body`,
		`{"messages": [], "prompt": null, "tools":[]}`: "none of 1 records",
	} {
		if _, err := Read([]File{file("f.jsonl", record)}, Prompts, Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", record, err, want)
		}
	}
}

// Lengths count the texts of a chat, including texts among parts.
func TestLengthsOfChats(t *testing.T) {
	t.Parallel()
	records := `{"messages": [{"role": "user", "content": "1 2"}, {"role": "assistant", "content": null}, {"role": "user", "content": [{"type": "text", "text": "3"}, {"type": "image_url", "image_url": {}}]}]}
		{"messages": [{"role": "user", "content": "1"}]}`
	opts := Options{Count: func(s string) int { return len(strings.Fields(s)) }, Input: &Distribution{Min: 3, Max: 3}}
	l, err := Read([]File{file("f.jsonl", records)}, Prompts, opts)
	if err != nil {
		t.Fatal(err)
	}
	if l.Counts.Kept != 1 || l.Counts.Long != 1 {
		t.Errorf("got %+v, want one of each", l.Counts)
	}
}

// Files are read whichever program wrote them.
func TestFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	const mark = "\ufeff"
	lines := "{\"prompt\": \"a\", \"max_tokens\": 3}\r\n\r\n{\"prompt\": \"b; c\", \"max_tokens\": null}"
	array := "[{\"prompt\": \"a\", \"max_tokens\": 3},\r\n {\"prompt\": \"b; c\"}]\r\n"
	want := []Item{{Prompt: "a", MaxTokens: 3}, {Prompt: "b; c"}}
	for name, content := range map[string]string{
		"two.jsonl": strings.Replace(mark+lines, "\r\n\r\n", "\r\n"+mark, 1),
		"mark.json": mark + array, "mark.jsonl": mark + lines, "mark": mark + array,
		"mark.json.gz": packed(t, "gz", mark+array), "mark.jsonl.zst": packed(t, ".zst", mark+lines),
		"pandas.csv":  ",prompt,max_tokens\n0,a,3.0\n1,b; c,\n",
		"excel.csv":   mark + "Max Tokens;Prompt\r\n3;a\r\n;\"b; c\"\r\n;\r\n;;;\r\n",
		"order.csv":   "note,max_tokens,prompt\nNaN,\"3\",a\n,,b; c",
		"old mac.csv": "prompt,max_tokens\ra,3\rb; c,",
		"tabs.tsv":    "prompt\tmax_tokens\na\t3\nb; c\t\n",
		"tabs.csv.gz": packed(t, "gz", mark+"prompt\tmax_tokens\na\t3\nb; c\t\n"),
	} {
		l, err := Read([]File{file(name, content)}, Prompts, Options{Form: AsCompletion})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := all(l); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	for content, want := range map[string]string{
		"\xff\xfep\x00":             "f.csv: the file is UTF-16",
		"prompt\ncaf\xe9\n":         "f.csv:2: the text is not UTF-8",
		"prompt, Prompt\na,b":       `f.csv: the head line has two columns "prompt"`,
		"prompt\na,b\n":             "f.csv:2: wrong number of fields: 2, and 1 names in the head line",
		"prompt,max_tokens\na,3\nb": "f.csv:3: wrong number of fields: 1, and 2 names in the head line",
		"Question,max tokens\n\na,3": `f.csv:3: needs "prompt" or "messages"; it has Question, max tokens: ` +
			`set COLUMN=Question (column: 'Question')`,
	} {
		if _, err := Read([]File{file("f.csv", content)}, Prompts, Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", content, err, want)
		}
	}
}

// Columns of Parquet have every field in every message, and numbers that JSON does not have.
func TestParquetAsItIs(t *testing.T) {
	t.Parallel()
	type message struct {
		Role    string  `parquet:"role"`
		Content *string `parquet:"content,optional"`
		ToolID  *string `parquet:"tool_call_id,optional"`
	}
	type row struct {
		Messages []message `parquet:"messages,list"`
		Score    float64   `parquet:"score"`
		Limit    float64   `parquet:"max_tokens"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	var zero float64
	_, err := w.Write([]row{{[]message{{"user", new("a"), nil}, {"assistant", nil, nil}, {"tool", new("b"), new("c")}},
		0 / zero, 12}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := Read([]File{file("f.parquet", b.String())}, Prompts, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"content":"a","role":"user"},{"content":null,"role":"assistant"},{"content":"b","role":"tool","tool_call_id":"c"}]`
	if got := at(l, 0); string(got.Chat) != want || got.MaxTokens != 12 || got.Params != nil {
		t.Errorf("got %s, %d, %s; want %s", got.Chat, got.MaxTokens, got.Params, want)
	}
}

// Data left out of conversations is counted and described.
func TestCounts(t *testing.T) {
	t.Parallel()
	records := `{"id": "1", "conversations": [{"from": "gpt", "value": "welcome"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": null}, {"from": "gpt", "value": "a", "weight": 1}]}
		{"id": "2", "conversations": [{"from": "function", "value": "q"}, {"from": "gpt", "value": "a"}], "tools": "[]"}
		{"conversations": "[{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\", \"value\": \"long\"}]"}
		{"conversations": [{"from": "gpt", "value": "a"}]}
		{"conversations": ""}`
	opts := Options{Count: func(s string) int { return len(s) }, Output: &Distribution{Min: 1, Max: 3}}
	l, err := Read([]File{file("f.jsonl", records)}, ShareGPT, opts)
	if err != nil {
		t.Fatal(err)
	}
	want := "2 records; left out: 2 of 5 without a question and an answer, 1 of 5 outside of the lengths asked for, " +
		"3 turns without text, before the first question or without an answer, the fields tools (1), weight (1); " +
		"taken for the user: turns of function (1)"
	if got := l.Counts.String(); got != want || !l.Counts.LeftOut() {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	one := Counts{Kept: 1, Turns: 1, Fields: map[string]int64{"note": 1}}
	if got, want := one.String(),
		"1 record; left out: 1 turn without text, before the first question or without an answer, the field note "+
			"(1)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (Counts{Kept: 3}); got.String() != "3 records" || got.LeftOut() {
		t.Errorf("got %s, left out: %t", got, got.LeftOut())
	}
}

// Fields that only identify a record are left out without being counted.
func TestIdentityIsNotCounted(t *testing.T) {
	t.Parallel()
	for kind, record := range map[Kind]string{
		ShareGPT: `{"id": 1, "Conversation ID": 2, "": 3, "lang": "en", "conversations": [{"from": "human", ` +
			`"value": "q", "id": 1}, {"from": "gpt", "value": "a"}]}`,
		CNNDailyMail: `{"id": 1, "url": "x", "article": "q", "highlights": "a"}`,
		Prompts:      `{"_id": 1, "source": "x", "index": 7, "prompt": "q"}`,
	} {
		l, err := Read([]File{file("f.jsonl", record)}, kind, Options{})
		if err != nil || l.Counts.LeftOut() {
			t.Errorf("%s: got %v, %v", record, l, err)
		}
	}
}

// Counted names last, although the buffer they were read from does not.
func TestCountsKeepTheirNames(t *testing.T) {
	t.Parallel()
	text := `{"siz\u0065": 1, "note": 1, "conversations": [{"from": "human", "value": "a"}, {"from": "tool", ` +
		`"value": "a"}, {"from": "gpt", "value": "b"}]}` +
		`{"conversations": [{"from": "human", "value": "` + strings.Repeat("a", 200) +
		`"}, {"from": "gpt", "value": "b\n"}]}`
	// each record overwrites the record before it
	src := iotest.OneByteReader(strings.NewReader(strings.Repeat(text, 20)))
	f := File{Name: "f.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(src), nil }}
	l, err := Read([]File{f}, ShareGPT, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listCounts(l.Counts.Fields) + "; " +
		listCounts(l.Counts.Speakers); got != "note (20), size (20); tool (20)" {
		t.Errorf("got %s", got)
	}
}

// Files that use ids as names do not fill the memory.
func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(`{"prompt": "a", "id` + strings.Repeat("x", i) + `": 1}`)
	}
	l, err := Read([]File{file("f.jsonl", b.String())}, Prompts, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Counts.Fields) != maxNames {
		t.Errorf("%d names are counted, want %d", len(l.Counts.Fields), maxNames)
	}
}

// The page names every field that is sent on, and every limit.
func TestPageNamesParameters(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Collect(maps.Keys(parameters)), limitNames[:]...) {
		if !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("docs/datasets.md does not name `%s`", name)
		}
	}
}

// The prompt may be in any field, and in a text it is a line.
func TestPromptsOfAnyColumn(t *testing.T) {
	t.Parallel()
	const chat = `[{"role":"user","content":"a"}]`
	for _, tt := range []struct{ name, content, column, want string }{
		{"f.jsonl", `{"question": "a", "prompt": "b", "max_tokens": 3}`, "question", "a 3"},
		{"f.jsonl", `{"User Prompt": "a"}`, "user_prompt", "a 0"},
		{"f.jsonl", `{"chat": ` + chat + `, "prompt": "b"}`, "chat", chat + " 0"},
		{"f.csv", "id,Question\n1,\"a, b\"\n", "question", "a, b 0"},
		{"f.tsv", "id\ttext\toutput_tokens\n1\ta\t9\n", "text", "a 9"},
		{"f.txt", "\n a \"b\" \r\n", "", ` a "b"  0`},
		{"f.txt.gz", packed(t, "gz", "a"), "", "a 0"},
		{"f", "a\n", "", "a 0"},
		{"f", " \n{\"prompt\": \"a\"}\n", "", "a 0"},
		{"f", articles(t), "article", `long, "text" 0`},
		{"f", packed(t, "zst", articles(t)), "article", `long, "text" 0`},
		{"f.jsonl", `{"text": "a"}`, "question",
			`f.jsonl:1: needs "question"; it has text: set COLUMN=text (column: 'text')`},
		{"f.jsonl", `{"question": 1}`, "question", `f.jsonl:1: "question" is no text and no list of messages`},
		{"f.txt", "a\n", "question", `f.txt:1: needs "question"; it has prompt: set COLUMN=prompt (column: 'prompt')`},
		{"f.txt", "a\ncaf\xe9\n", "", "f.txt:2: the text is not UTF-8"},
	} {
		list, err := Read([]File{file(tt.name, tt.content)}, Prompts, Options{Column: tt.column, Form: AsCompletion})
		if err != nil && strings.Contains(err.Error(), "completions are asked for") {
			list, err = Read([]File{file(tt.name, tt.content)}, Prompts, Options{Column: tt.column})
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%s %q of %.40q: got %v, want %s", tt.name, tt.column, tt.content, err, tt.want)
			}
			continue
		}
		item := at(list, 0)
		if got := fmt.Sprint(item.Prompt+string(item.Chat), " ", item.MaxTokens); got != tt.want {
			t.Errorf("%s %q of %.40q: got %s, want %s", tt.name, tt.column, tt.content, got, tt.want)
		}
	}
}
