package llm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// fileKinds are the types of data sets that read files, as inference-perf names them, and jsonl.
var fileKinds = map[string]datasets.Kind{
	"shareGPT": datasets.ShareGPT, "cnn_dailymail": datasets.CNNDailyMail, "billsum_conversations": datasets.BillSum,
	"infinity_instruct": datasets.InfinityInstruct, "jsonl": datasets.Prompts,
}

// generatedKinds are the types that make their prompts.
var generatedKinds = []string{"conversation_replay", "mock", "random", "shared_prefix", "synthetic"}

// datasetOptions are the options of new Dataset.
type datasetOptions struct {
	kind      string
	path      string
	files     string // which files of a folder or a repository
	api       string
	tokenizer string
	corpus    string
	trace     string // file of lengths
	template  bool   // write prompts as the chat template does
	seed      *int64
	salt      *string // nil if the script says nothing
	prompts   string  // whose way of making them: ownPrompts or originalPrompts
	input     *datasets.Distribution
	output    *datasets.Distribution
	shared    sharedPrefixOptions
	replay    replayOptions
	turns     int64 // 0: single requests; -1: all that a conversation in a file has
	sessions  int64 // conversations open at once; 0: as many as there are, up to defaultSessions

	given map[string]bool // which options the script set
}

// sharedPrefixOptions are inference-perf's, with its defaults.
type sharedPrefixOptions struct {
	groups, questions        int64
	system, question, output datasets.Distribution
	multiTurn                bool
}

// replayOptions are inference-perf's, with its defaults.
type replayOptions struct {
	conversations, system, limit         int64
	dynamic, turns, input, output, pause datasets.Distribution
}

// The ways of making prompts.
const (
	ownPrompts      = "own"
	originalPrompts = "inference-perf"
)

// defaultSessions bounds the conversations that are open at once unless the script says how many.
const defaultSessions = 1000

// defaultTurns is how many questions each user of shared prefixes asks unless the script says.
const defaultTurns = 5

func newDatasetOptions() *datasetOptions {
	return &datasetOptions{
		api: "chat", prompts: ownPrompts, given: map[string]bool{},
		shared: defaultSharedPrefix(), replay: defaultReplay(),
	}
}

func defaultSharedPrefix() sharedPrefixOptions {
	d := config.DefaultSharedPrefix()
	return sharedPrefixOptions{
		groups: d.Groups, questions: d.UsersPerGroup, multiTurn: d.MultiTurn,
		system: datasets.Constant(int(d.SystemPrompt.N)), question: datasets.Constant(int(d.Question.N)),
		output: datasets.Constant(int(d.Output.N)),
	}
}

func defaultReplay() replayOptions {
	d := config.DefaultConversationReplay()
	return replayOptions{
		conversations: d.Conversations, system: d.SystemPrompt, limit: *d.MaxModelLen,
		dynamic: lengthsOf(d.DynamicPrompt), turns: lengthsOf(d.Turns), input: lengthsOf(d.Input),
		output: lengthsOf(d.Output), pause: datasets.Constant(0),
	}
}

// lengthsOf returns a distribution of the configuration as one that the data sets draw from.
func lengthsOf(d *config.Distribution) datasets.Distribution {
	return datasets.Distribution{
		Type: string(d.Type), Mean: d.Mean, StdDev: d.StdDev, Skew: d.Skew, Min: int(d.Min), Max: int(d.Max),
	}
}

func (o *datasetOptions) fields(rt *sobek.Runtime) fields {
	f := fields{
		"type":            text(&o.kind),
		"path":            text(&o.path),
		"files":           text(&o.files),
		"api":             text(&o.api),
		"tokenizer":       text(&o.tokenizer),
		"corpusFilePath":  text(&o.corpus),
		"trace":           text(&o.trace),
		"useChatTemplate": boolean(&o.template),
		"seed":            func(v sobek.Value) error { o.seed = new(int64); return integer(o.seed, 0)(v) },
		"salt":            o.readSalt,
		"prompts":         text(&o.prompts),
		"inputDistribution": func(v sobek.Value) error {
			o.input = new(datasets.Distribution)
			return unchecked(rt, o.input)(v)
		},
		"outputDistribution": func(v sobek.Value) error {
			o.output = new(datasets.Distribution)
			return unchecked(rt, o.output)(v)
		},
		"turns":    o.readTurns,
		"sessions": integer(&o.sessions, 1),
		"conversationReplay": func(v sobek.Value) error {
			return o.replay.fields(rt).read(rt, "conversationReplay", v)
		},
		"sharedPrefix": func(v sobek.Value) error { return o.shared.fields(rt).read(rt, "sharedPrefix", v) },
	}
	for name, read := range f {
		f[name] = func(v sobek.Value) error {
			o.given[name] = true
			return read(v)
		}
	}
	return f
}

func (o *sharedPrefixOptions) fields(rt *sobek.Runtime) fields {
	return fields{
		"numUniqueSystemPrompts":  integer(&o.groups, 1),
		"numUsersPerSystemPrompt": integer(&o.questions, 1),
		"systemPromptLen":         distribution(rt, &o.system),
		"questionLen":             distribution(rt, &o.question),
		"outputLen":               distribution(rt, &o.output),
		"enableMultiTurnChat":     boolean(&o.multiTurn),
	}
}

func (o *replayOptions) fields(rt *sobek.Runtime) fields {
	return fields{
		"numConversations":       integer(&o.conversations, 1),
		"sharedSystemPromptLen":  integer(&o.system, 0),
		"dynamicSystemPromptLen": distribution(rt, &o.dynamic),
		"turnsPerConversation":   distribution(rt, &o.turns),
		"inputTokensPerTurn":     distribution(rt, &o.input),
		"outputTokensPerTurn":    distribution(rt, &o.output),
		"maxModelLen":            integer(&o.limit, 1),
		"toolCallLatencySec":     pause(rt, &o.pause),
	}
}

// readTurns reads 'all', of files, or how many.
func (o *datasetOptions) readTurns(v sobek.Value) error {
	if export(v) == "all" {
		o.turns = -1
		return nil
	}
	return integer(&o.turns, 1)(v)
}

func (o *datasetOptions) readSalt(v sobek.Value) error {
	switch x := export(v).(type) {
	case string:
		o.salt = &x
	case bool:
		if !x {
			o.salt = new(string)
		}
	default:
		return fmt.Errorf("must be a text, or false for none, got %s", describe(v))
	}
	return nil
}

// distribution reads a length and checks it.
func distribution(rt *sobek.Runtime, dst *datasets.Distribution) func(sobek.Value) error {
	read := unchecked(rt, dst)
	return func(v sobek.Value) error {
		if err := read(v); err != nil {
			return err
		}
		return dst.Validate()
	}
}

// unchecked reads a length: a number, or {type, mean, stdDev, min, max, skew} with inference-perf's defaults.
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
		defaults := config.DefaultDistribution()
		d := lengthsOf(&defaults)
		low, high := int64(math.MinInt64), int64(math.MinInt64)
		err := fields{
			"type": text(&d.Type), "mean": number(&d.Mean), "stdDev": number(&d.StdDev), "skew": number(&d.Skew),
			"min": integer(&low, 0), "max": integer(&high, 0),
		}.read(rt, "distribution", v)
		if err != nil {
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

// pause reads seconds, a number or a distribution of them, as a distribution of milliseconds.
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
		var d datasets.Distribution
		if err := distribution(rt, &d)(v); err != nil {
			return err
		}
		if d.Type == datasets.Poisson || d.Max > 3600 {
			return errors.New("must be a distribution of seconds up to 3600, and not poisson, which counts")
		}
		d.Mean, d.StdDev, d.Min, d.Max = 1000*d.Mean, 1000*d.StdDev, 1000*d.Min, 1000*d.Max
		*dst = d
		return nil
	}
}

func isNumber(x any) bool {
	switch x.(type) {
	case int64, float64:
		return true
	}
	return false
}

// uses are the options each type takes beside type, api and seed.
func (o *datasetOptions) uses() []string {
	switch {
	case o.kind == "mock":
		return nil
	case o.kind == "random":
		return []string{"tokenizer", "inputDistribution", "outputDistribution", "salt", "prompts", "trace",
			"useChatTemplate"}
	case o.kind == "synthetic":
		return []string{"tokenizer", "inputDistribution", "outputDistribution", "salt", "prompts", "corpusFilePath"}
	case o.kind == "shared_prefix":
		return []string{"tokenizer", "sharedPrefix", "salt", "prompts", "turns", "sessions"}
	case o.kind == "conversation_replay":
		return []string{"tokenizer", "conversationReplay", "salt", "sessions"}
	case fileKinds[o.kind] != datasets.CNNDailyMail && fileKinds[o.kind] != datasets.Prompts:
		return []string{"path", "files", "tokenizer", "turns", "sessions", "inputDistribution", "outputDistribution"}
	}
	return []string{"path", "files", "tokenizer", "inputDistribution", "outputDistribution"}
}

func (o *datasetOptions) check() error {
	_, readsFiles := fileKinds[o.kind]
	known := strings.Join(append(slices.Sorted(maps.Keys(fileKinds)), generatedKinds...), ", ")
	switch {
	case o.api != "chat" && o.api != "completion":
		return invalid("Dataset", "api", fmt.Errorf("must be 'chat' or 'completion', got %q", o.api))
	case o.kind == "":
		return invalid("Dataset", "type", fmt.Errorf("is missing, known are %s", known))
	case !readsFiles && !slices.Contains(generatedKinds, o.kind):
		return invalid("Dataset", "type", fmt.Errorf("unknown %q, known are %s", o.kind, known))
	}
	uses := append(o.uses(), "type", "api", "seed")
	for _, name := range slices.Sorted(maps.Keys(o.given)) {
		if !slices.Contains(uses, name) {
			return invalid("Dataset", name, fmt.Errorf("type %s does not use it", o.kind))
		}
	}
	if err := o.checkPrompts(); err != nil {
		return invalid("Dataset", "prompts", err)
	}
	if err := o.checkLengths(readsFiles); err != nil {
		return err
	}
	switch {
	case readsFiles && o.turns > 0:
		return invalid("Dataset", "turns", errors.New("must be 'all': a file's conversations have the turns they have"))
	case readsFiles && o.turns != 0 && (o.input != nil || o.output != nil):
		return invalid("Dataset", "turns",
			errors.New("conversations are not chosen by length: leave the distributions out"))
	case o.kind == "shared_prefix" && o.turns < 0:
		return invalid("Dataset", "turns",
			errors.New("must be a number: made-up conversations have no end of their own"))
	case o.given["turns"] && o.kind == "shared_prefix" && !o.shared.multiTurn:
		return invalid("Dataset", "turns", errors.New("needs sharedPrefix: {enableMultiTurnChat: true}"))
	case o.given["sessions"] && o.turns == 0 && !o.shared.multiTurn && o.kind != "conversation_replay":
		return invalid("Dataset", "sessions", errors.New("single requests have none: set turns"))
	case readsFiles && o.path == "" && defaultRepos[o.kind].ID == "":
		return invalid("Dataset", "path", fmt.Errorf("is missing: %s reads a file", o.kind))
	case readsFiles || o.kind == "mock":
		return nil
	case o.tokenizer == "":
		return invalid("Dataset", "tokenizer",
			errors.New("is missing: prompts of an exact number of tokens are made with the model's"))
	case o.template && o.api == "chat":
		return invalid("Dataset", "useChatTemplate",
			errors.New("needs api: 'completion': the prompt is the chat as the model's template writes it"))
	case o.trace != "" && (o.input != nil || o.output != nil):
		return invalid("Dataset", "trace", errors.New("has the lengths: leave the distributions out"))
	case o.kind == "shared_prefix" || o.kind == "conversation_replay" || o.trace != "":
		return nil
	case o.input == nil:
		return invalid("Dataset", "inputDistribution",
			errors.New("is missing: the length of prompts, a number or such as {type: 'normal', mean: 512}"))
	case o.output == nil:
		return invalid("Dataset", "outputDistribution",
			errors.New("is missing: the length of answers, a number or such as {type: 'normal', mean: 128}"))
	}
	return nil
}

// checkLengths checks the distributions. Of those that choose the records of a file only min and max count: no mean is
// drawn.
func (o *datasetOptions) checkLengths(ofRecords bool) error {
	for _, option := range []struct {
		name   string
		length *datasets.Distribution
	}{{"inputDistribution", o.input}, {"outputDistribution", o.output}} {
		if option.length == nil {
			continue
		}
		d := *option.length
		if ofRecords {
			d.Mean = (float64(d.Min) + float64(d.Max)) / 2
		}
		if err := d.Validate(); err != nil {
			return invalid("Dataset", option.name, err)
		}
	}
	return nil
}

func (o *datasetOptions) checkPrompts() error {
	switch {
	case o.prompts != ownPrompts && o.prompts != originalPrompts:
		return fmt.Errorf("must be '%s' or '%s', got %q", ownPrompts, originalPrompts, o.prompts)
	case o.prompts == ownPrompts:
		return nil
	case o.api != "completion":
		return fmt.Errorf("'%s' needs api: 'completion': it makes no chats of them", originalPrompts)
	case o.shared.multiTurn:
		return fmt.Errorf("'%s' makes single requests: leave sharedPrefix.enableMultiTurnChat out", originalPrompts)
	}
	return nil
}

func (o *datasetOptions) form() datasets.Form {
	if o.api == "completion" {
		return datasets.AsCompletion
	}
	return datasets.AsChat
}
