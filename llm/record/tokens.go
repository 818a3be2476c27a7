package record

import "github.com/tidwall/gjson"

// Source says where a token count comes from.
type Source string

// The sources of token counts, best first.
const (
	ClientTokenizer Source = "client"     // counted here with the model's tokenizer
	ClientRaw       Source = "client_raw" // likewise, but of a chat's texts without the chat template
	ServerUsage     Source = "usage"      // the server's usage map
	ContentChunks   Source = "chunks"     // one per content chunk, for want of better
	NoSource        Source = "unknown"    // nothing to count by
)

// OutputTokens is the number of tokens generated: the client's count of the content; without a tokenizer the server's
// usage; without that the number of content chunks. An answer that was not streamed has no chunks to count.
func (r *Request) OutputTokens() (int, Source) {
	if r.Completion != nil {
		return *r.Completion, ClientTokenizer
	}
	if n, ok := r.UsageTokens("completion_tokens", "output_tokens"); ok {
		return n, ServerUsage
	}
	if !r.Streaming {
		return 0, NoSource
	}
	return len(r.Chunks), ContentChunks
}

// InputTokens is the number of prompt tokens: the server's usage, which knows the chat template; else the client's count.
func (r *Request) InputTokens() (int, Source) {
	if n, ok := r.UsageTokens("prompt_tokens", "input_tokens"); ok {
		return n, ServerUsage
	}
	switch {
	case r.Prompt != nil && r.PromptRaw:
		return *r.Prompt, ClientRaw
	case r.Prompt != nil:
		return *r.Prompt, ClientTokenizer
	}
	return 0, NoSource
}

// UsageTokens is the first of the named counts that the server's usage map holds as a number; a reported 0 counts. Names
// are paths as gjson reads them ("prompt_tokens_details.cached_tokens").
func (r *Request) UsageTokens(names ...string) (int, bool) {
	if len(r.Usage) == 0 {
		return 0, false
	}
	for _, name := range names {
		if v := gjson.GetBytes(r.Usage, name); v.Type == gjson.Number {
			return int(v.Int()), true
		}
	}
	return 0, false
}
