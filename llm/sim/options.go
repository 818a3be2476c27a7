// Package sim is a simulated model server with the APIs of OpenAI and Anthropic, and a stated timing model. Scripts use
// it as baseURL 'sim:', the command `k6 x llm sim` serves it, and tests use it as they use httptest. It keeps the truth
// about every request (when it came, when each chunk was written), so that a client's measurements can be compared with
// it.
//
// The timing model: a request waits for one of MaxNumSeqs sequences, first come first served unless Scheduling is
// another. Admitted at a, with p prompt tokens, its token k (from 0) is due at
//
//	a + TTFT + p·PromptTime + g₁ + … + g_k
//
// where the gaps g are ITL, or normally distributed with mean ITL and deviation ITLStdDev, cut at 0. The schedule is
// absolute: a late wake-up does not shift what follows. A chunk is written when its last token is due.
//
// With Events, these times are those of a clock of the server's work, which stands still while the server is stopped
// and goes slower by a factor while it is slow. So what is being processed when it stops is shifted by the time of the
// stop. Nobody is admitted in the meantime. The TTFT + p·PromptTime of a request that is admitted while the server is
// cold is longer by the factor of that instant.
package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// Kinds of injected failures.
const (
	FailHTTP      = "http"         // status 500
	FailStream    = "stream_error" // an error event inside the stream
	FailTruncated = "truncated"    // the connection closes inside the stream
	FailStall     = "stall"        // the stream goes silent
)

// Options describes how the server behaves. DefaultOptions returns the defaults; the zero value is not valid.
type Options struct {
	TTFT           time.Duration // from admission to the first token of an empty prompt
	ITL            time.Duration // between tokens
	ITLStdDev      time.Duration // deviation of the gaps; 0 makes them constant
	PromptTime     time.Duration // per prompt token, before the first token
	MaxNumSeqs     int           // requests processed at once; the rest wait
	FailureRate    float64       // share of requests that fail, 0 to 1
	FailureKind    string        // how those requests fail
	OutputTokens   int           // length at which an answer ends unless ignore_eos is set; 0 means max_tokens
	TokensPerChunk int           // tokens in one chunk
	Pings          int           // signs of life before each chunk: events of the API, or comments
	MaxBatch       int           // texts or documents of one request; 0 means no limit
	WrongCount     int           // vectors or scores that an answer has too many; too few if negative
	Model          string        // name of the model served
	LoRA           []string      // names of adapters served beside it
	APIKey         string        // if set, requests without it are refused
	Truth          string        // file to which each finished request is appended as a JSON line, see Truth
	ImageTime      time.Duration // time for a picture of a megapixel, 1024 × 1024, in 50 steps
	VideoTime      time.Duration // time for a second of a video of a megapixel, in 50 steps
	Seed           int64         // seed of failures and gaps
	// tokens that fit into the KV cache; the server reports its use and holds nothing back for it
	KVCacheTokens int
	// PrefixCacheTokens is how many tokens of prompts the prefix cache holds; 0 means that there is none.
	PrefixCacheTokens int
	CacheBlock        int // tokens of a block of that cache
	// SpeechRate is how many seconds of sound are made in a second, from the TTFT on; 0 makes all of it at once.
	SpeechRate    float64
	SpeechChunk   time.Duration // of sound, that is sent at once
	SpeechChar    time.Duration // of sound, for each character of a text
	SpeechStalls  []Stall       // during which no sound is made, in the order of their places
	ToolCalls     float64       // share of the requests with a free choice of tools which are answered by a call
	ToolRefusals  float64       // share of the requests that demand a call which are answered by words
	SessionHeader string        // name of the header whose value is the session of the truth
	Metrics       []string      // engines whose names GET /metrics shows: vllm, sglang, tgi, dcgm
	MaxBody       int           // bytes of a request's body, above which it is refused; 0 means DefaultMaxBody
	Media         MediaOptions

	Name          string          // of this server, for its truths; "" means the address at which it listens
	Scheduling    string          // which request that waits is next: ScheduleFIFO and the like
	PriorityOrder string          // OrderLow or OrderHigh
	Weights       map[int]float64 // of priorities under ScheduleFair; others have 1
	// OnCancel is how long a request whose client went away keeps its place, or Never. Until then its tokens are
	// generated for nobody.
	OnCancel time.Duration
	Proxy    ProxyOptions // of the proxy through which Listen serves; New ignores them
	Events   []Event      // what happens to the server, in order

	// Tokenizer is the name of the tokenizer to count and answer with; a caller that sets it must call Use. "" counts
	// words as tokens.
	Tokenizer string

	tokens Tokenizer // nil counts words as tokens
	words  []string  // words that are one token each, with a space before them
}

// Tokenizer is what the server needs of a model's tokenizer. tokenizer.Counter implements it.
type Tokenizer interface {
	// Count returns the number of tokens in a text, without special tokens around it.
	Count(text string) int
	// CountSpecial returns the number of tokens in a prompt, with the special tokens around it.
	CountSpecial(prompt string) int
	// CountChat returns the number of tokens in a chat's prompt; its error reports that the chat template could not be
	// used.
	CountChat(messages, tools json.RawMessage) (int, error)
	// Encode returns the tokens of a text, without special tokens.
	Encode(text string) []int32
	// Words returns up to n words, each of which is one token.
	Words(n int) ([]string, error)
}

// Use makes the server count prompts by t, and answer in words of its vocabulary.
func (o *Options) Use(t Tokenizer) error {
	words, err := t.Words(1000)
	if err != nil {
		return fmt.Errorf("simulator option tokenizer=%q: %w", o.Tokenizer, err)
	}
	o.tokens, o.words = t, spaced(words)
	return nil
}

// token returns the text of an answer's token number i.
func (o *Options) token(i int) string {
	switch {
	case o.tokens == nil:
		return word(i)
	case i == 0:
		return o.words[0][len(" "):]
	}
	return o.words[i%len(o.words)]
}

// DefaultOptions returns options of a server that answers after 50 ms with a token every 10 ms.
func DefaultOptions() Options {
	return Options{
		TTFT: 50 * time.Millisecond, ITL: 10 * time.Millisecond, MaxNumSeqs: 256, FailureKind: FailHTTP,
		TokensPerChunk: 1, Model: "sim",
		ImageTime: 200 * time.Millisecond, VideoTime: 500 * time.Millisecond,
		KVCacheTokens: 256 * 2048, Metrics: []string{"vllm"}, CacheBlock: 16, SessionHeader: "X-Session-Id",
		Scheduling: ScheduleFIFO, PriorityOrder: OrderLow,
		SpeechRate: DefaultSpeechRate, SpeechChunk: DefaultSpeechChunk, SpeechChar: DefaultCharTime,
	}
}

// Flag is one option, as the command line and the query of a sim: URL spell it.
type Flag struct {
	Name, Usage string
	Set         func(o *Options, value string) error
}

// Flags returns all options that can be written as text.
func Flags() []Flag {
	return slices.Concat(textFlags(), mediaFlags(), queueFlags(), eventFlags(), proxyFlags())
}

func textFlags() []Flag {
	return []Flag{
		{"ttft", "time to the first token of an empty prompt (50ms)",
			span(func(o *Options) *time.Duration { return &o.TTFT })},
		{"itl", "time between tokens (10ms)", span(func(o *Options) *time.Duration { return &o.ITL })},
		{"itl-stddev", "standard deviation of the time between tokens, normal (0s: constant)",
			span(func(o *Options) *time.Duration { return &o.ITLStdDev })},
		{"prompt-time", "time per prompt token before the first token (0s)",
			span(func(o *Options) *time.Duration { return &o.PromptTime })},
		{"max-num-seqs", "requests worked on at once, the rest wait (256)",
			whole(func(o *Options) *int { return &o.MaxNumSeqs })},
		{"failure-rate", "share of requests that fail, 0 to 1 (0)",
			share(func(o *Options) *float64 { return &o.FailureRate })},
		{"failure-kind", "how they fail: http, stream_error, truncated, stall (http)",
			text(func(o *Options) *string { return &o.FailureKind })},
		{"output-tokens", "length at which an answer ends by itself, unless ignore_eos is set (0: at max_tokens)",
			whole(func(o *Options) *int { return &o.OutputTokens })},
		{"tokens-per-chunk", "tokens in one chunk (1)", whole(func(o *Options) *int { return &o.TokensPerChunk })},
		{"pings", "signs of life before each chunk: ping events, or comments where the API has none (0)",
			whole(func(o *Options) *int { return &o.Pings })},
		{"max-batch", "texts or documents of one request, above which it is refused with status 413 (0: no limit)",
			whole(func(o *Options) *int { return &o.MaxBatch })},
		{"wrong-count", "vectors, scores or pictures that an answer has too many; negative: too few (0)",
			whole(func(o *Options) *int { return &o.WrongCount })},
		{"image-time", "time for a picture of 1024 x 1024 pixels in 50 steps, of others in proportion (200ms)",
			span(func(o *Options) *time.Duration { return &o.ImageTime })},
		{"video-time", "time for a second of a video of 1024 x 1024 pixels in 50 steps, of others in proportion " +
			"(500ms)",
			span(func(o *Options) *time.Duration { return &o.VideoTime })},
		{"model", "name of the model (sim)", text(func(o *Options) *string { return &o.Model })},
		{"lora", "names of adapters served beside it, separated by commas",
			names(func(o *Options) *[]string { return &o.LoRA })},
		{"api-key", "key that requests must bring, as bearer token or in x-api-key",
			text(func(o *Options) *string { return &o.APIKey })},
		{"tokenizer",
			"tokenizer to count and answer with: a tokenizer.json, a folder with one, or a name on the Hugging Face " +
				"hub (words are tokens)", text(func(o *Options) *string { return &o.Tokenizer })},
		{"metrics", "whose names /metrics has, separated by commas: vllm, sglang, tgi, dcgm for two pretended GPUs " +
			"(vllm)",
			names(func(o *Options) *[]string { return &o.Metrics })},
		{"kv-cache-tokens", "tokens that fit into the KV cache, of which /metrics tells the use (524288)",
			whole(func(o *Options) *int { return &o.KVCacheTokens })},
		{"prefix-cache-tokens", "tokens of prompts that the prefix cache holds, or unlimited (0: there is none)",
			orUnlimited(func(o *Options) *int { return &o.PrefixCacheTokens })},
		{"cache-block", "tokens of a block of the prefix cache (16)",
			whole(func(o *Options) *int { return &o.CacheBlock })},
		{"tool-calls", "share of requests with tools and a free choice among them that are answered by a call (0)",
			share(func(o *Options) *float64 { return &o.ToolCalls })},
		{"tool-refusals", "share of requests that demand a call of a tool and are answered by words (0)",
			share(func(o *Options) *float64 { return &o.ToolRefusals })},
		{"speech-rate", "seconds of sound that speech makes in a second, after ttft (4; 0: all at once)",
			share(func(o *Options) *float64 { return &o.SpeechRate })},
		{"speech-chunk", "sound in a chunk of speech (100ms)",
			span(func(o *Options) *time.Duration { return &o.SpeechChunk })},
		{"speech-per-character", "sound of a character of a text to speak (60ms)",
			span(func(o *Options) *time.Duration { return &o.SpeechChar })},
		{"speech-stalls", "pauses of speech, as PLACE:LENGTH in the sound, separated by commas: 2s:500ms (none)",
			speechStalls},
		{"session-header", "header whose value the truth calls session (X-Session-Id)",
			text(func(o *Options) *string { return &o.SessionHeader })},
		{"truth", "file to which each finished request is appended as a JSON line",
			text(func(o *Options) *string { return &o.Truth })},
		{"seed", "seed of failures and gaps (0)", func(o *Options, v string) (err error) {
			o.Seed, err = strconv.ParseInt(v, 10, 64)
			return err
		}},
	}
}

func span(field func(*Options) *time.Duration) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		*field(o), err = timespan.Parse(v)
		return err
	}
}

func whole(field func(*Options) *int) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		*field(o), err = strconv.Atoi(v)
		return err
	}
}

func share(field func(*Options) *float64) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		*field(o), err = strconv.ParseFloat(v, 64)
		return err
	}
}

func text(field func(*Options) *string) func(*Options, string) error {
	return func(o *Options, v string) error {
		*field(o) = v
		return nil
	}
}

func names(field func(*Options) *[]string) func(*Options, string) error {
	return func(o *Options, v string) error {
		*field(o) = strings.Split(v, ",")
		return nil
	}
}

// ParseQuery reads options written as a URL's query, "ttft=50ms&itl=10ms"; the names are those of Flags.
func ParseQuery(query string) (Options, error) {
	o := DefaultOptions()
	values, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B")) // they separate events, and no options
	if err != nil {
		return o, fmt.Errorf("simulator options %q: %w", query, err)
	}
	flags := Flags()
	known := make([]string, len(flags))
	for i, f := range flags {
		known[i] = f.Name
		if v, given := values[f.Name]; given {
			delete(values, f.Name)
			if err := f.Set(&o, v[len(v)-1]); err != nil {
				return o, fmt.Errorf("simulator option %s=%q: %w", f.Name, v[len(v)-1], err)
			}
		}
	}
	for name := range values {
		return o, fmt.Errorf("unknown simulator option %q, known are %s", name, strings.Join(known, ", "))
	}
	return o, o.Validate()
}

// maxWrong bounds what an answer has too much of.
const maxWrong = 1000

// maxPings bounds what is written before each chunk.
const maxPings = 10_000

// maxTime keeps sums of times from overflowing.
const maxTime = time.Hour

// Validate returns an error that names the first invalid option.
func (o Options) Validate() error {
	switch {
	case o.TTFT < 0 || o.ITL < 0 || o.ITLStdDev < 0 || o.PromptTime < 0:
		return fmt.Errorf("simulator: times must not be negative (ttft %v, itl %v, itl-stddev %v, prompt-time %v)",
			o.TTFT, o.ITL, o.ITLStdDev, o.PromptTime)
	case max(o.TTFT, o.ITL, o.ITLStdDev, o.PromptTime) > maxTime:
		return fmt.Errorf("simulator: times must not be above %v (ttft %v, itl %v, itl-stddev %v, prompt-time %v)",
			maxTime, o.TTFT, o.ITL, o.ITLStdDev, o.PromptTime)
	case min(o.ImageTime, o.VideoTime) < 0 || max(o.ImageTime, o.VideoTime) > maxTime:
		return fmt.Errorf("simulator: image-time and video-time must be from 0s to %v, got %v and %v", maxTime,
			o.ImageTime, o.VideoTime)
	case slices.Contains(o.LoRA, ""):
		return fmt.Errorf("simulator option lora holds an empty name")
	case o.MaxNumSeqs < 1:
		return fmt.Errorf("simulator option max-num-seqs must be at least 1, got %d", o.MaxNumSeqs)
	case o.OutputTokens < 0:
		return fmt.Errorf("simulator option output-tokens must not be negative, got %d", o.OutputTokens)
	case o.TokensPerChunk < 1:
		return fmt.Errorf("simulator option tokens-per-chunk must be at least 1, got %d", o.TokensPerChunk)
	case o.Pings < 0 || o.Pings > maxPings:
		return fmt.Errorf("simulator option pings must be from 0 to %d, got %d", maxPings, o.Pings)
	case o.MaxBatch < 0:
		return fmt.Errorf("simulator option max-batch must not be negative, got %d", o.MaxBatch)
	case o.WrongCount < -maxWrong || o.WrongCount > maxWrong:
		return fmt.Errorf("simulator option wrong-count must be from %d to %d, got %d", -maxWrong, maxWrong,
			o.WrongCount)
	case o.KVCacheTokens < 1:
		return fmt.Errorf("simulator option kv-cache-tokens must be at least 1, got %d", o.KVCacheTokens)
	case o.SpeechChunk < time.Millisecond || o.SpeechChar < 0 || max(o.SpeechChunk, o.SpeechChar) > time.Minute:
		return fmt.Errorf("simulator: speech-chunk must be from 1ms to 1m, and speech-per-character up to 1m, "+
			"got %v and %v", o.SpeechChunk, o.SpeechChar)
	case !(o.SpeechRate >= 0 && o.SpeechRate <= 1e6):
		return fmt.Errorf("simulator option speech-rate must be from 0 to 1000000, got %v", o.SpeechRate)
	case o.Model == "":
		return fmt.Errorf("simulator option model must not be empty")
	case o.CacheBlock < 1:
		return fmt.Errorf("simulator option cache-block must be at least 1, got %d", o.CacheBlock)
	case o.PrefixCacheTokens < 0 && o.PrefixCacheTokens != Unlimited,
		o.PrefixCacheTokens > 0 && o.PrefixCacheTokens < o.CacheBlock:
		return fmt.Errorf("simulator option prefix-cache-tokens must be 0, unlimited, or hold a block of %d, got %d",
			o.CacheBlock, o.PrefixCacheTokens)
	}
	for _, share := range []struct {
		name  string
		value float64
	}{{"failure-rate", o.FailureRate}, {"tool-calls", o.ToolCalls}, {"tool-refusals", o.ToolRefusals}} {
		if !(share.value >= 0 && share.value <= 1) {
			return fmt.Errorf("simulator option %s must be between 0 and 1, got %v", share.name, share.value)
		}
	}
	if err := cmp.Or(o.validateMedia(), o.validateQueue(), o.validateEvents()); err != nil {
		return err
	}
	for _, name := range o.Metrics {
		if !slices.Contains(engineNames(), name) {
			return fmt.Errorf("simulator option metrics must be of %s, got %q", strings.Join(engineNames(), ", "), name)
		}
	}
	switch o.FailureKind {
	case FailHTTP, FailStream, FailTruncated, FailStall:
		return nil
	}
	return fmt.Errorf("simulator option failure-kind must be http, stream_error, truncated or stall, got %q",
		o.FailureKind)
}
