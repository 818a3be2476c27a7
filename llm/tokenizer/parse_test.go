package tokenizer

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// file is a tokenizer.json with the given sections; the others are null, and
// the model, unless given, is a small one.
func file(sections ...string) string {
	all := strings.Join(sections, ",")
	if !strings.Contains(all, `"model"`) {
		sections = append(sections, `"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"▁":3},"merges":["a b"]}`)
	}
	return "{" + strings.Join(sections, ",") + "}"
}

// A file counts alike with the byte order mark and the line ends of Windows, and whatever Python writes for infinity.
func TestParseTakesFilesAsTheyAre(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(file(`"truncation":{"max_length":Infinity,"stride":NaN}`, `"version":"1.0"`),
		",", ",\r\n")
	tok, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Encode("abb"); !slices.Equal(got, []int32{2, 1}) {
		t.Errorf("got %v, want [2 1]", got)
	}
}

// An error names every part that is wrong or not supported, together with its place.
func TestParseErrors(t *testing.T) {
	split := func(regex string) string {
		return file(
			`"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"Split","pattern":{"Regex":"` + regex + `"},"behavior":"Isolated","invert":false}]}`)
	}
	model := func(fields string) string { return file(`"model":{` + fields + `}`) }
	tests := map[string]struct{ file, want string }{
		"empty":         {``, "unexpected end of JSON input"},
		"cut off":       {`{"model":{"vocab"`, "unexpected end of JSON input"},
		"not an object": {`[1]`, "not a JSON object"},
		"UTF-16":        {"\xff\xfe{\x00}\x00", "tokenizer file: the file is UTF-16"},
		"deep":          {strings.Repeat("[", 1<<20), "exceeded max depth"},
		"no model":      {`{}`, `model: field "vocab" is missing`},
		"unknown model": {model(`"type":"Bytes"`), `model "Bytes" is not supported`},
		"dropout": {model(`"type":"BPE","dropout":0.1,"vocab":{},"merges":[]`),
			"dropout 0.1 is not supported"},
		"no merges":    {model(`"type":"BPE","vocab":{"a":0}`), `model: BPE: field "merges" is missing`},
		"merge of one": {model(`"type":"BPE","vocab":{"a":0},"merges":["a"]`), "entry 0 is not two tokens"},
		"merge of three": {model(`"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]`),
			"entry 0 is not two tokens"},
		"merges by name": {model(`"type":"BPE","vocab":{"a":0},"merges":{"a":"a a"}`),
			`model: BPE: field "merges" is not a list`},
		"merge unknown, then one malformed": {model(`"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a","a b","a"]`),
			`entry 1 ("a" and "b") is not of the vocabulary`},
		"merge unknown": {model(`"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]`),
			`entry 0 ("a" and "b") is not of the vocabulary`},
		"id negative": {model(`"type":"BPE","vocab":{"a":-1},"merges":[]`), `token "a" has id -1`},
		"id too large": {model(`"type":"BPE","vocab":{"a":4294967296},"merges":[]`),
			`token "a" has id 4294967296`},
		"id a fraction": {model(`"type":"BPE","vocab":{"a":0.5},"merges":[]`), `token "a" has id 0.5`},
		"unk not there": {
			model(`"type":"WordPiece","vocab":{"a":0},"unk_token":"[U]","continuing_subword_prefix":"","max_input_chars_per_word":9`), `unk_token "[U]" is not in the vocabulary`},
		"unk_id too large": {model(`"type":"Unigram","vocab":[["a",0]],"unk_id":1`),
			"unk_id 1 is not in the vocabulary"},
		"score missing": {model(`"type":"Unigram","vocab":[["a"]],"unk_id":0`),
			"entry 0 is not a token with its score"},
		"unknown normalizer": {
			file(`"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Turn"}]}`),
			`normalizer.normalizers.1: normalizer "Turn" is not supported`},
		"missing flag": {file(`"normalizer":{"type":"Strip","strip_left":true}`),
			`normalizer: Strip: field "strip_right" is missing`},
		"wrong type": {file(`"normalizer":{"type":"Prepend","prepend":1}`),
			`Prepend: field "prepend" is of the wrong type`},
		"charsmap not base64": {file(`"normalizer":{"type":"Precompiled","precompiled_charsmap":"%"}`),
			"precompiled_charsmap: illegal base64"},
		"charsmap cut": {file(`"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="}`),
			"a trie of 4294967295 bytes in 0"},
		"unknown pre-tokenizer": {file(`"pre_tokenizer":{"type":"UnicodeScripts"}`),
			`pre-tokenizer "UnicodeScripts" is not supported`},
		"unknown behavior": {file(`"pre_tokenizer":{"type":"Punctuation","behavior":"Odd"}`),
			`split behavior "Odd" is not supported`},
		"mark too long": {file(`"pre_tokenizer":{"type":"Metaspace","replacement":"__"}`),
			`field "replacement" must be one character, got "__"`},
		"prefix space": {
			file(`"pre_tokenizer":{"type":"Metaspace","replacement":"_","add_prefix_space":false}`),
			"add_prefix_space does not match prepend_scheme"},
		"unknown decoder":   {file(`"decoder":{"type":"CTC"}`), `decoder "CTC" is not supported`},
		"unknown processor": {file(`"post_processor":{"type":"Odd"}`), `post-processor "Odd" is not supported`},
		"template without id": {
			file(`"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`), `special token "<s>" has no id`},
		"template of two": {
			file(`"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`), "a template with 2 texts"},
		"added token": {file(`"added_tokens":[{"id":1,"content":"x"}]`),
			`added_tokens.0: field "single_word" is missing`},

		"regex place":      {split(`(`), `pre_tokenizer.pretokenizers.1: regular expression "(": missing )`},
		"regex unmatched":  {split(`a)`), "unmatched )"},
		"regex class":      {split(`[a`), "missing ]"},
		"regex range":      {split(`[z-a]`), "out of order"},
		"regex set range":  {split(`[\\w-z]`), "not between characters"},
		"regex posix":      {split(`[[:alpha:]]`), `class "[:alpha:]]" is not supported`},
		"regex boundary":   {split(`\\b`), `escape \b is not supported`},
		"regex back":       {split(`(a)\\1`), `escape \1 is not supported`},
		"regex property":   {split(`\\p{Greek}`), `property \p{Greek} is not supported`},
		"regex group":      {split(`(?<n>a)`), `group "(?<n" is not supported`},
		"regex flag":       {split(`a(?i)b`), `group "(?i)" is not supported`},
		"regex ligature":   {split(`(?i:ss)`), "letters that have a ligature"},
		"regex fold":       {split(`(?i:ß)`), "letters beyond ASCII"},
		"regex nothing":    {split(`+`), "nothing to repeat at byte 0"},
		"regex repeat":     {split(`a{9,1}`), "repetition {9,1} is out of order"},
		"regex deep":       {split(strings.Repeat("(", 1000)), "groups nested deeper than 100"},
		"regex code point": {split(`\\x{110000}`), `\x110000 is no code point`},
		"regex byte":       {split(`\\xff`), "names a byte"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %s", err, tt.want)
			}
		})
	}
}

// A model whose "type" the file leaves out is recognised by its fields.
func TestModelGuessed(t *testing.T) {
	tests := map[string]struct {
		model string
		want  []int32 // of "ab z"
	}{
		"BPE":       {`{"vocab":{"a":5,"b":6,"ab":7,"z":8},"merges":["a b"]}`, []int32{7, 8}},
		"WordLevel": {`{"vocab":{"ab z":4,"[U]":1},"unk_token":"[U]"}`, []int32{4}},
		"WordPiece": {`{"vocab":{"ab":0,"[U]":1,"## ` +
			`":2,"##z":3},"unk_token":"[U]","continuing_subword_prefix":"##","max_input_chars_per_word":9}`,
			[]int32{0, 2, 3}},
		"Unigram": {`{"vocab":[["a",-1],["b",-2],["ab",-9],["?",-3]],"unk_id":3}`, []int32{0, 1, 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tok, err := Parse([]byte(file(`"model":` + tt.model)))
			if err != nil {
				t.Fatal(err)
			}
			if got := tok.Encode("ab z"); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Keys and texts may have escape sequences; of what is given twice the last counts; the line of a version, which files
// of merges begin with, is no merge.
func TestOddModels(t *testing.T) {
	for model, want := range map[string][]int32{ // ids of "aab"
		`"mod\u0065l":{"type":"BPE","voc\u0061b":{"\u0061":1,"b":2,"a\u0062":3},"merges":["a\u0020b"]}`:            {1, 3},
		`"model":{"type":"BPE","vocab":{"z":0},"vocab":{"a":1,"b":2,"ab":3},"merges":["a z"],"merges":["a b"]}`:    {1, 3},
		`"model":[],"model":{"type":"BPE","vocab":{"a":1,"b":2,"ab":3,"a":4,"ab":5},"merges":[["a","b"]]}`:         {4, 5},
		`"model":{"type":"BPE","vocab":{"a":7e0,"b":2,"ab":30,"aab":1.0},"merges":["#version: 0.2","a b","a ab"]}`: {1},
	} {
		tok, err := Parse([]byte("{" + model + "}"))
		if err != nil {
			t.Fatalf("%s: %v", model, err)
		}
		if got := tok.Encode("aab"); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", model, got, want)
		}
	}
}

// A tokenizer shares no memory with the file that it was read from.
func TestParseKeepsNoneOfItsInput(t *testing.T) {
	texts := lines[string](t, "testdata/texts.jsonl")
	for _, name := range names(t) {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		tok, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] = '!'
		}
		want := load(t, name)
		for _, text := range texts {
			ids := want.EncodeSpecial(text)
			if got := tok.EncodeSpecial(text); !slices.Equal(got, ids) {
				t.Errorf("%s: %q: got %v, want %v", name, text, got, ids)
			}
			if got, want := tok.Decode(ids, false), want.Decode(ids, false); got != want {
				t.Errorf("%s: decoded %q, want %q", name, got, want)
			}
		}
	}
}

// The ids that a file states for added tokens are ignored.
func TestAddedTokenIDs(t *testing.T) {
	added := func(content string) string {
		return `{"id":70,"content":"` + content +
			`","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}`
	}
	tok, err := Parse(
		[]byte(file(`"added_tokens":[` + strings.Join([]string{added("X"), added("b"), added(""), added("X"),
			added("Y")}, ",") + `]`)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tok.Encode("XbYab"), []int32{4, 1, 5, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := tok.Len(); got != 6 {
		t.Errorf("Len() = %d, want 6", got)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := t.TempDir() + "/tokenizer.json"
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("cut file: %v", err)
	}
}
