package input

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// fileKinds maps the types of data sets that read files to their formats. All but prompts, and its older name jsonl,
// have the names of inference-perf.
var fileKinds = map[string]datasets.Kind{
	"shareGPT": datasets.ShareGPT, "cnn_dailymail": datasets.CNNDailyMail, "billsum_conversations": datasets.BillSum,
	"infinity_instruct": datasets.InfinityInstruct, "jsonl": datasets.Prompts,
	"prompts": datasets.Prompts,
}

// generatedKinds are the types of data sets that generate prompts.
var generatedKinds = []string{"conversation_replay", "mock", "random", "shared_prefix", "synthetic"}

// knownKinds returns all types of data sets.
func knownKinds() []string {
	files := slices.Sorted(maps.Keys(fileKinds))
	return slices.Concat(files, []string{soundKind, visionArena}, generatedKinds, sessionKinds, []string{MixKind})
}

// DatasetOptions are the options of a data set.
type DatasetOptions struct {
	Kind      string // the type of the data set
	Path      string
	Column    string // the field with the prompt; "" means prompt or messages
	Files     string // pattern for the files of a folder or a repository
	API       api.Dialect
	Tokenizer string
	// TokensPerWord makes prompts of about the lengths asked for without a tokenizer; 0 means that there is one
	TokensPerWord float64
	Corpus        string
	Trace         string // path of a file with the lengths of requests
	Template      bool   // frames prompts with the chat template
	Seed          *int64
	Salt          *string // nil means the default: see SaltedByRun
	Prompts       string  // OwnPrompts or OriginalPrompts
	Input         *datasets.Distribution
	Output        *datasets.Distribution
	Shared        SharedPrefix
	Replay        Replay
	Turns         int64  // 0 means single requests; -1 means all turns of a file's conversation
	Sessions      int64  // conversations open at once; 0 means all, up to defaultSessions
	Batch         int64  // texts of an embeddings request
	Sizes         string // of the pictures or videos to ask for, see datasets.ParseSizes; "" leaves them to the client
	Documents     int64  // documents of a rerank request that is made of texts
	MaxTokens     int64  // limit of every answer, in place of the item's own; 0 means the item's own

	Session *SessionOptions // of data sets of sessions
	Arena   ArenaOptions    // of questions about images
	Sounds  SoundOptions    // to write down
	Media   *MediaOptions   // nil: none but those of Shared
}

// SharedPrefix holds inference-perf's options of shared prefixes. Lengths are in tokens.
type SharedPrefix struct {
	Groups, Questions        int64
	System, Question, Output datasets.Distribution
	MultiTurn                bool
	Media                    *datasets.MediaMix // of the prefixes; nil: none
}

// Replay holds inference-perf's options of replayed conversations. Lengths are in tokens, pauses in milliseconds.
type Replay struct {
	Conversations, System, Limit         int64
	Dynamic, Turns, Input, Output, Pause datasets.Distribution
}

// The methods of generating prompts: this module's or inference-perf's.
const (
	OwnPrompts      = "own"
	OriginalPrompts = "inference-perf"
)

// defaultSessions bounds the number of conversations that are open at once if the script does not.
const defaultSessions = 1000

// defaultTurns is the number of turns of each conversation with a shared prefix if the script gives none.
const defaultTurns = 5

// DefaultDatasetOptions returns the default options of a data set.
func DefaultDatasetOptions() DatasetOptions {
	return DatasetOptions{
		API: api.Chat, Batch: 1, Documents: 10, Prompts: OwnPrompts, Shared: defaultSharedPrefix(),
		Replay: defaultReplay(), Session: defaultSessionOptions(), Arena: defaultArena(), Sounds: defaultSounds(),
	}
}

func defaultSharedPrefix() SharedPrefix {
	d := config.DefaultSharedPrefix()
	return SharedPrefix{
		Groups: d.Groups, Questions: d.UsersPerGroup, MultiTurn: d.MultiTurn,
		System: datasets.Constant(int(d.SystemPrompt.N)), Question: datasets.Constant(int(d.Question.N)),
		Output: datasets.Constant(int(d.Output.N)),
	}
}

func defaultReplay() Replay {
	d := config.DefaultConversationReplay()
	return Replay{
		Conversations: d.Conversations, System: d.SystemPrompt, Limit: *d.MaxModelLen,
		Dynamic: lengthsOf(d.DynamicPrompt), Turns: lengthsOf(d.Turns), Input: lengthsOf(d.Input),
		Output: lengthsOf(d.Output), Pause: datasets.Constant(0),
	}
}

// DefaultLengths returns the default distribution of lengths.
func DefaultLengths() datasets.Distribution {
	d := config.DefaultDistribution()
	return lengthsOf(&d)
}

// lengthsOf converts a distribution of the configuration into a distribution of the data sets.
func lengthsOf(d *config.Distribution) datasets.Distribution {
	return datasets.Distribution{
		Type: string(d.Type), Mean: d.Mean, StdDev: d.StdDev, Skew: d.Skew, Min: int(d.Min), Max: int(d.Max),
	}
}

// uses returns the options that the type takes besides type, api, seed and maxTokens.
func (o *DatasetOptions) uses() []string {
	if names := o.sessionUses(); names != nil {
		return names
	}
	switch {
	case o.Kind == "mock":
		return nil
	case o.Kind == MixKind:
		return mixUses
	case o.Kind == visionArena:
		return arenaUses
	case o.Kind == soundKind:
		return soundUses
	case o.Kind == "random":
		return []string{"tokenizer", "tokensPerWord", "inputDistribution", "outputDistribution", "salt", "prompts",
			"trace", "useChatTemplate"}
	case o.Kind == "synthetic":
		return []string{"tokenizer", "tokensPerWord", "inputDistribution", "outputDistribution", "salt", "prompts",
			"corpusFilePath"}
	case o.Kind == "shared_prefix":
		return []string{"tokenizer", "sharedPrefix", "salt", "prompts", "turns", "sessions", "unit", "replay"}
	case o.Kind == "conversation_replay":
		return []string{"tokenizer", "conversationReplay", "salt", "sessions", "unit", "replay"}
	case fileKinds[o.Kind] == datasets.Prompts:
		return []string{"path", "files", "column", "tokenizer", "inputDistribution", "outputDistribution"}
	case fileKinds[o.Kind] != datasets.CNNDailyMail:
		return []string{"path", "files", "tokenizer", "turns", "sessions", "inputDistribution", "outputDistribution",
			"unit", "replay"}
	}
	return []string{"path", "files", "tokenizer", "inputDistribution", "outputDistribution"}
}

// Check returns an error for the first invalid option. given has the options that the script has set.
func (o *DatasetOptions) Check(given map[string]bool) error {
	_, readsFiles := fileKinds[o.Kind]
	switch known := knownKinds(); {
	case o.Kind == "":
		return invalid("type", fmt.Errorf("is missing, known are %s", strings.Join(known, ", ")))
	case !slices.Contains(known, o.Kind):
		return invalid("type", fmt.Errorf("unknown %q, known are %s", o.Kind, strings.Join(known, ", ")))
	}
	if o.Kind == soundKind && !given["api"] {
		o.API = api.Transcription
	}
	if o.API.Input() == api.InputSound && o.Kind != soundKind {
		return invalid("api", fmt.Errorf("'%s' sends sounds: use type '%s'", o.API.Name(), soundKind))
	}
	uses := append(slices.Clone(o.uses()), "type", "api", "seed")
	if err := cmp.Or(o.checkTexts(given), checkMedia(o)); err != nil {
		return err
	}
	if o.hasMedia() {
		uses = append(uses, "media", "salt")
	}
	uses = append(uses, "maxTokens", "batchSize", "documentCount", "sizes")
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(uses, name) {
			return invalid(name, fmt.Errorf("type %s does not use it", o.Kind))
		}
	}
	if o.Kind == MixKind {
		return checkMix(o, given)
	}
	if err := o.checkPrompts(); err != nil {
		return invalid("prompts", err)
	}
	if err := o.checkLengths(readsFiles); err != nil {
		return err
	}
	if err := o.checkSession(given); err != nil || slices.Contains(sessionKinds, o.Kind) {
		return err
	}
	switch o.Kind {
	case visionArena:
		return checkArena(o, given)
	case soundKind:
		return checkSound(o, given)
	}
	switch {
	case readsFiles && o.Turns > 0:
		return invalid("turns", errors.New("must be 'all': a file's conversations have the turns they have"))
	case readsFiles && o.Turns != 0 && (o.Input != nil || o.Output != nil):
		return invalid("turns",
			errors.New("conversations are not chosen by length: leave the distributions out"))
	case o.Kind == "shared_prefix" && o.Turns < 0:
		return invalid("turns",
			errors.New("must be a number: made-up conversations have no end of their own"))
	case given["turns"] && o.Kind == "shared_prefix" && !o.Shared.MultiTurn:
		return invalid("turns", errors.New("needs sharedPrefix: {enableMultiTurnChat: true}"))
	case given["sessions"] && o.Turns == 0 && !o.Shared.MultiTurn && o.Kind != "conversation_replay":
		return invalid("sessions", errors.New("single requests have none: set turns"))
	case readsFiles && o.Path == "" && defaultRepos[o.Kind].ID == "":
		return invalid("path", fmt.Errorf("is missing: %s reads a file", o.Kind))
	case readsFiles || o.Kind == "mock":
		return nil
	case given["tokensPerWord"]:
		if err := o.checkEstimate(); err != nil {
			return invalid("tokensPerWord", err)
		}
	case o.Tokenizer == "":
		return invalid("tokenizer",
			errors.New("is missing: prompts of an exact number of tokens are made with the model's"+orEstimate(o)))
	}
	return o.checkGenerated()
}

// checkTexts checks the options that only texts have, or have not: those to embed or to rank.
func (o *DatasetOptions) checkTexts(given map[string]bool) error {
	if given["batchSize"] && o.API.Input() != api.InputTexts {
		return invalid("batchSize", errors.New("needs api: 'embeddings': other requests have one input"))
	}
	if given["documentCount"] && o.API.Input() != api.InputRanking {
		return invalid("documentCount", errors.New("needs api: 'rerank'"))
	}
	if given["sizes"] {
		if !o.API.Input().Shows() {
			return invalid("sizes", errors.New("needs api: 'image' or 'video'"))
		}
		if _, err := datasets.ParseSizes(o.Sizes); err != nil {
			return invalid("sizes", err)
		}
	}
	if o.API.Input().Generates() {
		return nil
	}
	const single = "leave it out: api '%s' sends texts, not conversations"
	switch {
	case o.Kind == "conversation_replay":
		return invalid("type", fmt.Errorf("conversation_replay needs another api: '%s' sends texts", o.API.Name()))
	case o.Turns != 0:
		return invalid("turns", fmt.Errorf(single, o.API.Name()))
	case o.Shared.MultiTurn:
		return invalid("sharedPrefix", fmt.Errorf("enableMultiTurnChat: "+single, o.API.Name()))
	case given["maxTokens"]:
		return invalid("maxTokens", fmt.Errorf("leave it out: api '%s' generates no tokens", o.API.Name()))
	}
	return nil
}

// orEstimate names the way to make prompts without a tokenizer, for the types that have it.
func orEstimate(o *DatasetOptions) string {
	if !slices.Contains(o.uses(), "tokensPerWord") || o.Template || o.Prompts == OriginalPrompts {
		return ""
	}
	return "; or set tokensPerWord: 1.3, in a configuration x-llm: {dataset: {tokensPerWord: 1.3}}, for about that " +
		"number"
}

// checkEstimate checks the option that takes the place of a tokenizer.
func (o *DatasetOptions) checkEstimate() error {
	switch {
	case o.Tokenizer != "":
		return errors.New("takes the place of a tokenizer: leave one of the two out")
	case o.Prompts == OriginalPrompts:
		return fmt.Errorf("makes no prompts: '%s', whose ids need a tokenizer", OriginalPrompts)
	case o.Template:
		return errors.New("cannot be used with useChatTemplate, which needs a tokenizer")
	}
	return datasets.CheckTokensPerWord(o.TokensPerWord)
}

// checkGenerated checks the lengths of generated prompts.
func (o *DatasetOptions) checkGenerated() error {
	switch {
	case o.Template && o.API.Input() != api.InputPrompt:
		return invalid("useChatTemplate",
			errors.New("needs api: 'completion': the prompt is the chat as the model's template writes it"))
	case o.Trace != "" && (o.Input != nil || o.Output != nil):
		return invalid("trace", errors.New("has the lengths: leave the distributions out"))
	case o.Kind == "shared_prefix" || o.Kind == "conversation_replay" || o.Trace != "":
		return nil
	case o.Input == nil:
		return invalid("inputDistribution",
			errors.New("is missing: the length of prompts, a number or such as {type: 'normal', mean: 512}"))
	case o.Output == nil && o.API.Input().Generates():
		return invalid("outputDistribution",
			errors.New("is missing: the length of answers, a number or such as {type: 'normal', mean: 128}"))
	}
	return nil
}

// checkLengths checks the distributions. If they select the records of a file, only min and max count, because nothing
// is drawn.
func (o *DatasetOptions) checkLengths(ofRecords bool) error {
	for _, option := range []struct {
		name   string
		length *datasets.Distribution
	}{{"inputDistribution", o.Input}, {"outputDistribution", o.Output}} {
		if option.length == nil {
			continue
		}
		d := *option.length
		if ofRecords {
			d.Mean = (float64(d.Min) + float64(d.Max)) / 2
		}
		if err := d.Validate(); err != nil {
			return invalid(option.name, err)
		}
	}
	return nil
}

func (o *DatasetOptions) checkPrompts() error {
	switch {
	case o.Prompts != OwnPrompts && o.Prompts != OriginalPrompts:
		return fmt.Errorf("must be '%s' or '%s', got %q", OwnPrompts, OriginalPrompts, o.Prompts)
	case o.Prompts == OwnPrompts:
		return nil
	case o.form() != datasets.AsCompletion && !o.hasMedia():
		return fmt.Errorf("'%s' needs api: 'completion': it makes no chats of them", OriginalPrompts)
	case o.Shared.MultiTurn:
		return fmt.Errorf("'%s' makes single requests: leave sharedPrefix.enableMultiTurnChat out", OriginalPrompts)
	}
	return nil
}

func (o *DatasetOptions) form() datasets.Form {
	if o.API.Input() == api.InputMessages {
		return datasets.AsChat
	}
	return datasets.AsCompletion
}

// constructor is the name of the JavaScript class whose options these are.
const constructor = "Dataset"

// invalid returns an error that names the invalid option.
func invalid(option string, err error) error {
	return fmt.Errorf("%s option %q: %w", constructor, option, err)
}
