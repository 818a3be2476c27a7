package llm

import (
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// datasetOptions are the options of new Dataset, and which of them the script set.
type datasetOptions struct {
	input.DatasetOptions
	given map[string]bool
	mix   mixOptions
}

func newDatasetOptions() *datasetOptions {
	return &datasetOptions{DatasetOptions: input.DefaultDatasetOptions(), given: map[string]bool{}}
}

func (o *datasetOptions) fields(rt *sobek.Runtime) fields {
	f := fields{
		"type":            text(&o.Kind),
		"path":            text(&o.Path),
		"files":           o.readFiles,
		"column":          text(&o.Column),
		"api":             dialect(&o.API),
		"tokenizer":       text(&o.Tokenizer),
		"tokensPerWord":   number(&o.TokensPerWord),
		"corpusFilePath":  text(&o.Corpus),
		"trace":           text(&o.Trace),
		"useChatTemplate": boolean(&o.Template),
		"seed":            func(v sobek.Value) error { o.Seed = new(int64); return integer(o.Seed, 0)(v) },
		"salt":            o.readSalt,
		"prompts":         text(&o.Prompts),
		"inputDistribution": func(v sobek.Value) error {
			o.Input = new(datasets.Distribution)
			return unchecked(rt, o.Input)(v)
		},
		"outputDistribution": func(v sobek.Value) error {
			o.Output = new(datasets.Distribution)
			return unchecked(rt, o.Output)(v)
		},
		"turns":     o.readTurns,
		"sessions":  integer(&o.Sessions, 1),
		"maxTokens": integer(&o.MaxTokens, 1),
		"batchSize": integer(&o.Batch, 1),
		"sizes":     text(&o.Sizes),
		"parts":     func(v sobek.Value) error { o.mix.given = v; return nil },

		"durations":      pause(rt, &o.Sounds.Durations),
		"poolSize":       integer(&o.Sounds.Pool, 1),
		"content":        text(&o.Sounds.Content),
		"media":          readMedia(rt, &o.Media),
		"documentCount":  integer(&o.Documents, 1),
		"split":          text(&o.Arena.Split),
		"numRows":        integer(&o.Arena.Rows, 1),
		"maxImages":      integer(&o.Arena.Images, 1),
		"insertionPoint": place(rt, &o.Arena.Place),

		"conversationReplay": func(v sobek.Value) error {
			return replayFields(rt, &o.Replay).read(rt, "conversationReplay", v)
		},
		"sharedPrefix": func(v sobek.Value) error {
			return sharedPrefixFields(rt, &o.Shared).read(rt, "sharedPrefix", v)
		},
	}
	maps.Copy(f, o.sessionFields(rt))
	for name, read := range f {
		f[name] = func(v sobek.Value) error {
			o.given[name] = true
			return read(v)
		}
	}
	return f
}

func sharedPrefixFields(rt *sobek.Runtime, o *input.SharedPrefix) fields {
	return fields{
		"numUniqueSystemPrompts":  integer(&o.Groups, 1),
		"numUsersPerSystemPrompt": integer(&o.Questions, 1),
		"systemPromptLen":         distribution(rt, &o.System),
		"questionLen":             distribution(rt, &o.Question),
		"outputLen":               distribution(rt, &o.Output),
		"enableMultiTurnChat":     boolean(&o.MultiTurn),
		"media":                   readMix(rt, &o.Media),
	}
}

func replayFields(rt *sobek.Runtime, o *input.Replay) fields {
	return fields{
		"numConversations":       integer(&o.Conversations, 1),
		"sharedSystemPromptLen":  integer(&o.System, 0),
		"dynamicSystemPromptLen": distribution(rt, &o.Dynamic),
		"turnsPerConversation":   distribution(rt, &o.Turns),
		"inputTokensPerTurn":     distribution(rt, &o.Input),
		"outputTokensPerTurn":    distribution(rt, &o.Output),
		"maxModelLen":            integer(&o.Limit, 1),
		"toolCallLatencySec":     pause(rt, &o.Pause),
	}
}

// readFiles reads a pattern of files, or a list of patterns.
func (o *datasetOptions) readFiles(v sobek.Value) error {
	if _, isList := export(v).([]any); !isList {
		return text(&o.Files)(v)
	}
	return expressions(&o.Session.Files)(v)
}

// readTurns reads a number of turns, or 'all' for all turns of a file's conversations.
func (o *datasetOptions) readTurns(v sobek.Value) error {
	if export(v) == "all" {
		o.Turns = -1
		return nil
	}
	return integer(&o.Turns, 1)(v)
}

func (o *datasetOptions) readSalt(v sobek.Value) error {
	switch x := export(v).(type) {
	case string:
		o.Salt = &x
	case bool:
		if !x {
			o.Salt = new(string)
		}
	default:
		return fmt.Errorf("must be a text, or false for none, got %s", describe(v))
	}
	return nil
}

// distribution reads a distribution of lengths and checks it.
func distribution(rt *sobek.Runtime, dst *datasets.Distribution) func(sobek.Value) error {
	read := unchecked(rt, dst)
	return func(v sobek.Value) error {
		if err := read(v); err != nil {
			return err
		}
		err := dst.Validate()
		if d, isObject := v.(*sobek.Object); isObject && err != nil && absent(d.Get("mean")) {
			return fmt.Errorf("%w, and is what a mean that is left out stands for: set it, or take type: 'uniform'",
				err)
		}
		return err
	}
}

// unchecked reads a distribution of lengths: a number, or {type, mean, stdDev, min, max, skew} with inference-perf's
// defaults.
func unchecked(rt *sobek.Runtime, dst *datasets.Distribution) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if x := export(v); isNumber(x) {
			var n int64
			if err := integer(&n, 0)(v); err != nil {
				return err
			}
			*dst = datasets.Constant(int(n))
			return nil
		}
		d := input.DefaultLengths()
		low, high := int64(math.MinInt64), int64(math.MinInt64)
		if err := distributionFields(&d, &low, &high).read(rt, "distribution", v); err != nil {
			return err
		}
		if low >= 0 {
			d.Min = int(low)
		} else if d.Type == datasets.Fixed {
			d.Min = min(d.Min, int(d.Mean))
		}
		if high >= 0 {
			d.Max = int(high)
		} else if d.Type == datasets.Fixed {
			d.Max = max(d.Max, int(math.Ceil(d.Mean)))
		}
		*dst = d
		return nil
	}
}

// pause reads a number or a distribution of seconds as a distribution of milliseconds.
func pause(rt *sobek.Runtime, dst *datasets.Distribution) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if x := export(v); isNumber(x) {
			var seconds float64
			if err := number(&seconds)(v); err != nil || seconds < 0 || seconds > 3600 {
				return fmt.Errorf("must be a number of seconds up to 3600, got %s", describe(v))
			}
			*dst = datasets.Constant(int(seconds * 1000))
			return nil
		}
		d := input.DefaultLengths()
		low, high := math.NaN(), math.NaN()
		err := fields{
			"type": text(&d.Type), "mean": number(&d.Mean), "stdDev": number(&d.StdDev), "skew": number(&d.Skew),
			"min": number(&low), "max": number(&high),
		}.read(rt, "distribution", v)
		if err != nil {
			return err
		}
		*dst, err = milliseconds(d, low, high)
		return err
	}
}

// milliseconds returns a distribution of seconds as one of milliseconds. Bounds that are not given are NaN.
func milliseconds(d datasets.Distribution, low, high float64) (datasets.Distribution, error) {
	bound := func(given float64, usual int, further func(x, y float64) float64) float64 {
		switch {
		case !math.IsNaN(given):
			return given
		case d.Type == datasets.Fixed:
			return further(float64(usual), d.Mean)
		}
		return float64(usual)
	}
	low, high = bound(low, d.Min, math.Min), bound(high, d.Max, math.Max)
	if !(low >= 0 && high <= 3600) {
		return d, errors.New("must be a distribution of seconds up to 3600")
	}
	d.Mean, d.StdDev, d.Step = 1000*d.Mean, 1000*d.StdDev, 1000
	d.Min, d.Max = int(math.Round(1000*low)), int(math.Round(1000*high))
	if err := d.Validate(); err != nil {
		return d, fmt.Errorf("in milliseconds: %w", err)
	}
	return d, nil
}

func isNumber(x any) bool {
	switch x.(type) {
	case int64, float64:
		return true
	}
	return false
}

// distributionFields are the fields of a distribution; its bounds are read apart.
func distributionFields(d *datasets.Distribution, low, high *int64) fields {
	return fields{
		"type": text(&d.Type), "mean": number(&d.Mean), "stdDev": number(&d.StdDev), "skew": number(&d.Skew),
		"min": integer(low, 0), "max": integer(high, 0),
	}
}
