package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// An archive carries the tokenizer from the hub: it runs without a cache and asks the hub for nothing.
func TestArchiveCarriesHubTokenizer(t *testing.T) {
	dir := t.TempDir()
	repo := filepath.Join(dir, "cache", "models--org--model")
	commit := strings.Repeat("1", 40)
	data, err := os.ReadFile("llm/tokenizer/testdata/bpe-llama3.json")
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		filepath.Join("refs", "main"):                        commit,
		filepath.Join("snapshots", commit, "tokenizer.json"): string(data),
		filepath.Join("snapshots", commit,
			"tokenizer_config.json"): `{"chat_template": "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ ` +
			`m.content }}{% endfor %}"}`,
		filepath.Join(".no_exist", commit, "chat_template.jinja"): "",
		filepath.Join("..", "..", "test.js"): `
			import { Client } from 'k6/x/llm';
			export const options = { iterations: 2 };
			const client = new Client({ tokenizer: 'org/model', baseURL: 'sim:?ttft=1ms&itl=1ms&tokenizer=org/model' });
			export default () => { client.chat('Shall I compare thee?', { maxTokens: 5 }); };`,
	} {
		path = filepath.Join(repo, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, records := filepath.Join(dir, "test.tar"), filepath.Join(dir, "run.jsonl")
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HUB_CACHE", filepath.Join(dir, "cache"))
	mustSucceed(t, k6(t, "archive", "-O", archive, filepath.Join(dir, "test.js")))
	t.Setenv("HF_HUB_CACHE", filepath.Join(dir, "elsewhere"))
	if r := k6(t, "inspect", filepath.Join(dir, "test.js")); r.code == 0 ||
		!strings.Contains(r.stderr, "tokenizer.json is not in the cache") ||
		!strings.Contains(r.stderr, "HF_HUB_OFFLINE is set") {
		t.Errorf("without a cache: code %d, %s", r.code, r.stderr)
	}
	mustSucceed(t, k6(t, "run", "--out", "llm="+records, archive))
	requests := only[*record.Request](lines(t, records))
	if len(requests) != 2 {
		t.Fatalf("%d requests, want 2", len(requests))
	}
	for _, r := range requests {
		usage := r.Counts().ServerPrompt
		if r.Prompt == nil || *r.Prompt != usage || r.PromptRaw || r.Completion == nil || *r.Completion != 5 {
			t.Errorf("prompt of %v tokens (server: %d, raw %t), answer of %v, want 5", r.Prompt, usage, r.PromptRaw,
				r.Completion)
		}
	}
}
