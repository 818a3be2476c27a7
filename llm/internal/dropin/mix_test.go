package dropin

import (
	"encoding/json"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// The parts of a mix become options of Dataset, with the paths, the seed and the tokenizer of the configuration.
func TestMixOfAConfiguration(t *testing.T) {
	t.Parallel()
	const rest = "api: {type: chat}\nserver: {base_url: 'http://h', model_name: m}\n" +
		"load: {base_seed: 7, stages: [{rate: 2, duration: 3}]}\n"
	for parts, want := range map[string]string{
		`[{share: 0.5, label: a, type: prompts, path: x/a.json}, {share: 0.5, type: prompts, path: /b.json}]`: `{"api":` +
			`"chat","parts":[{"label":"a","path":"/dir/x/a.json","share":0.5,"type":"prompts"},{"path":"/b.json","share":0.5,` +
			`"type":"prompts"}],"seed":7,"type":"mix"}`,
		`[{share: 1, type: random, inputDistribution: 5, slo: {ttft: 1s}}]`: `{"api":"chat","parts":[{"inputDistribution":5,` +
			`"share":1,"slo":{"ttft":"1s"},"type":"random"}],"seed":7,"tokenizer":"m","type":"mix"}`,
		`[{share: 1, type: random, tokensPerWord: 1.3}]`: `{"api":"chat","parts":[{"share":1,"tokensPerWord":1.3,` +
			`"type":"random"}],"seed":7,"type":"mix"}`,
	} {
		c, err := config.Parse([]byte(rest + "x-llm: {data: {parts: " + parts + "}}"))
		if err != nil {
			t.Fatal(err)
		}
		o, err := NewOptions(c, "/dir", Found{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(o.Dataset); string(got) != want {
			t.Errorf("parts: %s: got %s, want %s", parts, got, want)
		}
	}
}
