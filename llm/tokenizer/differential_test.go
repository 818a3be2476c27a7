package tokenizer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/tidwall/gjson"
)

// reference is Hugging Face's own library, in a Python process.
type reference struct {
	in  io.Writer
	out *bufio.Reader
}

type referenceJob struct {
	Tokenizer string   `json:"tokenizer"`
	Texts     []string `json:"texts"`
	Seconds   float64  `json:"seconds,omitempty"`
}

type referenceAnswer struct {
	Error string
	Rows  []golden
	Rate  float64
}

// startReference starts the Python interpreter of the tests, and skips the test if that has no tokenizers library of
// the version that this package follows.
func startReference(t testing.TB) *reference {
	t.Helper()
	python := testenv.Python(t, "tokenizers")
	out, err := exec.Command(python, "-c", "import tokenizers; print(tokenizers.__version__)").CombinedOutput()
	if version := strings.TrimSpace(string(out)); err != nil || !strings.HasPrefix(version, "0.23.") {
		testenv.Skip(t, "Python's tokenizers 0.23", "make deps", python, " has ", version)
	}
	cmd := exec.Command(python, "testdata/reference.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &reference{in, bufio.NewReader(stdout)}
}

func (r *reference) do(t testing.TB, job referenceJob) referenceAnswer {
	t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.in.Write(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := r.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("reference died: %v", err)
	}
	var answer referenceAnswer
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestDifferential compares random texts, under every tokenizer of testdata and under newly combined parts.
// LLM_TEST_TEXTS sets the number of texts for each; with LLM_TEST_EVERY the parts get every character of Unicode
// instead.
func TestDifferential(t *testing.T) {
	ref := startReference(t)
	n := 300
	if s := os.Getenv("LLM_TEST_TEXTS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	seed := rand.Uint64()
	t.Logf("seed %d, %d texts a tokenizer", seed, n)
	random := &texts{rand.New(rand.NewPCG(seed, 1)), lines[string](t, "testdata/texts.jsonl")}
	for _, name := range names(t) {
		data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { compare(t, ref, string(data), random.many(n)) })
	}
	for _, v := range variants {
		t.Run(v.section+"/"+v.name(), func(t *testing.T) {
			given := random.many(max(1, n/4))
			if os.Getenv("LLM_TEST_EVERY") != "" {
				given = everyCharacter()
			}
			compare(t, ref, v.file(t), given)
		})
	}
}

func compare(t *testing.T, ref *reference, file string, texts []string) {
	t.Helper()
	tok, err := Parse([]byte(file))
	want := ref.do(t, referenceJob{Tokenizer: file, Texts: texts})
	if want.Error != "" && err != nil {
		return
	}
	if want.Error != "" {
		t.Fatalf("reference: %s", want.Error)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range want.Rows {
		checkGolden(t, tok, texts[i], row)
		if t.Failed() {
			t.Fatal("stopped at the first difference")
		}
	}
}

// texts makes random texts out of given ones and out of random characters.
type texts struct {
	*rand.Rand
	pool []string
}

func (r *texts) many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = r.text()
	}
	return out
}

func (r *texts) text() string {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		switch r.IntN(4) {
		case 0, 1:
			from := []rune(r.pool[r.IntN(len(r.pool))])
			if len(from) > 0 {
				start := r.IntN(len(from))
				b.WriteString(string(from[start:min(len(from), start+1+r.IntN(30))]))
			}
		case 2:
			for range 1 + r.IntN(8) {
				b.WriteRune(r.rune())
			}
		default:
			b.WriteString([]string{" ", "  ", "\n", "a", "É", "e\u0301", "的", "1", "'s", ".", "\u200d", "▁", "\t",
				"\r\n"}[r.IntN(14)])
		}
	}
	return b.String()
}

func (r *texts) rune() rune {
	blocks := [][2]rune{{0, 0x7f}, {0x80, 0x24f}, {0x300, 0x36f}, {0x370, 0x1fff}, {0x2000, 0x2bff}, {0x2c00, 0xd7ff},
		{0xe000, 0xffff}, {0x10000, 0x1ffff}, {0x20000, 0x10ffff}}
	block := blocks[r.IntN(len(blocks))]
	return block[0] + rune(r.Int64N(int64(block[1]-block[0]+1)))
}

// everyCharacter returns texts that hold each code point: between letters, alone, before a mark, and after a letter
// that some marks join.
func everyCharacter() []string {
	var out []string
	var b strings.Builder
	for r := range rune(unicode.MaxRune + 1) {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		fmt.Fprintf(&b, "a%cb %c e%c\u0323 %c\u0301. ", r, r, r, r)
		if r%64 == 63 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	return out
}

// variant is a file of testdata with one section replaced.
type variant struct {
	base, section, json string
}

func (v variant) name() string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`{}" /`, r) {
			return -1
		}
		return r
	}, v.json[:min(len(v.json), 90)])
}

func (v variant) file(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", v.base+".json"))
	if err != nil {
		t.Fatal(err)
	}
	old := gjson.GetBytes(data, v.section)
	if !old.Exists() {
		t.Fatalf("%s has no %s", v.base, v.section)
	}
	return string(slices.Concat(data[:old.Index], []byte(v.json), data[old.Index+len(old.Raw):]))
}

// variants are parts that no file of testdata has, and unusual uses of parts that some file has.
var variants = func() []variant {
	var out []variant
	add := func(base, section string, parts ...string) {
		for _, p := range parts {
			out = append(out, variant{base, section, p})
		}
	}
	add("bpe-gpt2", "normalizer", // byte-level, so it decodes to the normalized text
		`{"type":"NFC"}`, `{"type":"NFD"}`, `{"type":"NFKC"}`, `{"type":"NFKD"}`, `{"type":"Lowercase"}`,
		`{"type":"StripAccents"}`, `{"type":"Nmt"}`,
		`{"type":"Strip","strip_left":true,"strip_right":false}`,
		`{"type":"Strip","strip_left":false,"strip_right":true}`, `{"type":"Prepend","prepend":"ab"}`,
		`{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "}`,
		`{"type":"Replace","pattern":{"String":"the"},"content":""}`, `{"type":"ByteLevel"}`,
		`{"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":true,"strip_accents":true,"lowercase":false}`)
	for _, b := range []string{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"} {
		for _, invert := range []bool{false, true} {
			for _, p := range []string{`{"String":" "}`, `{"Regex":"[aeiou ]"}`, `{"Regex":"(?=[A-Z])|x*"}`} {
				add("bpe-misc", "pre_tokenizer",
					fmt.Sprintf(`{"type":"Split","pattern":%s,"behavior":"%s","invert":%v}`, p, b, invert))
			}
		}
		add("bpe-misc", "pre_tokenizer", fmt.Sprintf(`{"type":"Punctuation","behavior":"%s"}`, b))
	}
	for _, regex := range []string{
		`\\w+|[^\\w\\s]+`, `(?<=a)b|\\d+`, `(?i)the|and`, `(?i:the)[a-z]*?s`, `(\\p{Lu}\\p{Ll}+)+`, `^.|.$`,
		`[\\p{L}&&[^a-m]]+`, `a++b|\\S{2,3}`,
		`(?:\\p{Han}|\\p{Hiragana})+`, `\\h+`, `(?>a|ab)c|\\p{^L}`, `\\Aa|\\z|[\\w--z]`, `\\p{L}{2}{1,2}`, `x{,2}y|{`,
	} {
		add("bpe-misc", "pre_tokenizer", `{"type":"Split","pattern":{"Regex":"`+regex+
			`"},"behavior":"Isolated","invert":false}`)
	}
	add("bpe-misc", "pre_tokenizer",
		`{"type":"Whitespace"}`, `{"type":"WhitespaceSplit"}`, `{"type":"BertPreTokenizer"}`,
		`{"type":"Digits","individual_digits":false}`,
		`{"type":"CharDelimiterSplit","delimiter":"e"}`, `{"type":"FixedLength","length":3}`, `{"type":"FixedLength"}`,
		`{"type":"Sequence","pretokenizers":[{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"}]},{"type":"Punctuation"}]}`,
		`{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true},{"type":"Digits","individual_digits":true}]}`,
		`{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}]}`)
	for _, scheme := range []string{"first", "always", "never"} {
		for _, split := range []bool{true, false} {
			m := fmt.Sprintf(`{"type":"Metaspace","replacement":"▁","prepend_scheme":"%s","split":%v}`, scheme, split)
			add("bpe-mistral", "pre_tokenizer", m, `{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},`+m+`]}`)
			add("unigram-xlmr", "pre_tokenizer", m)
		}
	}
	add("wordpiece-uncased", "decoder", `{"type":"WordPiece","prefix":"##","cleanup":false}`, `null`,
		`{"type":"Sequence","decoders":[]}`)
	add("bpe-gemma", "decoder", `{"type":"Strip","content":"e","start":2,"stop":0}`, `{"type":"ByteFallback"}`,
		`{"type":"Replace","pattern":{"Regex":"[aeiou]"},"content":"_"}`)
	add("wordpiece-uncased", "post_processor", `{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}`)
	add("wordpiece-uncased", "model",
		`{"type":"WordLevel","vocab":{"a":0,"the":1,"[UNK]":2,"[CLS]":3,"[SEP]":4,"##s":5},"unk_token":"[UNK]"}`,
		`{"type":"WordPiece","vocab":{"a":0,"the":1,"[UNK]":2,"b":4,"##s":5,"##bb":6,"e":7,"h":8,"he":9},"unk_token":"[UNK]","continuing_subword_prefix":"","max_input_chars_per_word":4}`)
	bpe := func(fields string) string {
		return `{"type":"BPE",` + fields +
			`,"vocab":{"a":0,"b":1,"ab":2,"<unk>":3,"##a":4,"##b":5,"ab</w>":6,"b</w>":7,"##b</w>":8,"e":9,"<0x61>":10,"<0x63>":11,"abb":12,"##ab":13,"abab":14},"merges":`
	}
	add("bpe-misc", "model",
		bpe(`"unk_token":"<unk>","fuse_unk":true`)+`["a b","ab b"]}`,
		bpe(`"unk_token":null`)+`[["a","b"],["ab","ab"]]}`,
		bpe(`"unk_token":"<unk>","byte_fallback":true,"fuse_unk":true`)+`["a b"]}`,
		bpe(`"unk_token":"<unk>","continuing_subword_prefix":"##"`)+`["##a ##b","a ##b"]}`,
		bpe(`"unk_token":"<unk>","end_of_word_suffix":"</w>"`)+`["a b</w>","a b"]}`,
		bpe(`"unk_token":"<unk>","ignore_merges":true`)+`["a b"]}`)
	return out
}()
