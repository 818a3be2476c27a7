package prefix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/quick"
)

func words(n int, from string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(from, i)
	}
	return strings.Join(list, " ")
}

func TestChainsShareWhatIsEqual(t *testing.T) {
	t.Parallel()
	system := Message{Role: "system", Texts: []string{words(40, "s")}}
	user := Message{Role: "user", Texts: []string{words(30, "u")}}
	base := New(16, nil).Append(system)
	text := New(16, nil).Append(Message{Texts: []string{words(40, "s")}}, Message{Texts: user.Texts})
	one := New(16, nil).Append(Message{Texts: []string{words(40, "s") + " " + words(30, "u")}})
	if one.Common(text) != 4 {
		t.Errorf("got %d blocks in common of a text and its pieces, want 4", one.Common(text))
	}
	for _, tt := range []struct {
		name         string
		chain        Chain
		len, sharing int
	}{
		{"itself", base, 2, 2},
		{"goes on", base.Append(user), 4, 2},
		{"the texts in other pieces",
			New(16, nil).Append(Message{"system", []string{words(40, "s"), words(30, "u")}}), 4, 2},
		{"spaces do not count", New(16, nil).Append(Message{"system", []string{"  " + words(40, "s") + "\n"}}), 2, 2},
		{"another role", New(16, nil).Append(Message{"user", system.Texts}), 2, 0},
		{"another word in the second block",
			New(16, nil).Append(Message{"system", []string{strings.Replace(words(40, "s"), "s20 ", "x ", 1)}}), 2, 1},
		{"a word more at the beginning", New(16, nil).Append(Message{"system", []string{"x " + words(40, "s")}}), 2, 0},
		{"another size", New(8, nil).Append(system), 5, 0},
		{"no full block", New(64, nil).Append(system), 0, 0},
	} {
		hashes := tt.chain.Hashes()
		shared := 0
		for shared < min(len(hashes), base.Len()) && hashes[shared] == base.Hashes()[shared] {
			shared++
		}
		if got := tt.chain.Common(base); got != shared {
			t.Errorf("%s: got %d blocks in common, want %d", tt.name, got, shared)
		}
		if len(hashes) != tt.len || tt.chain.Len() != tt.len || shared != tt.sharing {
			t.Errorf("%s: got %d blocks, %d shared, want %d, %d", tt.name, len(hashes), shared, tt.len, tt.sharing)
		}
	}
}

// Two chains that go on from one do not disturb it or each other, and each equals the chain made at once.
func TestChainIsAValue(t *testing.T) {
	t.Parallel()
	f := func(a, b, c []string) bool {
		ma, mb, mc := Message{"user", a}, Message{"assistant", b}, Message{"tool", c}
		begin := New(2, nil).Append(ma)
		left, right := begin.Append(mb), begin.Append(mc, mb)
		same := func(got Chain, messages ...Message) bool {
			want := New(2, nil).Append(messages...)
			for n := range want.Len() + 1 {
				if !slices.Equal(got.Beyond(n), want.Hashes()[n:]) {
					return false
				}
			}
			return got.Tokens() == want.Tokens()
		}
		return same(begin, ma) && same(left, ma, mb) && same(right, ma, mc, mb)
	}
	if err := quick.Check(f, nil); err != nil {
		t.Error(err)
	}
}

type runes struct{}

func (runes) Encode(text string) (ids []int32) {
	for _, r := range text {
		ids = append(ids, r)
	}
	return ids
}

func TestTokenizerMakesTheTokens(t *testing.T) {
	t.Parallel()
	c := New(4, runes{}).Append(Message{"user", []string{"abcdefghij"}})
	if c.Tokens() != 10 || c.Len() != 2 {
		t.Errorf("got %d tokens in %d blocks, want 10 in 2", c.Tokens(), c.Len())
	}
	if d := New(4, runes{}).Append(Message{"user", []string{"abcdefgX"}}); c.Hashes()[0] != d.Hashes()[0] ||
		c.Hashes()[1] == d.Hashes()[1] {
		t.Errorf("got %x and %x, want the first block shared", c.Hashes(), d.Hashes())
	}
}

// The hash of a prompt must not change: records of different instances and versions are compared by it.
func TestHashIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	c := New(2, nil).Append(Message{"user", []string{"one two three"}}, Message{"assistant", []string{"four"}})
	want := []Hash{0xc2e821365cec787c, 0xec81c9154ec63bb0}
	if !slices.Equal(c.Hashes(), want) {
		t.Errorf("got %#x, want %#x", c.Hashes(), want)
	}
	decoded, err := Decode(Encode(want))
	if err != nil || !slices.Equal(decoded, want) {
		t.Errorf("got %x, %v of Decode, want %x", decoded, err, want)
	}
	if _, err := Decode(make([]byte, 9)); err == nil {
		t.Error("got no error of 9 bytes")
	}
}

func TestReadChat(t *testing.T) {
	t.Parallel()
	got := ReadChat([]byte(`[{"role":"system","content":"be\nbrief"},
		{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}},
			{"type":"text","text":"b"}]},
		{"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}],
			"role":"assistant","content":null,"reasoning":"hm","reasoning_content":"hm"},
		{"role":"tool","tool_call_id":"c1","content":"r"}]`))
	want := []Message{{"system", []string{"be\nbrief"}}, {"user", []string{"a", "b"}},
		{"assistant", []string{"hm", "f", `{"x":1}`}}, {"tool", []string{"r"}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCacheKnows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		blocks int
		asks   [][]Hash
		known  []int
	}{
		{"no bound", 0, [][]Hash{{1, 2, 3}, {1, 2, 4}, {5}, {1, 2, 3, 6}}, []int{0, 2, 0, 3}},
		{"all fit", 4, [][]Hash{{1, 2, 3}, {1, 2, 4}, {1, 2, 3}}, []int{0, 2, 3}},
		{"the oldest goes", 3, [][]Hash{{1, 2}, {3, 4}, {1, 2}, {3, 4}}, []int{0, 0, 1, 1}},
		{"the last block of a prompt goes first", 3, [][]Hash{{1, 2, 3}, {4}, {1, 2, 3}}, []int{0, 0, 2}},
		{"used again it stays", 4, [][]Hash{{1, 2}, {3, 4}, {1, 2}, {5, 6}, {1, 2}}, []int{0, 0, 2, 0, 2}},
		{"a prompt above the bound keeps its beginning", 2, [][]Hash{{1, 2, 3}, {1, 2, 3}}, []int{0, 2}},
		{"known blocks are not dropped for new ones of the same prompt", 3,
			[][]Hash{{1}, {7, 8}, {1, 2, 3}, {1, 2, 3}}, []int{0, 0, 1, 3}},
		{"nothing", 2, [][]Hash{nil, {}}, []int{0, 0}},
	} {
		c := NewCache(tt.blocks)
		for i, hashes := range tt.asks {
			if got := c.Request(hashes); got != tt.known[i] {
				t.Errorf("%s: request %d: got %d known, want %d", tt.name, i, got, tt.known[i])
			}
		}
		if tt.blocks > 0 && c.Len() > tt.blocks {
			t.Errorf("%s: got %d blocks, want at most %d", tt.name, c.Len(), tt.blocks)
		}
	}
}

// A cache is compared with a slow one that keeps a list of blocks from the newest to the oldest.
func TestCacheDropsTheOldest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		limit := 1 + rng.IntN(20)
		c, slow := NewCache(limit), []Hash{}
		for range 100 {
			ask := make([]Hash, rng.IntN(15))
			for i, h := range ask { // hashes of a chain: each tells all before it
				if i > 0 {
					h = ask[i-1] * 3
				}
				ask[i] = h + Hash(rng.IntN(2)) + 1
			}
			known := 0
			for known < len(ask) && slices.Contains(slow, ask[known]) {
				known++
			}
			rest := slices.DeleteFunc(slow, func(h Hash) bool { return slices.Contains(ask, h) })
			slow = append(slices.Clone(ask), rest...)
			slow = slow[:min(limit, len(slow))]
			if got := c.Request(ask); got != known || c.Len() != len(slow) {
				t.Fatalf("got %d known of %v, %d held, want %d, %d", got, ask, c.Len(), known, len(slow))
			}
		}
	}
}

// The cost of a message is that of its own words, whatever came before.
func BenchmarkAppend(b *testing.B) {
	context := New(16, nil).Append(Message{"user", []string{words(100_000, "w")}})
	m := Message{"user", []string{words(200, "w")}}
	b.ReportAllocs()
	for b.Loop() {
		context.Append(m)
	}
}

func BenchmarkCache(b *testing.B) {
	hashes := New(16, nil).Append(Message{"user", []string{words(100_000, "w")}}).Hashes()
	c := NewCache(16384)
	b.ReportAllocs()
	for b.Loop() {
		c.Request(hashes)
	}
}
