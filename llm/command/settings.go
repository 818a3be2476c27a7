package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// settings are the flags of bench and run that have short names. Each stands for keys of the configuration, see
// [settings.overrides]. The text of a flag that was not given is empty.
type settings struct {
	server serverFlags
	search searchFlags

	tokenizer, serverMetrics, maxTokensField string
	balance                                  string
	ignoreEOS, stream, text, steady          bool

	rates, concurrencies            []string
	arrival, burstiness             string
	duration, requests, warmup      string
	input, output                   string
	prompts, column, dataset, trace string
	slo, gate                       slo.Text
	price, priceRatio               string
	seed, cancel                    string
	stages                          string // file of a search whose loads are the stages

	perWord   string // the tokens of a word where the server cannot tell
	askTokens bool   // no tokenizer measures the prompts that are made: the server is to tell the tokens of a word

	flags   *pflag.FlagSet // what was given
	remarks []string       // on what the flags were taken for
}

// remark notes a remark, unless it is "".
func (s *settings) remark(text string) {
	if text != "" {
		s.remarks = append(s.remarks, text)
	}
}

// register adds the flags to those of a command.
func (s *settings) register(flags *pflag.FlagSet) {
	s.flags = flags
	s.server.register(flags)
	text := func(p *string, name, usage string) { flags.StringVar(p, name, "", usage) }
	flags.BoolVar(&s.ignoreEOS, "ignore-eos", true, "answers have the length asked for")
	flags.BoolVar(&s.stream, "stream", true, "answers come token by token")
	text(&s.balance, "balance", "`HOW` several servers share: random, session, 3,1 …")
	text(&s.maxTokensField, "max-tokens-field", "`FIELD` of the limit, if not max_tokens")
	text(&s.tokenizer, "tokenizer", "`PATH` or name on the hub (or the server counts)")

	flags.StringSliceVar(&s.rates, "rate", nil, "`LIST` of requests per second, by stage: 2,4,8")
	flags.StringSliceVar(&s.concurrencies, "concurrency", nil, "`LIST` of requests at a time, a stage each: 4,16")
	text(&s.duration, "duration", "`TIME` of each stage, or a probe's longest: 60s")
	text(&s.requests, "requests", "`NUMBER` of requests of each stage; of poisson, gamma: about")
	text(&s.warmup, "warmup", "`TIME` at each stage's start, or until-stable: in no figure")
	text(&s.arrival, "arrival", "`NAME`: constant, poisson, gamma, inference-perf")
	text(&s.burstiness, "burstiness", "`SHAPE` of --arrival gamma: below 1 is burstier")
	text(&s.seed, "seed", "`NUMBER` from which everything random follows")
	s.search.register(flags)
	text(&s.stages, "stages", "`FILE` of a search, search.json: its loads as stages")

	text(&s.input, "input", "prompt `TOKENS`: 512, 100-200, normal:mean=512")
	text(&s.output, "output", "answer `TOKENS`, likewise")
	text(&s.prompts, "prompts", "`FILE` of prompts: JSONL, CSV, text …; a mix: a@0.7,b@0.3")
	text(&s.column, "column", "`NAME` of the field of --prompts that is sent")
	text(&s.dataset, "dataset", "`NAME` of the data set: random, shareGPT …")
	text(&s.trace, "replay", "`LOG` of times and lengths to replay, CSV (sessions: scripts/replay.js)")

	text(&s.cancel, "cancel", "`SHARE@WHEN` users leave: 5%@2s, 5%@20 tokens, 5%@queued")
	flags.Var(&s.slo, "slo", "`OBJECTIVES` of each stage: 'p99(ttft)<500ms', 'chat: ttft=1s'")
	flags.Var(&s.gate, "gate", "`OBJECTIVES` of the run: if broken, exit code 1")
	text(&s.price, "price", "`PRICE` of the deployment, for the cost of tokens: 98.32 USD/h")
	text(&s.priceRatio, "price-ratio", "`SHARES` of it: prompt=1,cached=0.1,completion=4")
	flags.BoolVar(&s.steady, "steady", false, "report on the steady part of each stage alone")
	text(&s.serverMetrics, "server-metrics", "`URLS` of its metrics pages, or auto")
	flags.BoolVar(&s.text, "text", false, "keep prompts and answers in the records")
}

// overrides returns the keys that the given flags stand for.
func (s *settings) overrides() (list []config.Override, err error) {
	set := func(key, value string) { list = append(list, config.Override{Key: key, Value: value}) }
	given := func(key, value string) {
		if value != "" {
			set(key, value)
		}
	}
	if err := cmp.Or(s.ladder(), s.check()); err != nil {
		return nil, err
	}
	client, dataset, load := options{}, options{}, options{}
	if err := s.server.settle(set, client); err != nil {
		return nil, err
	}
	given("tokenizer.pretrained_model_name_or_path", s.tokenizer)
	if s.flags.Changed("ignore-eos") {
		set("server.ignore_eos", strconv.FormatBool(s.ignoreEOS))
	}
	if s.flags.Changed("stream") {
		set("api.streaming", strconv.FormatBool(s.stream))
	}
	client.text("maxTokensField", s.maxTokensField)
	s.spread(client)
	client.text("serverMetrics", s.serverMetrics)
	if err := s.leaving(client); err != nil {
		return nil, err
	}
	if s.text {
		client["text"] = true
	}
	if err := s.data(set, dataset); err != nil {
		return nil, err
	}
	if err := s.load(set, load); err != nil {
		return nil, err
	}
	given("load.base_seed", s.seed)
	given("x-llm.slo", string(s.slo))
	given("x-llm.gate", string(s.gate))
	given("x-llm.price", s.price)
	given("x-llm.price_ratio", s.priceRatio)
	if s.flags.Changed("steady") {
		set("x-llm.steady", strconv.FormatBool(s.steady))
	}
	client.set("x-llm.client", set)
	dataset.set("x-llm.dataset", set)
	load.set("x-llm.load", set)
	return list, nil
}

// named returns an error about keys that flags have set with the names of the flags.
func (s *settings) named(err error) error {
	text := err.Error()
	for _, given := range []struct{ flag, value string }{{"slo", string(s.slo)}, {"gate", string(s.gate)},
		{"price", s.price}, {"price-ratio", s.priceRatio}} {
		if given.value != "" {
			key := "x-llm." + strings.ReplaceAll(given.flag, "-", "_") + ": "
			text = strings.ReplaceAll(text, key, "--"+given.flag+": ")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// leaving sets the option of users who leave.
func (s *settings) leaving(client options) error {
	if s.cancel == "" {
		return nil
	}
	l, err := traffic.ParseLeave(s.cancel)
	if err != nil {
		return fmt.Errorf("--cancel: %w", err)
	}
	client["cancel"] = l.Options()
	return nil
}

// spread sets the options of the load of several endpoints.
func (s *settings) spread(client options) {
	if weights := weightsOf(s.balance); weights != nil {
		client["weights"] = weights
		return
	}
	client.text("balance", s.balance)
}

// checkBalance refuses a balance that does not fit the number of servers.
func (s *settings) checkBalance(servers int) error {
	weights := weightsOf(s.balance)
	switch known := traffic.Balances[:len(traffic.Balances)-1]; {
	case s.balance == "":
		return nil
	case weights == nil && !slices.Contains(known, s.balance):
		return fmt.Errorf("--balance: unknown %q, known are %s, and weights such as 3,1", s.balance,
			strings.Join(known, ", "))
	case servers == 1:
		return errors.New("--balance is for several servers: give the URLs of all, or leave it out")
	case weights == nil:
		return nil
	}
	if _, err := traffic.NewBalance(traffic.ByWeights, servers, weights); err != nil {
		return fmt.Errorf("--balance: %w", err)
	}
	return nil
}

// weightsOf returns the weights of a balance such as 3,1, or nil if it is none.
func weightsOf(balance string) (weights []float64) {
	for text := range strings.SplitSeq(balance, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil
		}
		weights = append(weights, w)
	}
	return weights
}

// check refuses what would be refused only after the server was asked, or by another name.
func (s *settings) check() error {
	for _, o := range []struct{ flag, text string }{{"--slo", string(s.slo)}, {"--gate", string(s.gate)}} {
		if err := readable(o.flag, o.text); err != nil {
			return err
		}
	}
	if _, err := timespan.Parse(s.server.timeout); s.server.timeout != "" && err != nil {
		return fmt.Errorf("--timeout: %w", err)
	}
	return s.checkWarmup()
}

// checkWarmup refuses a warm-up that cannot be read, and one of everything.
func (s *settings) checkWarmup() error {
	if s.warmup == "" {
		return nil
	}
	w, err := arrival.ParseWarmup(s.warmup)
	if w.Kind == record.WarmupWhole {
		err = fmt.Errorf("true would leave nothing to measure: give a time such as 10s, or %s", arrival.UntilStable)
	}
	if err != nil {
		return fmt.Errorf("--warmup: %w", err)
	}
	return nil
}

// options are options of scripts by name, for a section of x-llm.
type options map[string]any

func (o options) text(name, value string) {
	if value != "" {
		o[name] = value
	}
}

// set overrides the key by the options, if there are any.
func (o options) set(key string, override func(key, value string)) {
	if len(o) == 0 {
		return
	}
	text, err := json.Marshal(o)
	if err == nil { // texts, numbers and JSON that was read can be written
		override(key, string(text))
	}
}

// datasetNames are the names that --dataset takes: the types of data sets that this module sends.
func datasetNames() []string {
	return []string{"random", "synthetic", "shareGPT", "cnn_dailymail", "billsum_conversations", "infinity_instruct",
		"visionarena", "shared_prefix", "prompts", "sound", "mock"}
}

// sessionData are the types of data that flags cannot describe.
var sessionData = []config.DataType{config.OTelTraceReplay, config.WekaTraceReplay, config.AgenticData,
	config.WorkloadData}

// data sets the keys of the prompts.
func (s *settings) data(set func(key, value string), dataset options) error {
	kind, err := s.datasetType()
	if err != nil {
		return err
	}
	parts, err := mixOf(s.prompts)
	if err != nil {
		return fmt.Errorf("--prompts: %w", err)
	}
	switch {
	case parts != nil:
		if err := s.mix(set, kind, parts); err != nil {
			return err
		}
	case kind != "":
		set("data.type", kind)
	}
	if kind == string(config.VisionArenaData) { // which needs its section: here with the defaults
		set("data.visionarena.hf_split", "train")
	}
	if s.prompts != "" && parts == nil {
		set("data.path", s.prompts)
	}
	if parts == nil {
		dataset.text("column", s.column)
	}
	if s.askTokens {
		dataset["tokensPerWord"] = json.RawMessage(cmp.Or(s.perWord, askServer))
	}
	for _, l := range []struct{ flag, text, key string }{
		{"--input", s.input, "data.input_distribution"}, {"--output", s.output, "data.output_distribution"},
	} {
		if l.text == "" {
			continue
		}
		if limit, err := strconv.Atoi(l.text); err == nil && l.flag == "--output" && !generates(kind) {
			dataset["maxTokens"] = limit
			continue
		}
		if err := setLength(set, l.flag, l.key, l.text); err != nil {
			return err
		}
	}
	return nil
}

// generates reports whether a type of data set makes prompts of given lengths; "" is left to the configuration.
func generates(kind string) bool {
	return slices.Contains([]string{"", string(config.RandomData), string(config.SyntheticData)}, kind)
}

// datasetType returns the type of the data set that the flags choose, "" if they choose none.
func (s *settings) datasetType() (string, error) {
	switch {
	case s.trace != "" && (s.prompts != "" || s.dataset != ""):
		return "", fmt.Errorf("--replay takes the lengths from the log: leave --prompts and --dataset out")
	case s.trace != "":
		return string(config.RandomData), nil
	case s.dataset == "" && s.server.api == string(config.Transcription):
		return string(config.SoundData), nil
	case s.dataset == "" && s.prompts != "":
		return string(config.PromptsData), nil
	case s.dataset == "" && (s.input != "" || s.output != ""):
		return string(config.RandomData), nil
	case s.dataset == "":
		return "", nil
	}
	plain := strings.ReplaceAll(s.dataset, "-", "_")
	if slices.ContainsFunc(sessionData, func(t config.DataType) bool { return strings.EqualFold(plain, string(t)) }) {
		return "", fmt.Errorf("--dataset: %s is sessions, which k6 run scripts/replay.js and scripts/agentic.js send, "+
			"and k6 x llm run with load.type: %s", plain, config.TraceSessionReplay)
	}
	for _, name := range datasetNames() {
		if strings.EqualFold(plain, name) {
			return name, nil
		}
	}
	if near, ok := spelling.Nearest(plain, datasetNames()); ok {
		return "", fmt.Errorf("--dataset: unknown %q: did you mean %s?", s.dataset, near)
	}
	return "", fmt.Errorf("--dataset: unknown %q, known are %s", s.dataset, strings.Join(datasetNames(), ", "))
}

// setLength sets a distribution of lengths: 512, 100-200, or a type with its parameters, such as
// normal:mean=512,std_dev=64.
func setLength(set func(key, value string), flag, key, text string) error {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		setFixed(set, key, text)
		return nil
	}
	if low, high, ok := strings.Cut(text, "-"); ok && isCount(low) && isCount(high) {
		set(key+".type", string(config.Uniform))
		set(key+".min", low)
		set(key+".max", high)
		return nil
	}
	kind, rest, ok := strings.Cut(text, ":")
	if !ok {
		return fmt.Errorf("%s: cannot read %q: write 512, 100-200, or normal:mean=512,std_dev=64", flag, text)
	}
	set(key+".type", kind)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fmt.Errorf("%s: %q is not NAME=NUMBER, as in normal:mean=512,std_dev=64", flag, part)
		}
		set(key+"."+name, value)
	}
	return nil
}

// setFixed sets a distribution to one length.
func setFixed(set func(key, value string), key, n string) {
	for _, name := range []string{"mean", "min", "max"} {
		set(key+"."+name, n)
	}
	set(key+".type", "fixed")
}

func isCount(text string) bool {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return err == nil && n > 0
}
