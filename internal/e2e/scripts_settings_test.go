package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Wrong settings end a script before any load, with a message that names the setting.
func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	log, lengths := filepath.Join(t.TempDir(), "log.csv"), filepath.Join(t.TempDir(), "lengths.csv")
	for path, text := range map[string]string{
		log: "time,prompt_tokens,completion_tokens\n0,20,3\n0.4,30,2\n", lengths: "ISL,OSL\n20,3\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		script string
		env    []string
		want   string // "" if the settings are right
	}{
		{"mock", []string{"BASEURL=http://127.0.0.1:9"}, "BASEURL is no setting of mock.js: did you mean BASE_URL?"},
		{"mock", []string{"BASE_URL=sim:", "TTFTSLO=1s"}, "TTFTSLO is no setting of mock.js: did you mean TTFT_SLO?"},
		{"saturation", []string{"STEP=3"}, "STEP is no setting of saturation.js: did you mean STEPS?"},
		{"sharegpt", []string{"MODEL=m"}, "MODEL is set, but not BASE_URL: set it to the server"},
		{"lora", []string{"API_KEY=secret"}, "API_KEY is set, but not BASE_URL"},
		{"random", []string{"SERVER_METRICS=auto"}, "SERVER_METRICS is set, but not BASE_URL"},
		{"gateway", []string{"BASE_URL=sim:"}, "BASE_URL is no setting of gateway.js, which takes DIRECT_URL and"},
		{"tenants", []string{"RATE=5"}, "RATE is no setting of tenants.js, which takes CHAT_RATE, RAG_RATE"},
		{"inference-perf", []string{"MODEL=m"}, "MODEL is no setting of inference-perf.js, which takes CONFIG"},
		{"saturation", []string{"RATE=5"}, "RATE is no setting of saturation.js, which takes FROM, TO"},
		{"random", []string{"DATASET=a.json"}, "DATASET is no setting of a script that makes its prompts"},
		{"mix", []string{"CHAT_SHARE=1"}, "CHAT_SHARE must be above 0 and below 1, got 1"},
		{"mock", []string{"BASE_URL=http://a,http://b", "BALANCE=x"}, "BALANCE is round-robin, random or session"},
		{"mix", []string{"DATASET=a.json"}, "DATASET is no setting of mix.js, which takes PROMPTS"},
		{"replay", []string{"REQUESTS=5"}, "REQUESTS is no setting of a script of sessions, which takes SESSIONS"},
		{"mock", []string{"DURATION=3"}, "DURATION: 3 has no unit: write 3s or 3ms"},
		{"mock", []string{"STAGES=5@3"}, "STAGES: 3 has no unit: write 3s or 3ms"},
		{"mock", []string{"STAGES=5@3x"}, `STAGES: "3x" is no duration such as 30s or 1m30s`},
		{"mock", []string{"STAGES=5x3s"}, `STAGES is rate@duration,… such as 5@30s,10@30s`},
		{"mock", []string{"STAGES=c5-7@3s"}, `cannot read "c5-7@3s"`},
		{"saturation", []string{"DURATION=3"}, "DURATION: 3 has no unit"},
		{"mock", []string{"TIMEOUT=3"}, "TIMEOUT: 3 has no unit"},
		{"mock", []string{"IDLE_TIMEOUT=x"}, `IDLE_TIMEOUT: "x" is no duration`},
		{"mock", []string{"WARMUP=3"}, "WARMUP: 3 has no unit"},
		{"abandon", []string{"CANCEL=5%@3"}, "CANCEL: 3 has no unit"},
		{"mock", []string{"CANCEL=5%"}, `CANCEL is share@when such as 5%@2s, 5%@20 tokens, 5%@queued or 5%@prompt-sent`},
		{"mock", []string{"CANCEL=5%@20 tokens", "DURATION=200ms"}, ""},
		{"mock", []string{"LATENCY_SLO=500"}, "LATENCY_SLO: 500 has no unit"},
		{"mock", []string{"RATE=2,x"}, `RATE is a number or several such as 4,16,64; cannot read "x"`},
		{"mock", []string{"RATE=2", "CONCURRENCY=3"}, "set either RATE or CONCURRENCY"},
		{"mock", []string{"STAGES=5@3s", "CONCURRENCY=3"}, "set either STAGES or CONCURRENCY"},
		{"mock", []string{"REQUESTS=20"}, "REQUESTS needs CONCURRENCY"},
		{"mock", []string{"BASE_URL=sim:", "HEADERS=a: b; sesame"}, "number 2 has no name and colon"},
		{"mock", []string{"EXTRA_BODY={"}, `EXTRA_BODY must be an object in JSON such as {"temperature": 0}`},
		{"mock", []string{"BASE_URL=sim:", "MODEL=m", `HEADERS={"a": "b; c"}`, "EXTRA_BODY={\"top_k\": 1}", "RATE=2,4",
			"ITL_SLO=1s", "NTPOT_SLO=1s", "TIMEOUT=1m30s", "RETRIES=1", "TEXT=true"}, ""},
		{"random", []string{"ARRIVAL=trace"}, "ARRIVAL=trace needs TRACE"},
		{"random", []string{"TRACE=" + log, "ARRIVAL=trace", "RATE=2"},
			"set either ARRIVAL=trace, which sends at the times of"},
		{"random", []string{"TRACE=" + log}, ""},
		{"random", []string{"TRACE=" + lengths}, ""},
		{"random", []string{"TRACE=" + log, "RATE=2"}, ""},
		{"poisson", []string{"STAGES=5-20@10s,8-2@5s,2-3@1.5s"}, ""},
		{"mock", []string{"CONCURRENCY=4,16", "REQUESTS=20"}, ""},
	} {
		args := []string{"inspect"}
		for _, setting := range tt.env {
			args = append(args, "-e", setting)
		}
		r := k6(t, append(args, "scripts/"+tt.script+".js")...)
		switch {
		case tt.want == "":
			mustSucceed(t, r)
		case r.code != 107 || !strings.Contains(strings.ReplaceAll(r.stderr, `\"`, `"`), tt.want) ||
			strings.Contains(r.stderr, "sesame"):
			t.Errorf("%s with %q: exit code %d, %s, want %q", tt.script, tt.env, r.code, r.stderr, tt.want)
		}
	}
}
