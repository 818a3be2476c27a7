package convert

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Reuse compares how much of the prompts a server with a prefix cache had to know with what it says it knew.
type Reuse struct {
	Calls     int   `json:"calls"`      // whose prompts' blocks are recorded
	BlockSize int   `json:"block_size"` // of the cache blocks, in tokens
	Prompt    int64 `json:"prompt_tokens"`
	// Expected are the tokens of full blocks that an earlier request had, too, for a cache that forgets nothing.
	Expected        int64 `json:"expected_tokens"`
	ExpectedPercent Maybe `json:"expected_percent"`
	// Limited is the same for a cache of CacheTokens that drops what was not used for longest; null without a size.
	CacheTokens    *int64 `json:"cache_tokens"`
	Limited        *int64 `json:"limited_tokens"`
	LimitedPercent *Float `json:"limited_percent"`
	// Reported are the calls, of the same ones, for which the server told its cached tokens.
	Reported        int   `json:"requests_reporting"`
	ReportedPrompt  int64 `json:"reported_prompt_tokens"`
	Cached          int64 `json:"cached_tokens"`
	CachedPercent   Maybe `json:"cached_percent"`
	ExpectedOfThese int64 `json:"expected_tokens_of_reported"`
}

// knownBlocks is what a cache knows of a call's prompt, in tokens.
type knownBlocks struct {
	size, expected, limited int32
	blocks                  int32
}

// expectedReuse returns for each call of a replay with blocks how many tokens of its prompt earlier requests had, in
// order of their starts. The cache is the server's, so there is one for each client. limit is in tokens; 0 means none.
func expectedReuse(r *run.Run, limit int64) map[*run.Request]knownBlocks {
	if len(r.Sessions) == 0 {
		return nil
	}
	w := reuseWalk{limit: limit, sessions: map[sessionKey]*promptBlocks{}, caches: map[int]*twoCaches{}}
	all := slices.Concat(r.Primers, r.Requests)
	all = slices.DeleteFunc(all, func(q *run.Request) bool { return !q.Replayed })
	slices.SortFunc(all, func(a, b *run.Request) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Scenario, b.Scenario),
			cmp.Compare(a.Index, b.Index), cmp.Compare(a.Seq, b.Seq))
	})
	w.known = make(map[*run.Request]knownBlocks, len(all))
	for _, q := range all {
		w.session(q).left++
	}
	for _, q := range all {
		w.add(q)
	}
	return w.known
}

// reuseWalk follows what the caches know while requests come.
type reuseWalk struct {
	limit    int64
	sessions map[sessionKey]*promptBlocks
	caches   map[int]*twoCaches
	known    map[*run.Request]knownBlocks
	scratch  []prefix.Hash
}

// sessionKey identifies a session in a run.
type sessionKey struct {
	scenario string
	index    int64
}

// twoCaches are a cache that forgets nothing, and one of a given size.
type twoCaches struct{ all, limited *prefix.Cache }

// promptBlocks holds the blocks of a session's calls while calls are left that may refer to them.
type promptBlocks struct {
	calls map[int]*record.Call
	left  int
}

func (w *reuseWalk) session(q *run.Request) *promptBlocks {
	key := sessionKey{q.Scenario, q.Index}
	s := w.sessions[key]
	if s == nil {
		s = &promptBlocks{calls: map[int]*record.Call{}}
		w.sessions[key] = s
	}
	return s
}

func (w *reuseWalk) add(q *run.Request) {
	s, call := w.session(q), q.Call()
	s.calls[call.Number] = call
	if call.BlockSize > 0 {
		w.scratch = s.hashes(w.scratch[:0], call, math.MaxInt)
		w.ask(q, call.BlockSize)
	}
	if s.left--; s.left == 0 {
		delete(w.sessions, sessionKey{q.Scenario, q.Index})
	}
}

// ask asks the caches for the prompt in scratch.
func (w *reuseWalk) ask(q *run.Request, size int) {
	c := w.caches[q.Client]
	if c == nil {
		c = &twoCaches{all: prefix.NewCache(0)}
		if w.limit > 0 {
			c.limited = prefix.NewCache(max(1, int(w.limit)/size))
		}
		w.caches[q.Client] = c
	}
	k := knownBlocks{size: narrow(size), blocks: narrow(len(w.scratch)),
		expected: narrow(c.all.Request(w.scratch) * size)}
	if c.limited != nil {
		k.limited = narrow(c.limited.Request(w.scratch) * size)
	}
	w.known[q] = k
}

// hashes appends the first blocks of a call's prompt, at most n: those that it shares with an earlier call, and its
// own.
// An earlier call comes before it in the graph, so this ends.
func (s *promptBlocks) hashes(dst []prefix.Hash, c *record.Call, n int) []prefix.Hash {
	shared := min(c.Shared, n)
	if before := s.calls[c.SharedWith]; shared > 0 && before != nil && c.SharedWith < c.Number {
		dst = s.hashes(dst, before, shared)
	}
	return prefix.AppendDecoded(dst, c.Blocks, n-shared)
}

// reuseOf adds up the successful calls of some sessions; nil if no blocks are recorded.
func reuseOf(sessions []*run.Session, known map[*run.Request]knownBlocks, cacheTokens int64) *Reuse {
	u := new(Reuse)
	limited := int64(0)
	for _, s := range sessions {
		for _, q := range s.Requests {
			if k, any := known[q]; any && !q.Failed() {
				u.add(q, k)
				limited += int64(k.limited)
			}
		}
	}
	if u.Calls == 0 {
		return nil
	}
	u.ExpectedPercent = percentage(u.Expected, u.Prompt)
	u.CachedPercent = percentage(u.Cached, u.ReportedPrompt)
	if cacheTokens > 0 {
		u.CacheTokens, u.Limited = &cacheTokens, &limited
		u.LimitedPercent = orNull(float64(percentage(limited, u.Prompt)))
	}
	return u
}

func (u *Reuse) add(q *run.Request, k knownBlocks) {
	u.Calls++
	u.BlockSize = max(u.BlockSize, int(k.size))
	prompt := promptOr(q, k)
	u.Prompt += prompt
	u.Expected += int64(k.expected)
	if q.ServerCached != none {
		u.Reported++
		u.ReportedPrompt += prompt
		u.Cached += int64(q.ServerCached)
		u.ExpectedOfThese += int64(k.expected)
	}
}

// promptOr returns the tokens of a prompt, or those of its blocks if nobody counted it.
func promptOr(q *run.Request, k knownBlocks) int64 {
	return max(int64(q.PromptTokens), int64(k.blocks)*int64(k.size))
}

// percentage is unknown of nothing.
func percentage(part, whole int64) Maybe {
	if whole == 0 {
		return Maybe(unknown)
	}
	return Maybe(100 * float64(part) / float64(whole))
}
