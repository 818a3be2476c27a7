package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bruteCache is a cache by the texts themselves, the block used last first; 0 blocks have no bound.
type bruteCache struct {
	limit int
	list  []string
}

// request returns how many tokens of a prompt are held, in blocks of some tokens, and then holds all of it.
func (c *bruteCache) request(tokens []string, block int) int {
	var keys []string
	for n := block; n <= len(tokens); n += block {
		keys = append(keys, strings.Join(tokens[:n], " "))
	}
	known := 0
	for known < len(keys) && slices.Contains(c.list, keys[known]) {
		known++
	}
	c.list = slices.DeleteFunc(c.list, func(key string) bool { return slices.Contains(keys, key) })
	if c.list = append(keys, c.list...); c.limit > 0 && len(c.list) > c.limit {
		c.list = c.list[:c.limit]
	}
	return known * block
}

// chatOf returns a chat, and its words, each first word of a message with the roles before it.
func chatOf(messages [][2]string) (body string, tokens []string) {
	list := make([]map[string]string, len(messages))
	role := ""
	for i, m := range messages {
		list[i] = map[string]string{"role": m[0], "content": m[1]}
		role += "<" + m[0] + ">"
		for _, word := range strings.Fields(m[1]) {
			tokens = append(tokens, role+word)
			role = ""
		}
	}
	raw, _ := json.Marshal(list)
	return string(raw), tokens
}

// Conversations that go on, fork and begin anew have as many tokens in the cache as the texts themselves say.
func TestCachedTokensAreThoseOfEqualTexts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ block, tokens int }{{16, Unlimited}, {3, Unlimited}, {1, 40}, {4, 64}, {4, 4}} {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) { o.CacheBlock, o.PrefixCacheTokens = tt.block, tt.tokens })
			brute := &bruteCache{limit: max(0, tt.tokens) / tt.block}
			rng := rand.New(rand.NewPCG(1, uint64(tt.block)))
			var chats [][][2]string
			hits := 0
			for i := range 300 {
				chat := [][2]string{{"system", "be brief and plain"}}
				if len(chats) > 0 && rng.Float64() < 0.9 {
					before := chats[rng.IntN(len(chats))]
					chat = slices.Clone(before[:1+rng.IntN(len(before))])
				}
				for range 1 + rng.IntN(3) {
					chat = append(chat, [2]string{[]string{"user", "assistant"}[rng.IntN(2)],
						strings.Repeat(fmt.Sprintf("w%d ", rng.IntN(3)), rng.IntN(9))})
				}
				chats = append(chats, chat)
				body, tokens := chatOf(chat)
				s.ServeHTTP(&sink{header: http.Header{}}, post(t, "/v1/chat/completions",
					`{"model":"sim","max_tokens":1,"messages":`+body+`}`))
				truth, want := s.Truths()[i], brute.request(tokens, tt.block)
				if truth.CachedTokens != want || truth.PromptTokens != len(tokens) || truth.Number != int64(i) {
					t.Fatalf("block %d, cache %d, request %d: %d of %d tokens cached, number %d; want %d of %d",
						tt.block, tt.tokens, i, truth.CachedTokens, truth.PromptTokens, truth.Number, want, len(tokens))
				}
				hits += want
			}
			if hits == 0 {
				t.Errorf("block %d, cache %d: nothing was ever cached", tt.block, tt.tokens)
			}
		})
	}
}

// Cached tokens take no time, and each API reports them in its usage.
func TestCachedTokensAreReported(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("w ", 40) // two blocks and a half
	for path, tt := range map[string]struct{ prompt, want string }{
		"/v1/completions":      {`"prompt":"` + words + `"`, `"prompt_tokens_details":{"cached_tokens":32}`},
		"/v1/chat/completions": {`"messages":[{"role":"user","content":"` + words + `"}]`, `"prompt_tokens_details":{"cached_tokens":32}`},
		"/v1/messages": {`"messages":[{"role":"user","content":"` + words + `"}]`,
			`"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":32`},
		"/v1/responses": {`"input":"` + words + `"`, `"input_tokens":40,"input_tokens_details":{"cached_tokens":32}`},
	} {
		for _, stream := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				s := mustNew(t, func(o *Options) { o.PrefixCacheTokens, o.PromptTime = 1000, ms })
				body := fmt.Sprintf(
					`{"model":"sim","max_tokens":1,"stream":%v,"stream_options":{"include_usage":true},%s}`, stream,
					tt.prompt)
				for _, want := range []time.Duration{90 * ms, 58 * ms} {
					start, w := time.Now(), &sink{header: http.Header{}}
					s.ServeHTTP(w, post(t, path, body))
					if took := time.Since(start); took != want {
						t.Errorf("%s: answered after %v, want %v", path, took, want)
					}
					got := strings.ReplaceAll(strings.ReplaceAll(w.body.String(), "\n", ""), " ", "")
					if cached := want < 90*ms; strings.Contains(got, tt.want) != cached {
						t.Errorf("%s, cached %v: got %s", path, cached, got)
					}
				}
				_, families := scrape(t, s)
				check(t, families, map[string]string{"vllm:prefix_cache_queries_total": "80",
					"vllm:prefix_cache_hits_total": "32"})
			})
		}
	}
}

// Without a cache no usage speaks of one.
func TestNoCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, nil)
		for range 2 {
			if w := stream(t, s, 64, 1); strings.Contains(w.body.String(), "cached") {
				t.Errorf("got %s", w.body.String())
			}
		}
		page, _ := scrape(t, s)
		if r := s.Truths()[1]; r.CachedTokens != 0 || strings.Contains(page, "prefix_cache") {
			t.Errorf("truth %+v, or the page has a prefix cache", r)
		}
	})
}

func TestTruthOfSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.SessionHeader = "X-Flow" })
		ask := func(session, text string) Truth {
			r := post(t, "/v1/chat/completions", `{"model":"sim","max_tokens":1,"messages":[{"role":"user","content":"`+text+`"}]}`)
			r.Header.Set("x-flow", session)
			s.ServeHTTP(&sink{header: http.Header{}}, r)
			list := s.Truths()
			return list[len(list)-1]
		}
		a, b, c := ask("1", "x"), ask("2", "x"), ask("1", "y")
		if a.Session != "1" || b.Session != "2" || a.PromptHash != b.PromptHash || a.PromptHash == c.PromptHash {
			t.Errorf("got %+v, %+v, %+v", a, b, c)
		}
	})
}
