package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Words is how a server counts the words of made-up prompts.
type Words struct {
	// PerWord is the number of tokens of a word, over the words of the text that was counted.
	PerWord float64
	// Around is the number of tokens that the server counts beside those of the text, such as those of a chat template;
	// -1 if it is unknown.
	Around int
	How    string // one line on what was done
}

// How many words are counted: many where only a tokenizer runs, few where a model reads them.
const (
	tokenizedWords = 8000
	promptedWords  = 200
)

// TokensPerWord asks a server how many tokens the words of a text have: by its /tokenize, or else by the usage of two
// requests, one of which has twice the words of the other. If neither tells, the number is assumed, as How says. found
// is the result of Run with the same options. kind is the type of the data set whose words they are, "synthetic" or
// "random". The error reports that ctx ended or that the options are none.
func TokensPerWord(ctx context.Context, opts Options, found *Result, kind string) (Words, error) {
	text := datasets.SampleRandom
	if kind == "synthetic" {
		text = func(words int) string { return datasets.SampleSynthetic(datasets.Corpus, words) }
	}
	opts.URL = found.address(opts.URL)
	p, err := newProber(opts)
	if err != nil {
		return Words{}, err
	}
	defer p.close()
	*p.result = *found
	within, cancel := context.WithTimeoutCause(ctx, p.opts.Timeout, errTimeout)
	defer cancel()
	var w Words
	if err = errNoCount; found.Tokenize != "" {
		w, err = p.wordsByTokenizer(within, text)
	}
	if err != nil {
		w, err = p.wordsByUsage(within, text)
	}
	switch {
	case ctx.Err() != nil:
		return Words{}, ctx.Err()
	case err != nil:
		return Words{PerWord: assumedPerWord, Around: -1,
			How: fmt.Sprintf("assumed %.1f tokens a word: %v", assumedPerWord, err)}, nil
	}
	return w, nil
}

// assumedPerWord is the number of tokens of an English word with the usual tokenizers.
const assumedPerWord = 1.3

// address returns the URL of a server that was found, so that it need not be looked for again.
func (r *Result) address(url string) string {
	if r.Settings.BaseURL != "" {
		return r.Settings.BaseURL
	}
	return url
}

// wordsByTokenizer counts two texts, so that special tokens around a text do not count.
func (p *prober) wordsByTokenizer(ctx context.Context, text func(words int) string) (Words, error) {
	at := p.places[0]
	url := p.wire.findTokenize(ctx, at, p.result.Settings.Model)
	if url == "" {
		return Words{}, errNoCount
	}
	short, long := text(tokenizedWords/2), text(tokenizedWords)
	few, err := p.wire.tokenize(ctx, url, p.result.Settings.Model, short)
	if err != nil {
		return Words{}, err
	}
	many, err := p.wire.tokenize(ctx, url, p.result.Settings.Model, long)
	if err != nil {
		return Words{}, err
	}
	w, err := slope(short, long, few, many)
	w.Around = -1
	w.How = fmt.Sprintf("%.2f tokens a word, by the server's /tokenize", w.PerWord)
	return w, err
}

// slope returns the tokens of the words by which one text is longer than another.
func slope(short, long string, few, many int) (Words, error) {
	a, b := len(strings.Fields(short)), len(strings.Fields(long))
	if many <= few || b <= a {
		return Words{}, fmt.Errorf("%d words are %d tokens, and %d words are %d", a, few, b, many)
	}
	per := float64(many-few) / float64(b-a)
	return Words{PerWord: per, Around: max(0, few-int(per*float64(a)+0.5))}, nil
}

// wordsByUsage sends two requests for one token each.
func (p *prober) wordsByUsage(ctx context.Context, text func(words int) string) (Words, error) {
	if !p.result.Usage && !p.result.UsageUnstreamed {
		return Words{}, errNoUsage
	}
	short, long := text(promptedWords), text(2*promptedWords)
	few, err := p.promptTokens(ctx, short)
	if err != nil {
		return Words{}, err
	}
	many, err := p.promptTokens(ctx, long)
	if err != nil {
		return Words{}, err
	}
	w, err := slope(short, long, few, many)
	w.How = fmt.Sprintf("about %.2f tokens a word, by the usage of two requests", w.PerWord)
	return w, err
}

// errNoUsage reports that nothing tells how many tokens a prompt has.
var errNoUsage = errors.New("the server reports no usage")

// promptTokens returns the number of tokens of a prompt by the server's usage.
func (p *prober) promptTokens(ctx context.Context, text string) (int, error) {
	dialect, err := api.ByName(p.result.Settings.API)
	if err != nil {
		return 0, err
	}
	o := p.options(p.places[0].base, dialect)
	o.Streaming, o.IgnoreEOS = !p.result.UsageUnstreamed && p.result.Usage, false
	c, err := client.New(o)
	if err != nil {
		return 0, err
	}
	messages, err := json.Marshal([]map[string]string{{"role": "user", "content": text}})
	if err != nil {
		return 0, err
	}
	p.wire.count()
	a, err := c.Do(ctx, p.wire.transport, &client.Request{Prompt: text, Messages: messages, MaxTokens: 1})
	switch {
	case err != nil:
		return 0, err
	case a.Record.Failed():
		return 0, errors.New(p.wire.hide(a.Record.Error))
	}
	n := a.Record.Counts().ServerPrompt
	if n == record.NotReported {
		return 0, errNoUsage
	}
	return n, nil
}
