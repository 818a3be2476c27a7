package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

func file(name, content string) File {
	return File{Name: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)),
			nil
	}}
}

func packed(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if strings.HasSuffix(name, ".zst") {
		w, _ = zstd.NewWriter(&b)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// articles returns a Parquet file with the columns of CNN/DailyMail.
func articles(t testing.TB) string {
	t.Helper()
	type row struct {
		Article    string  `parquet:"article"`
		Highlights *string `parquet:"highlights,optional"`
		ID         string  `parquet:"id"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	if _, err := w.Write([]row{{"long, \"text\"", new("short one"), "1"}, {"é\n2", new("s"), "2"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every format yields the same records.
func TestFormats(t *testing.T) {
	t.Parallel()
	list := `[{"article": "long, \"text\"", "highlights": "short one", "id": 1}, {"article": "é\n2", "highlights": "s"}]`
	lines := `{"article": "long, \"text\"", "highlights": "short one"}` + "\n\n" + `{"article": "é\n2", ` +
		`"highlights": "s"}`
	table := "\ufeffarticle,highlights\n\"long, \"\"text\"\"\",short one\n\"é\n2\",s\n"
	want := []Item{{Prompt: "long, \"text\"", MaxTokens: 2}, {Prompt: "é\n2", MaxTokens: 1}}
	opts := Options{Form: AsCompletion, Count: func(s string) int { return len(strings.Fields(s)) }}
	for name, content := range map[string]string{
		"a.json": list, "b.jsonl": lines, "c.NDJSON": lines, "d.csv": table, "e.parquet": articles(t), "f": list,
		"g.json.gz": packed(t, "gz", list), "h.csv.zst": packed(t, ".zst", table),
		"i.parquet.gz":     packed(t, "gz", articles(t)),
		"unpacked.json.gz": list, "packed.jsonl": packed(t, ".zst", lines),
		"packed.parquet": packed(t, "gz", articles(t)),
	} {
		l, err := Read([]File{file(name, content)}, CNNDailyMail, opts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := all(l); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	conversation := `{"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "a b"}, ` +
		`{"from": "gpt", "value": "x"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "y z"}]}`
	whole := []Message{{"system", "S"}, {"user", "a b"}, {"assistant", "x"}, {"user", "c"}}
	for _, tt := range []struct {
		kind   Kind
		form   Form
		record string
		want   Item
	}{
		{BillSum, AsChat, conversation, Item{Messages: whole, MaxTokens: 2}},
		{BillSum, AsCompletion, conversation, Item{Prompt: "a b", MaxTokens: 1}},
		{InfinityInstruct, AsChat, conversation, Item{Messages: whole, MaxTokens: 2}},
		{InfinityInstruct, AsCompletion, conversation, Item{Prompt: "S\na b\nx\nc", MaxTokens: 2}},
		{ShareGPT, AsChat,
			`{"conversations": [{"role": "system", "content": "S"}, {"content": "a b", "role": "user"}, {"role": ` +
				`"assistant", "content": "x"}]}`, Item{Messages: whole[:2], MaxTokens: 1}},
		{ShareGPT, AsChat,
			`{"conversations": [{"role": "r", "from": "human", "content": "c", "value": "v"}, {"role": "assistant", ` +
				`"content": null}, {"role": "assistant", "content": "x"}]}`,
			Item{Messages: []Message{{"user", "v"}}, MaxTokens: 1}},
		{CNNDailyMail, AsChat, `{"article": "a b", "highlights": "c"}`,
			Item{Messages: []Message{{"user", "a b"}}, MaxTokens: 1}},
		{Prompts, AsChat, `{"prompt": "a b", "max_tokens": 7}`,
			Item{Messages: []Message{{"user", "a b"}}, MaxTokens: 7}},
		{Prompts, AsCompletion, `{"prompt": "a b", "completion": "x y z"}`, Item{Prompt: "a b", MaxTokens: 3}},
		{Prompts, AsCompletion, `{"prompt": "a b"}`, Item{Prompt: "a b"}},
		{Prompts, AsChat, `{"messages": [{"role": "user", "content": "a"}], "max_tokens": 1}`,
			Item{Chat: json.RawMessage(`[{"role": "user", "content": "a"}]`), MaxTokens: 1}},
	} {
		l, err := Read([]File{file("f.jsonl", tt.record)}, tt.kind, Options{Form: tt.form, Count: func(s string) int {
			return len(strings.Fields(s))
		}})
		if err != nil {
			t.Errorf("%d %d: %v", tt.kind, tt.form, err)
		} else if got := at(l, 0); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("kind %d, form %d: got %+v, want %+v", tt.kind, tt.form, got, tt.want)
		}
	}
}

// In tables with semicolons numbers have decimal commas; texts stay unchanged.
func TestDecimalCommas(t *testing.T) {
	t.Parallel()
	for _, table := range []string{
		"prompt;max_tokens;temperature;stop\n0,5;120,0;0,7;1,5\n",
		"sep=;\r\nprompt;Max Tokens;Temperature;stop\r\n0,5;120;0,7;1,5\r\n",
	} {
		l, err := Read([]File{file("f.csv", table)}, Prompts, Options{Form: AsCompletion})
		if err != nil {
			t.Errorf("%q: %v", table, err)
			continue
		}
		got := at(l, 0)
		var params map[string]any
		if err := json.Unmarshal(got.Params, &params); err != nil {
			t.Fatal(err)
		}
		if want := map[string]any{"temperature": 0.7, "stop": "1,5"}; got.Prompt != "0,5" || got.MaxTokens != 120 ||
			!reflect.DeepEqual(params, want) {
			t.Errorf("%q: got %q, %d, %v; want 0,5, 120, %v", table, got.Prompt, got.MaxTokens, params, want)
		}
	}
}

// Records outside of the lengths are left out and counted.
func TestLengthsFilter(t *testing.T) {
	t.Parallel()
	records := `{"prompt": "1 2 3", "max_tokens": 5} {"prompt": "1", "max_tokens": 5} {"prompt": "1 2 3 4", ` +
		`"max_tokens": 50} {"prompt": " "} {"prompt": "1 2", "max_tokens": 4}`
	opts := Options{Count: func(s string) int { return len(strings.Fields(s)) }, Input: &Distribution{Min: 2, Max: 4},
		Output: &Distribution{Min: 1, Max: 9}}
	l, err := Read([]File{file("f.jsonl", records)}, Prompts, opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Kept: 2, Empty: 1, Long: 2}); !reflect.DeepEqual(l.Counts, want) {
		t.Errorf("got %+v, want %+v", l.Counts, want)
	}
	opts.Input = &Distribution{Min: 20, Max: 40}
	if _, err := Read([]File{file("f.jsonl", records)}, Prompts, opts); err == nil ||
		!strings.Contains(err.Error(), "f.jsonl: none of 4 records has the lengths asked for") {
		t.Errorf("got %v", err)
	}
}

func TestFilesNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, content string
		kind          Kind
		want          string
	}{
		{"f.doc", "", ShareGPT, "f.doc: a data set is a file named .json, .jsonl"},
		{"f.csv", "", CNNDailyMail, "f.csv: the file is empty"},
		{"f.csv", "article,highlights\n\"a\nb\",c\nd\n", CNNDailyMail, "f.csv:4: wrong number of fields"},
		{"f.csv", "article\nx\n", CNNDailyMail, `f.csv:2: the record has no text "highlights"`},
		{"f.parquet", "PAR1", CNNDailyMail, "f.parquet: this is no Parquet file"},
		{"f.parquet", "PAR1 no", CNNDailyMail, "f.parquet: this is no Parquet file, or its end is missing"},
		{"f.parquet", articles(t)[:200], CNNDailyMail, "f.parquet: this is no Parquet file, or its end is missing"},
		{"f.parquet", "PAR1 no footer of this length \xff\xff\xff\xffPAR1", CNNDailyMail,
			"f.parquet: this is no whole Parquet file: a footer of 4294967295 bytes in 38"},
		{"f.json.gz", "no gzip at all", ShareGPT, "f.json.gz:1: invalid character 'n'"},
		{"f.json.gz", "\x1f\x8bno gzip at all", ShareGPT, "f.json.gz: gzip: invalid header"},
		{"f.json.zst", "\x28\xb5\x2f\xfdnonono", ShareGPT, "f.json.zst:1: "},
		{"f.jsonl", `{"prompt": 1}`, Prompts, `f.jsonl:1: "prompt" is no text`},
		{"f.jsonl", `{"prompt": "a", "messages": []}`, Prompts,
			`f.jsonl:1: the record has both "prompt" and "messages": set COLUMN=prompt`},
		{"f.jsonl", "\n" + `{"prompt": "a", "max_tokens": 0}`, Prompts,
			"f.jsonl:2: max_tokens must be a whole number from 1 to"},
		{"f.jsonl", `{"messages": [{"role": null}]}`, Prompts, "message 0 has no text role"},
		{"f.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"", Prompts, "f.jsonl:2: the file ends within a value"},
		{"f.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": NaN, \"b", Prompts, "f.jsonl:2: the file ends within a value"},
		{"f.jsonl", "\n{\"messages\": [}\n{\"prompt\": \"a\"}\n", Prompts,
			"f.jsonl:2: invalid character '}' looking for beginning of value, after {\"messages\": ["},
		{"f.jsonl", "{\"messages\": [}", Prompts,
			"f.jsonl:1: invalid character '}' looking for beginning of value, after {\"messages\": ["},
		{"f.jsonl", "{\"messages\": [1, 2\n{\"prompt\": \"a\"}\n", Prompts,
			"f.jsonl:2: invalid character '{' after array element"},
		{"f.jsonl", "{\"prompt\": \"a}\n{\"prompt\": \"b\"}\n", Prompts,
			"f.jsonl:1: invalid character '\\n' in string literal, after {\"prompt\": \"a}"},
		{"f.jsonl", "{\"prompt\": \"a\",}\n", Prompts,
			"f.jsonl:1: invalid character '}' looking for beginning of object key string, after {\"prompt\": \"a\","},
		{"f.json", "[\n {\n  \"prompt\": \"a\"\n  \"b\": 1\n }\n]", Prompts,
			"f.json:4: invalid character '\"' after object key:value pair"},
		{"f.jsonl", "{\"prompt\": \"" + strings.Repeat("é", 99) + "\", x}", Prompts,
			"after " + strings.Repeat("é", 14) + "\","},
		{"f.jsonl", "# a\n{\"prompt\": \"a\"}\n", Prompts,
			"f.jsonl:1: a comment begins with '#', and JSON has no comments: take the line out"},
		{"f.jsonl", "{\"prompt\": \"a\"}\n  // a\n", Prompts, "f.jsonl:2: a comment begins with '/', and JSON"},
		{"f.jsonl", "{\"prompt\": \"a\"},\n{\"prompt\": \"b\"}\n", Prompts,
			"f.jsonl:1: a comma stands after the record: records that are not in a list have none between them"},
		{"f.jsonl", `{"id": 1, "messages": []}`, ShareGPT,
			`f.jsonl:1: the record has no list "conversations"; this one has "id", "messages": type 'prompts' (scripts/prompts.js) ` +
				`reads such records`},
		{"f.jsonl", `{"prompt": "a"}`, ShareGPT, `this one has "prompt": type 'prompts' (scripts/prompts.js) reads such records`},
		{"f.jsonl", `{"conversations": []}`, Prompts,
			`it has conversations: type 'shareGPT' (scripts/sharegpt.js) reads such records`},
		{"f.jsonl", `{"question": "a"}`, ShareGPT,
			`this one has "question": type 'prompts' (scripts/prompts.js) reads such records`},
		{"f.jsonl", `{"article": "a", "highlights": "b"}`, Prompts, `type 'cnn_dailymail' (scripts/cnn-dailymail.js) reads such records`},
		{"f.jsonl", `{"messages": []}`, CNNDailyMail,
			`the record has no text "article"; this one has "messages": type 'prompts' (scripts/prompts.js) reads such records`},
		{"f.jsonl", `{"conversations": [{"role": "user", "value": 1}]}`, ShareGPT,
			`turn 0 is not {"from": …, "value": …} or {"role": …, "content": …}`},
	} {
		_, err := Read([]File{file(tt.name, tt.content)}, tt.kind, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %.30q: got %v, want %s", tt.name, tt.content, err, tt.want)
		}
	}
	if _, err := Read([]File{file("f.jsonl", `{"messages": [{"role": "user", "content": "a"}]}`)}, Prompts,
		Options{Form: AsCompletion}); err == nil || !strings.Contains(err.Error(), "the record is a chat") {
		t.Errorf("a chat as a completion: %v", err)
	}
	if _, err := Read([]File{file("a.json", "[]"), file("b.json", "[]")}, Prompts, Options{}); err == nil ||
		!strings.Contains(err.Error(), "a.json and 1 more: no record") {
		t.Errorf("empty lists: %v", err)
	}
}

// Every file yields items or an error.
func FuzzFiles(f *testing.F) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[struct{ Article, Highlights string }](&b)
	_, _ = w.Write([]struct{ Article, Highlights string }{{"a", "b"}})
	_ = w.Close()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte{0}, 1<<20))
	_ = z.Close()
	for i, seed := range []string{
		bomb.String(), bomb.String()[:200], "{\"prompt\":\"a\x00\u202e\x1b[2J\"}", strings.Repeat(`[{"a":`, 300),
		"\xff\xfe{\x00", `{"prompt":"a","max_tokens":-1}{"prompt":"b","max_tokens":1e308}`,
		"prompt,a\n=1,\"\n", `{"messages":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}",
		"(\xb5/\xfd\x00", `[{"article":"a","highlights":"b"}]`, "article,highlights\na,b\n", b.String(),
		`{"prompt":"a"}{"messages":[{"role":"user","content":"b"}]}`,
		"\ufeff" + `[{"messages":"[{\"role\":\"user\",\"content\":[]}]","top_p":NaN,"stop":"x","extra":{"seed":1}}]`,
		"\ufeffPrompt;top_p\r\na;\"[1\"\r\n;\r\n", `{"custom_id":1,"body":{"prompt":"a","max_tokens":"3.0"}}`} {
		f.Add([]byte(seed), i%4, i%5)
		f.Add([]byte(seed), i%2, int(Prompts))
	}
	f.Fuzz(func(t *testing.T, data []byte, format, kind int) {
		name := "f" + []string{".json", ".csv", ".parquet", ".jsonl"}[uint(format)%4]
		l, err := Read([]File{file(name, string(data))}, Kind(uint(kind)%5), Options{})
		if err == nil && l.Counts.Kept < 1 {
			t.Errorf("%s: %+v", name, l.Counts)
		}
		if err == nil {
			if _, err := json.Marshal(at(l, 0)); err != nil { // which checks Chat and Params
				t.Error(err)
			}
		}
	})
}
