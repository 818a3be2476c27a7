package llm

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The class of a part comes with its items, also through a spread and through JSON, and goes with their requests.
func TestMixedItemsCarryTheirClass(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/own.jsonl", `{"prompt": "a"}`+"\n"+`{"prompt": "b", "max_tokens": 5}`)
	v.run(t, `
		const own = new Dataset({type: 'prompts', path: './own.jsonl'});
		const data = new Dataset({type: 'mix', seed: 5, maxTokens: 3, parts: [
			{share: 0.5, label: 'chat', slo: {ttft: '300ms'}, priority: 2, headers: {'X-Team': 'a'}, type: 'mock'},
			{share: 0.25, label: 'rag', model: 'other', cancel: {share: 0.5, tokens: 1, seed: 1}, data: own},
			{share: 0.25, type: 'random', tokenizer: './model', inputDistribution: 9, outputDistribution: 2},
		]});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s', text: true});`)
	got := v.run(t, `data.length + ' ' + JSON.stringify(Array.from({length: 8}, (_, k) => data.at(k)).find((i) => i.label === 'rag'))`)
	if want := `null {"messages":[{"role":"user","content":"a"}],"cancel":{"seed":1,"share":0.5,"tokens":1},` +
		`"label":"rag","model":"other"}`; got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v.start(t)
	v.run(t, `for (let k = 0; k < 12; k++) client.send([data.at(k), {...data.at(k)}, JSON.parse(JSON.stringify(data.at(k)))][k % 3])`)
	all, _ := v.records()
	counts := map[string]int{}
	for _, r := range all {
		counts[r.Label]++
		switch r.Label {
		case "chat":
			if r.SLO == nil || r.SLO.TTFT != 300 || r.MaxTokens != 3 ||
				!strings.Contains(string(r.RequestBody), `"priority":2`) {
				t.Errorf("a request of chat: bounds %v, limit %d, %s", r.SLO, r.MaxTokens, r.RequestBody)
			}
		case "rag":
			if r.SLO != nil || r.Model != "other" || r.MaxTokens == 3 {
				t.Errorf("a request of rag: bounds %v, model %s, limit %d", r.SLO, r.Model, r.MaxTokens)
			}
		}
	}
	if len(all) != 12 || counts["chat"] != 6 || counts["rag"] != 3 || counts[""] != 3 {
		t.Errorf("requests by label: %v", counts)
	}
}

// Parts that are alike send different prompts, and those of a mix are those that its options make alone.
func TestMixedPartsDiffer(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	got := v.run(t, `
		const each = {type: 'random', inputDistribution: 20, outputDistribution: 2};
		const mix = {type: 'mix', tokensPerWord: 1.3, salt: 'x', parts: [{share: 0.5, ...each}, {share: 0.5, ...each}]};
		const texts = (of) => Array.from({length: 40}, (_, k) => JSON.stringify(of.at(k)));
		const a = texts(new Dataset(mix)), b = texts(new Dataset({...mix, seed: 0})), c = texts(new Dataset({...mix, seed: 100}));
		const alone = texts(new Dataset({...each, tokensPerWord: 1.3, salt: 'x'}));
		[new Set(a).size, a.join() === b.join(), c.filter((text) => a.includes(text)).length,
			a.filter((text) => alone.includes(text)).length].join(' ')`).String()
	if got != "40 true 0 20" {
		t.Errorf("different prompts, equal without a seed, equal with another, those of the first part: %s", got)
	}
}

func TestMixRefuses(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/own.json", `[{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]`)
	const mock = `{share: 0.5, type: 'mock'}`
	for parts, want := range map[string]string{
		`undefined`:        `"parts": is missing: a list such as`,
		`null`:             `"parts": must be an array such as`,
		`[]`:               `"parts": is an empty list`,
		`[5]`:              `number 0: part options must be an object, got 5`,
		`[null]`:           `number 0: must be an object, got null`,
		`[{type: 'mock'}]`: `number 0: share is missing: its part of the requests, such as 0.7`,
		`[{share: 0.7, type: 'mock'}, {share: 0.2, type: 'mock'}]`:                      `the shares: must add up to 1, got 0.9`,
		`[` + mock + `, {share: 0.5}]`:                                                  `number 1: Dataset option "type": is missing`,
		`[` + mock + `, {share: 0.5, type: 'mock', lable: 'x'}]`:                        `unknown part option "lable", did you mean "label"?`,
		`[` + mock + `, {share: 0.5, data: {type: 'mock'}}]`:                            `must be a Dataset that the script made before`,
		`[` + mock + `, {share: 0.5, data: new Dataset({type: 'mock'}), type: 'mock'}]`: `leave type out`,
		`[` + mock + `, {share: 0.5, type: 'random', outputDistribution: 1, inputDistribution: 5}]`: `number 1: Dataset ` +
			`option "tokenizer": is missing`,
		`[{...` + mock + `, label: 'a', slo: {ttft: '1s'}}, {...` + mock + `, label: 'a', slo: {ttft: '2s'}}]`: `numbers ` +
			`0 and 1 have the label "a", and different bounds, {"ttft_ms":1000} and {"ttft_ms":2000}: give them the same`,
		`[{...` + mock + `, label: 'a', priority: 1}, {...` + mock + `, label: 'a'}]`: `different priorities, 1 and none`,
		`[` + mock + `, {share: 0.5, label: 'talk', type: 'shareGPT', path: './own.json', turns: 'all'}]`: `part number ` +
			`1 of the mix, "talk": its items are the turns of conversations`,
		`[` + mock + `, {share: 0.5, type: 'mock', api: 'completion'}]`: `part number 1 of the mix: has another api`,
		`[` + mock + `, {share: 0.5, type: 'mix', parts: []}]`:          `a part is no mix itself`,
		`[` + mock + `, {share: 0.5, data: new Dataset({type: 'mix', parts: [{share: 1, type: 'mock'}]})}]`: `is a mix ` +
			`itself`,
		`[` + mock + `, {share: 0.5, type: 'mock', cancel: {share: 2, tokens: 1}}]`: `"cancel": share must be`,
	} {
		if _, err := v.RunOnEventLoop(`new Dataset({type: 'mix', parts: ` + parts + `})`); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("parts: %s: got %v, want %s", parts, err, want)
		}
	}
	for code, want := range map[string]string{
		`new Dataset({type: 'mix', path: 'x', parts: []})`: `"path": type mix does not use it`,
		`new Dataset({type: 'mock', parts: []})`:           `"parts": type mock does not use it`,
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

// The record tells of the mix, and of the parts that make their prompts up.
func TestRecordTellsOfAMix(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `
		const data = new Dataset({type: 'mix', seed: 8, tokensPerWord: 1, salt: 'x', parts: [{share: 0.6, label: 'a', type: 'mock'},
			{share: 0.4, type: 'random', inputDistribution: 5, outputDistribution: 5}]});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	v.start(t)
	v.run(t, `client.send(data.at(0))`)
	_, others := v.records()
	want := []record.Generated{{Type: "random", Seed: 9, Salt: "x"}, {Type: "mix", Seed: 8}}
	if made := others[1].(*record.Client).Generated; !slices.Equal(made, want) {
		t.Errorf("the record's data sets: %v, want %v", made, want)
	}
}
