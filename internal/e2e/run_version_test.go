package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// All programs say which version they are, and k6 says the same in both places. Without git the version is "(devel)".
func TestVersions(t *testing.T) {
	t.Parallel()
	const version = `(v\d+\.\d+\.\d+\S*|\(devel\))`
	var said []string
	for _, tt := range []struct {
		command, pattern string
	}{
		{"llmconv --version", `^llmconv ` + version + ` \(go`},
		{"k6 version", `xk6-llm ` + version + `, k6/x/llm \[js\]`},
		{"k6 x llm version", `^xk6-llm ` + version + ` \(go`},
	} {
		words := strings.Fields(tt.command)
		r := mustSucceed(t, run(t, 0, nil, words[0], words[1:]...))
		m := regexp.MustCompile(tt.pattern).FindStringSubmatch(r.stdout)
		if m == nil || strings.Contains(r.stdout, "v0.0.0-0001") {
			t.Fatalf("%s: got %q, want %s", tt.command, r.stdout, tt.pattern)
		}
		said = append(said, m[1])
	}
	if said[1] != said[2] {
		t.Errorf("k6 version says %s, k6 x llm version %s", said[1], said[2])
	}
}
