package llm

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Prompts made as in inference-perf have the asked length at the server, and are the same in every run unless they are
// salted. They differ from the prompts of the other generators.
func TestOriginalPrompts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", chatTemplate)
	v.write(t, "/scripts/corpus.txt", strings.Repeat("Nothing of this is of a book.\n", 200))
	v.run(t, `
		const common = {tokenizer: './model', api: 'completion', seed: 3, prompts: 'inference-perf'};
		const lengths = {inputDistribution: {type: 'uniform', min: 40, max: 90}, outputDistribution: 2};
		const sets = [
			new Dataset({type: 'random', ...common, ...lengths}),
			new Dataset({type: 'synthetic', ...common, ...lengths}),
			new Dataset({type: 'synthetic', ...common, ...lengths, corpusFilePath: './corpus.txt'}),
			new Dataset({type: 'shared_prefix', ...common, sharedPrefix: {numUniqueSystemPrompts: 2, numUsersPerSystemPrompt: 3, systemPromptLen: 30, questionLen: {mean: 20, stdDev: 5}, outputLen: 2}}),
			new Dataset({type: 'random', ...common, ...lengths, salt: 'x'}),
			new Dataset({type: 'random', ...common, ...lengths, prompts: 'own', salt: false}),
			new Dataset({type: 'random', ...common, ...lengths, useChatTemplate: true}),
		];
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&tokenizer=./model', api: 'completion', tokenizer: './model'});`)
	if got := v.run(t,
		`[sets[0].length, sets[3].length, new Set(sets.map((s) => s.at(1).prompt)).size, sets[0].at(4).prompt === `+
			`sets[0].at(4).prompt, sets[6].at(0).addSpecialTokens].join(' ')`).String(); got != " 6 7 true false" {
		t.Errorf("lengths, different prompts, equal items, special tokens: %q", got)
	}
	v.start(t)
	v.run(t, `for (const s of sets) for (let i = 0; i < 4; i++) client.send(s.at(i))`)
	all, others := v.records()
	for i, r := range all {
		if usage := r.Counts().ServerPrompt; r.PromptAsked < 30 || usage != r.PromptAsked || *r.Prompt != usage ||
			r.MaxTokens != 2 {
			t.Errorf("request %d: asked %d, server %d, client %v, answer %d", i, r.PromptAsked, usage, *r.Prompt,
				r.MaxTokens)
		}
	}
	if len(all) != 28 {
		t.Errorf("%d requests, want 28", len(all))
	}
	if made := others[1].(*record.Client).Generated; len(made) != 7 || made[0].Salt != "" || made[1].Salt != "" ||
		made[4].Salt != "x" {
		t.Errorf("the client line has %+v", made)
	}
}

func TestOriginalPromptsOptions(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.run(t, `const common = {tokenizer: './model', api: 'completion', prompts: 'inference-perf', `+
		`inputDistribution: 20, outputDistribution: 2}`)
	for code, want := range map[string]string{
		`new Dataset({type: 'random', prompts: 'theirs'})`: `Dataset option "prompts": must be 'own' or ` +
			`'inference-perf', got "theirs"`,
		`new Dataset({type: 'random', ...common, api: 'chat'})`: `Dataset option "prompts": 'inference-perf' needs ` +
			`api: 'completion'`,
		`new Dataset({type: 'shared_prefix', tokenizer: './model', api: 'completion', prompts: 'inference-perf', ` +
			`sharedPrefix: {enableMultiTurnChat: true}})`: `Dataset option "prompts": 'inference-perf' makes single ` +
			`requests: leave sharedPrefix.enableMultiTurnChat out`,
		`new Dataset({type: 'conversation_replay', tokenizer: './model', prompts: 'inference-perf'})`: `Dataset option "prompts": type conversation_replay does not use it`,
		`new Dataset({type: 'mock', prompts: 'inference-perf'})`:                                      `Dataset option "prompts": type mock does not use it`,
		`new Dataset({type: 'random', ...common, inputDistribution: {type: 'poisson', mean: 20}})`:    `data set of type random: input distribution: inference-perf draws no poisson lengths`,
		`new Dataset({type: 'random', ...common, inputDistribution: 1})`:                              `a prompt of 1 tokens cannot be made: special tokens alone are 1`,
		`new Dataset({type: 'synthetic', ...common, inputDistribution: 10_000_000})`:                  `too few for the longest prompt of 10000000`,
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

// A configuration with x-llm: {data: inference-perf} asks for such prompts, and is refused where they cannot be made.
func TestConfigAsksForOriginalPrompts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const base = {server: {type: 'vllm', model_name: 'm', base_url: 'http://localhost'}, load: {stages: [{rate: 1, duration: 1}]}, tokenizer: {pretrained_model_name_or_path: './model'}, 'x-llm': {data: 'inference-perf'}};
		const lengths = {input_distribution: {mean: 50}, output_distribution: {mean: 50}};
		const asked = (c) => { const {client, dataset} = config({...base, ...c}); return [dataset.prompts, dataset.api, client.api].join(' ') }`)
	for code, want := range map[string]string{
		`asked({data: {type: 'random', ...lengths}})`:                                                 "inference-perf completion completion",
		`asked({data: {type: 'synthetic', ...lengths}})`:                                              "inference-perf completion completion",
		`asked({data: {type: 'shared_prefix', shared_prefix: {}}})`:                                   "inference-perf completion completion",
		`asked({data: {type: 'shared_prefix', shared_prefix: {}}, api: {type: 'chat'}})`:              "inference-perf completion completion",
		`asked({data: {type: 'mock'}, api: {type: 'chat'}})`:                                          " chat chat",
		`asked({data: {type: 'random', ...lengths}, 'x-llm': {}})`:                                    " completion completion",
		`asked({data: {type: 'shared_prefix', shared_prefix: {}}, api: {type: 'chat'}, 'x-llm': {}})`: " chat chat",
	} {
		if got := v.run(t, code).String(); got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
	for code, want := range map[string]string{
		`asked({data: {type: 'shareGPT'}})`:                                                     "x-llm.data: inference-perf is known for random, synthetic, mock",
		`asked({data: {type: 'shared_prefix', shared_prefix: {enable_multi_turn_chat: true}}})`: "without enable_multi_turn_chat, shared_prefix: leave it out for this data",
		`asked({data: {type: 'conversation_replay', conversation_replay: {}}})`:                 "x-llm.data: inference-perf is known for",
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}
