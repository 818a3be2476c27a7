package record

import "github.com/tidwall/gjson"

// Source tells where a token count comes from.
type Source string

// The sources of token counts, best first.
const (
	ClientTokenizer Source = "client" // counted by the client with the model's tokenizer
	// counted by the client from texts alone: a prompt without the chat template, an answer's reasoning and tool calls
	ClientRaw     Source = "client_raw"
	ServerUsage   Source = "usage"   // the server's usage map
	ContentChunks Source = "chunks"  // one token per chunk of content, reasoning or a tool call, if no count is known
	NoSource      Source = "unknown" // no count is possible
)

// Counts holds the token counts of a request. Reading them takes a pass over the usage map, so callers read them once.
type Counts struct {
	// Completion is the number of tokens generated: the client's count; or the server's usage if there is no tokenizer,
	// if the answer has reasoning or tool calls, whose tokens the client does not see in full, or in Anthropic's
	// Messages; without either, the number of chunks. An answer that was not streamed has no chunks to count.
	Completion       int
	CompletionSource Source
	// Prompt is the number of prompt tokens: the server's usage, which knows the chat template; else the client's
	// count.
	Prompt       int
	PromptSource Source
	// The numbers in the server's usage map, NotReported if it has none; a reported 0 counts.
	ServerPrompt, ServerCompletion, ServerCached int
}

// anthropicMessages is the API whose usage takes precedence over a count, as in inference-perf: the tokenizers of most
// models behind it are not public.
const anthropicMessages = "anthropic_messages"

// The APIs whose requests have inputs and generate no text; see [Request.Generates].
const (
	APIEmbeddings = "embeddings"
	APIRerank     = "rerank"
)

// The APIs whose answers or requests are media. Of these, a transcription alone is text.
const (
	APISpeech        = "speech"
	APITranscription = "transcription"
	APIImage         = "image"
	APIVideo         = "video"
)

// MediaAnswers lists the APIs whose answers are pictures, videos or sounds, and no text.
var MediaAnswers = [...]string{APISpeech, APIImage, APIVideo}

// NotReported is the value of a count that the server did not report.
const NotReported = -1

// Counts returns the token counts of the request.
func (r *Request) Counts() Counts {
	c := Counts{ServerPrompt: NotReported, ServerCompletion: NotReported, ServerCached: NotReported}
	c.readUsage(r.Usage)
	generates := r.Generates()
	if !generates {
		c.leaveOutput(r.Usage)
	}
	chunks := r.OutputChunks()
	if chunks > 0 && r.Noted(NoteChoices) {
		c.ServerCompletion = NotReported // the count may cover all choices, while the times belong to one
	}
	switch {
	case !generates:
		c.CompletionSource = NoSource
	case r.Completion != nil && !r.CompletionRaw && !(r.API == anthropicMessages &&
		c.ServerCompletion != NotReported):
		c.Completion, c.CompletionSource = *r.Completion, ClientTokenizer
	case c.ServerCompletion != NotReported:
		c.Completion, c.CompletionSource = c.ServerCompletion, ServerUsage
	case r.Completion != nil:
		c.Completion, c.CompletionSource = *r.Completion, ClientRaw
	case chunks == 0 && (!r.Streaming || r.Noted(NoteWhole)):
		c.CompletionSource = NoSource
	default:
		c.Completion, c.CompletionSource = chunks, ContentChunks
	}
	switch {
	case c.ServerPrompt != NotReported:
		c.Prompt, c.PromptSource = c.ServerPrompt, ServerUsage
	case r.Prompt == nil:
		c.PromptSource = NoSource
	case r.PromptRaw:
		c.Prompt, c.PromptSource = *r.Prompt, ClientRaw
	default:
		c.Prompt, c.PromptSource = *r.Prompt, ClientTokenizer
	}
	return c
}

// leaveOutput leaves out the completion tokens, which an answer without text does not have, though some servers report
// 0. All tokens of such a request are input: rerank servers report the total alone.
func (c *Counts) leaveOutput(usage []byte) {
	c.ServerCompletion = NotReported
	if c.ServerPrompt == NotReported {
		readCount(&c.ServerPrompt, gjson.GetBytes(usage, "total_tokens"))
	}
}

// readUsage reads the map in one pass. Some servers call their counts input_tokens and output_tokens; the usual names
// take precedence. Anthropic's input_tokens leave out what was read from the cache or written to it, and those parts
// are added.
func (c *Counts) readUsage(usage []byte) {
	otherPrompt, otherCompletion, total, reasoning := NotReported, NotReported, NotReported, NotReported
	read, written := 0, 0
	gjson.ParseBytes(usage).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "prompt_tokens":
			readCount(&c.ServerPrompt, value)
		case "completion_tokens":
			readCount(&c.ServerCompletion, value)
		case "input_tokens":
			readCount(&otherPrompt, value)
		case "output_tokens":
			readCount(&otherCompletion, value)
		case "total_tokens":
			readCount(&total, value)
		case cacheRead:
			readCount(&read, value)
			readCount(&c.ServerCached, value)
		case cacheWritten:
			readCount(&written, value)
		case "completion_tokens_details", "output_tokens_details":
			readCount(&reasoning, value.Get("reasoning_tokens"))
		case "prompt_tokens_details", "input_tokens_details":
			readCount(&c.ServerCached, value.Get("cached_tokens"))
		}
		return true
	})
	if c.ServerPrompt == NotReported {
		if c.ServerPrompt = otherPrompt; read+written > 0 {
			c.ServerPrompt = max(otherPrompt, 0) + read + written
		}
	}
	if c.ServerCompletion == NotReported {
		c.ServerCompletion = otherCompletion
	}
	// Most completion counts include the reasoning; those of xAI and Gemini do not, which the total shows.
	if reasoning > 0 && c.ServerCompletion >= 0 && c.ServerPrompt >= 0 && total == c.ServerPrompt+c.ServerCompletion+
		reasoning {
		c.ServerCompletion += reasoning
	}
}

// readCount stores a number that can be a count.
func readCount(dst *int, v gjson.Result) {
	if v.Type == gjson.Number && v.Num >= 0 && v.Num <= maxCount {
		*dst = int(v.Num)
	}
}
