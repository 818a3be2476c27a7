package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// byReflection returns the line of a request as encoding/json writes it.
func byReflection(r *Request) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"type":"request",`), body[1:]...), nil
}

// oddTexts are strings that JSON escapes, and some that it does not.
var oddTexts = []string{"", "plain", `"`, `a\b`, "<&>", "\x00\n\x7f", "é\u2028", "\xff"}

// randomRequest returns a request with random values in two of three fields.
func randomRequest(t *testing.T, random *rand.Rand) *Request {
	t.Helper()
	r := new(Request)
	for field, v := range reflect.ValueOf(r).Elem().Fields() {
		if random.IntN(3) == 0 {
			continue
		}
		number := random.Int64() >> random.IntN(64) * (1 - 2*random.Int64N(2))
		switch at := v.Addr().Interface().(type) {
		case *string:
			*at = oddTexts[random.IntN(len(oddTexts))]
		case *int:
			*at = int(number)
		case *int64:
			*at = number
		case *bool:
			*at = true
		case **int64:
			*at = &number
		case **int:
			*at = new(int(number))
		case **bool:
			*at = new(number < 0)
		case *[]int64:
			*at = []int64{number, 0, -1}[:random.IntN(4)]
		case *[]int:
			*at = []int{int(number), 0}[:random.IntN(3)]
		case *Hash:
			*at = Hash(number)
		case *float64:
			*at = float64(number)
		case **Bounds:
			*at = &Bounds{TTFT: float64(number) / 1000}
		case **Call:
			*at = randomCall(random, number)
		case *[]Media:
			*at = []Media{{Kind: "<", Seconds: 1e-9, Bytes: number}, *fullMedia()}[:random.IntN(3)]
		case **Poll:
			*at = &Poll{Count: int(number), Created: number, Download: number}
		case *json.RawMessage:
			*at = json.RawMessage(`{"prompt_tokens": 7, "x": "<` + string(rune(0x80+random.IntN(1<<16-0x80))) + `>"}`)
		default:
			t.Fatalf("%s has a type that this test cannot fill", field.Name)
		}
	}
	return r
}

func randomCall(random *rand.Rand, number int64) *Call {
	text := func() string { return oddTexts[random.IntN(len(oddTexts))] }
	few := func() int { return random.IntN(2) }
	return &Call{Number: int(number), ID: text(), After: []int{1, 2}[:random.IntN(3)], Ready: number, Wait: number,
		Pause: text(), Held: number * int64(few()), PromptTokens: few(), OutputTokens: few(), UserFacing: number < 0,
		Primes: number > 0, BlockSize: few(), SharedWith: few(), Shared: few(),
		Blocks: []byte{251, 255, 254}[:random.IntN(4)], Labels: map[string]string{"<b>": "\n", "a": text()}}
}

func TestAppendWritesWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		r := randomRequest(t, random)
		want, err := byReflection(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Append(nil, r); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %s (%v)\nwant %s", got, err, want)
		}
	}
}

// A usage map is written as encoding/json writes it, and what is no JSON is refused.
func FuzzAppend(f *testing.F) {
	for _, usage := range []string{"", "{}", `{"a":1}`, " {\n} ", `{"a":"<"}`, `{"a":"\u2028é"}`, `{"a":01}`, `{"a"`, "{}{}",
		`{"a":1e999}`, `"\ud800"`, "nul", "\"\x01\"", "-", "[1,]"} {
		f.Add(usage, usage)
	}
	f.Fuzz(func(t *testing.T, usage, text string) {
		r := &Request{Usage: json.RawMessage(usage), Error: text}
		want, failure := byReflection(r)
		got, err := Append([]byte("before"), r)
		if failure != nil {
			want = nil
		}
		if (err == nil) != (failure == nil) || string(got) != "before"+string(want) {
			t.Errorf("%q: got %s (%v), want %s (%v)", usage, got, err, want, failure)
		}
	})
}

// The lines of answers of 1 and of 100 tokens, against encoding/json.
func BenchmarkAppend(b *testing.B) {
	for _, tokens := range []int64{1, 100} {
		r := &Request{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Scenario: "stage_0", API: "completion", Model: "sim",
			Due: new(int64(1795480974947035632)), Start: 1795480974947135632, End: 1795480976947035632,
			Connected: 1795480974947145632, Written: 1795480974947165632, FirstByte: 1795480974997165632,
			FinishReason: "length", Status: 200,
			Usage: json.RawMessage(`{"prompt_tokens":3,"completion_tokens":100,"total_tokens":103}`)}
		for i := range tokens {
			r.Chunks = append(r.Chunks, 50_000+10_000*i)
		}
		for name, encode := range map[string]func(line []byte) ([]byte, error){
			"append":    func(line []byte) ([]byte, error) { return Append(line[:0], r) },
			"reflected": func([]byte) ([]byte, error) { return byReflection(r) },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, tokens), func(b *testing.B) {
				b.ReportAllocs()
				var line []byte
				for b.Loop() {
					var err error
					if line, err = encode(line); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
