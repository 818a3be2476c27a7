package datasets

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readFixture(t *testing.T, opts Options) Set {
	t.Helper()
	f, err := os.Open("testdata/sharegpt.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	set, err := ReadShareGPT(f, f.Name(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// at returns an item of a set that cannot fail.
func at(s Set, i int64) Item {
	item, err := s.At(i)
	if err != nil {
		panic(err)
	}
	return item
}

func all(s Set) (items []Item) {
	n, _ := s.Len()
	for i := range n {
		items = append(items, at(s, i))
	}
	return items
}

func TestShareGPTAsChat(t *testing.T) {
	t.Parallel()
	words := func(text string) int { return len(strings.Fields(text)) }
	want := []Item{
		{Messages: []Message{{"user", "What is the capital of France?"}}, MaxTokens: 1},
		{Messages: []Message{{"system", "Answer briefly."}, {"user", "Hello"}, {"assistant", "Hello, how can I help?"},
			{"user", "漢字 und Émoji 🙂?"}}, MaxTokens: 1},
		{Messages: []Message{{"user", "Hi"}}, MaxTokens: 1},
		{Messages: []Message{{"user", "one"}}, MaxTokens: 1},
	}
	if got := all(readFixture(t, Options{Count: words})); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestShareGPTAsCompletion(t *testing.T) {
	t.Parallel()
	want := []Item{
		{Prompt: "What is the capital of France?", MaxTokens: 2}, // 6 bytes
		{Prompt: "Hello", MaxTokens: 6},                          // 22 bytes
		{Prompt: "Hi", MaxTokens: 1},
		{Prompt: "one", MaxTokens: 1},
	}
	if got := all(readFixture(t, Options{Form: AsCompletion})); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSetsBeginAgain(t *testing.T) {
	t.Parallel()
	set := readFixture(t, Options{})
	n, _ := set.Len()
	if !reflect.DeepEqual(at(set, n+1), at(set, 1)) {
		t.Errorf("item %d of %d is %+v", n+1, n, at(set, n+1))
	}
}

// The orders must never change: it must be possible to repeat a run of today with a later version.
func TestSeedFixesTheOrder(t *testing.T) {
	t.Parallel()
	for seed, want := range map[int64]string{1: "[2 0 1 9 6 3 5 4 7 8]", 2: "[9 4 0 7 3 2 8 5 6 1]"} {
		items := make([]Item, 10)
		for i := range items {
			items[i].MaxTokens = i
		}
		shuffle(items, seed)
		got := make([]int, len(items))
		for i := range items {
			got[i] = items[i].MaxTokens
		}
		if fmt.Sprint(got) != want {
			t.Errorf("seed %d: got %v, want %s", seed, got, want)
		}
		slices.Sort(got)
		if fmt.Sprint(got) != "[0 1 2 3 4 5 6 7 8 9]" {
			t.Errorf("seed %d: not a permutation: %v", seed, got)
		}
	}
}

func TestShareGPTNamesFileAndLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, want string }{
		{"empty", "", "f.json:1: the file is empty"},
		{"other JSON", "{\n\"a\": 1}", `f.json:1: the record has no list "conversations"`},
		{"not an object", "[{\"conversations\": null},\n[]]", `f.json:2: the record has no list "conversations"`},
		{"no JSON", "\n\nhello", "f.json:3: invalid character 'h'"},
		{"a bad value", "[\n{\"conversations\": []},\n{\"conversations\": [{\"from\": 1}]}\n]",
			`f.json:3: turn 0 is not {"from": …, "value": …}`},
		{"bad syntax", "[\n{\"conversations\": []},\n\n{\"conversations\": [}]}\n]", "f.json:4: invalid character '}'"},
		{"cut", "[\n{\"conversations\": [],\n", "f.json:2: the file ends within a value"},
		{"not a list", "[\n{\"conversations\": 1}]", `f.json:2: "conversations" is not a list`},
		{"cut in a string", "[\n{\"a\": \"b", "f.json:2: the file ends within a value"},
		{"no comma", "[{\"conversations\":[]}\n7]", "f.json:2: invalid character '7'"},
		{"more after it", "[{\"conversations\":[]}]\n{}", "f.json:2: invalid character '{'"},
		{"deep", strings.Repeat("[", 2000), "nested deeper than 1000"},
		{"nothing to use", "[\n{\"conversations\": []}\n]", "f.json: none of 1 records has a question with an answer"},
	} {
		_, err := ReadShareGPT(strings.NewReader(tt.file), "f.json", Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		_, again := ReadShareGPT(iotest.OneByteReader(strings.NewReader(tt.file)), "f.json", Options{})
		if err != nil && (again == nil || again.Error() != err.Error()) {
			t.Errorf("%s, byte by byte: got %v, want %v", tt.name, again, err)
		}
	}
}

func TestMock(t *testing.T) {
	t.Parallel()
	if got := at(Mock{Form: AsCompletion}, 0).Prompt; got != "1 2 3 1" {
		t.Errorf("completion: got %q", got)
	}
	if got := at(Mock{}, 6).Messages; len(got) != 1 || got[0] != (Message{"user", "mock prompt 7"}) {
		t.Errorf("chat: got %v", got)
	}
	if _, finite := (Mock{}).Len(); finite {
		t.Error("Len reports that the set has an end")
	}
}

func FuzzShareGPT(f *testing.F) {
	data, err := os.ReadFile("testdata/sharegpt.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`[{"conversations":["{\"from\":\"human\",\"value\":\"a\"}",{"from":"gpt","value":"b"}]}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, form := range []Form{AsChat, AsCompletion} {
			set, err := ReadShareGPT(strings.NewReader(string(file)), "f.json", Options{Form: form})
			if err != nil {
				continue
			}
			for _, item := range all(set) {
				if item.MaxTokens < 1 || (form == AsChat) != (len(item.Messages) > 0) ||
					(form == AsCompletion) != (item.Prompt != "") {
					t.Errorf("%q: item %+v", file, item)
				}
			}
		}
	})
}

func ExampleReadShareGPT() {
	const file = `[{"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hello, how can ` +
		`I help?"}]}]`
	set, err := ReadShareGPT(strings.NewReader(file), "file.json", Options{Form: AsCompletion})
	if err != nil {
		fmt.Println(err)
		return
	}
	item, err := set.At(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s (at most %d tokens)\n", item.Prompt, item.MaxTokens)
	// Output: Hello (at most 6 tokens)
}
