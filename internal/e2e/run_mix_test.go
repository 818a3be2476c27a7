package e2e

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

// sentByNumber returns what each arrival of the instances in a folder sent: its label and its body.
func sentByNumber(t *testing.T, dir string) map[int64]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	sent := map[int64]string{}
	for _, file := range files {
		requests, _, _ := loadLines(t, file)
		for _, q := range requests {
			if _, twice := sent[q.Index]; twice {
				t.Errorf("arrival %d was sent twice", q.Index)
			}
			sent[q.Index] = q.Label + " " + q.RequestBody
		}
	}
	return sent
}

// Three instances send together what one sends, arrival by arrival, also where no seed is given; the shares are exact.
func TestInstancesSendTheMixOfOne(t *testing.T) {
	t.Parallel()
	settings := []string{"-e", "RATE=60", "-e", "DURATION=5s", "-e", "TEXT=true", "-e", "MAX_TOKENS=2",
		"-e", "RAG_LEN=100", "-e", "BASE_URL=sim:?ttft=5ms&itl=1ms&tokenizer=sample:", "-e", "EXEC=default"}
	single, three := t.TempDir(), t.TempDir()
	launch(t, pods(1), single, "scripts/mix.js", settings...)
	launch(t, pods(3), three, "scripts/mix.js", settings...)
	one, all := sentByNumber(t, single), sentByNumber(t, three)
	if !maps.Equal(one, all) {
		different := 0
		for k := range one {
			if one[k] != all[k] {
				different++
			}
		}
		t.Errorf("%d of %d arrivals differ; three instances sent %d", different, len(one), len(all))
	}
	chats := 0
	for _, sent := range one {
		if strings.HasPrefix(sent, "chat ") {
			chats++
		}
	}
	if len(one) != 300 || chats != 210 {
		t.Errorf("%d of %d are chats, want 210 of 300", chats, len(one))
	}
}

// The script tenants.js sends each class its priority where PRIORITY_FIELD says, and nowhere if that is empty.
func TestPrioritiesOfTenants(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ field, want string }{
		{"priority", `"priority":2`}, {"urgency", `"urgency":2`}, {"", ""},
	} {
		records := filepath.Join(t.TempDir(), "run.jsonl")
		mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "PRIORITY_FIELD="+tt.field, "-e",
			"TEXT=true", "-e", "DURATION=500ms", "-e", "CHAT_RATE=10", "-e", "RAG_RATE=10", "-e", "BATCH_RATE=10",
			"-e", "MAX_TOKENS=2", "scripts/tenants.js"))
		requests, _, _ := loadLines(t, records)
		sent := map[string]int{}
		for _, q := range requests {
			sent[q.Label]++
			if q.Label == "batch" && !strings.Contains(q.RequestBody, tt.want) ||
				tt.field == "" && strings.Contains(q.RequestBody, "priority") {
				t.Errorf("PRIORITY_FIELD=%s: %s sent %s", tt.field, q.Label, q.RequestBody)
			}
		}
		if len(sent) != 3 || sent[""] > 0 {
			t.Errorf("PRIORITY_FIELD=%s: requests by label: %v, want chat, rag and batch", tt.field, sent)
		}
	}
}

// A rate of 0 leaves a class of tenants.js out.
func TestTenantLeftOut(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "DURATION=500ms", "-e", "CHAT_RATE=10", "-e",
		"RAG_RATE=10", "-e", "BATCH_RATE=0", "-e", "MAX_TOKENS=2", "scripts/tenants.js"))
	requests, _, _ := loadLines(t, records)
	sent := map[string]int{}
	for _, q := range requests {
		sent[q.Label]++
	}
	if len(sent) != 2 || sent["chat"] == 0 || sent["rag"] == 0 {
		t.Errorf("requests by label: %v, want chat and rag", sent)
	}
}
