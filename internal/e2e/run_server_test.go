package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// serverReport holds the part of a report that comes from the server's page.
type serverReport struct {
	Extension struct {
		Server *struct {
			Sources          []struct{ URL, Engine string }
			Failed           int `json:"failed_scrapes"`
			Samples          int
			Running, Waiting struct{ Mean, Max float64 }
			KVCache          struct{ Mean, Max float64 } `json:"kv_cache_usage"`
			Counts           map[string]json.RawMessage
			GPUs             struct{ Devices, Energy float64 } `json:"accelerators"`
		}
	} `json:"xk6_llm"`
}

// writeScript writes a script of 20 requests per second for three seconds, and returns its path.
func writeScript(t *testing.T, client string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.js")
	script := `import { Client, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: 20, duration: '3s' }] }) };
const client = new Client(` + client + `);
export default function () { client.complete('one two three', { maxTokens: 10 }); }
`
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The figures of the server's page, read during the run, agree with what the client counted, whichever engine's names
// the page uses.
func TestServerMetrics(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"vllm", "sglang", "tgi"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			base := fmt.Sprintf("http://127.0.0.1:%d/v1", simulator(t, "127.0.0.1", "--ttft", "100ms", "--itl", "20ms",
				"--max-num-seqs", "4", "--metrics", engine+",dcgm"))
			dir := t.TempDir()
			records, out := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "report")
			mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records,
				writeScript(t, `{baseURL: '`+base+`', serverMetrics: true, serverMetricsInterval: '250ms'}`)))
			mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", out))
			text, err := os.ReadFile(filepath.Join(out, "summary_lifecycle_metrics.json"))
			if err != nil {
				t.Fatal(err)
			}
			var report serverReport
			if err := json.Unmarshal(text, &report); err != nil {
				t.Fatal(err)
			}
			s := report.Extension.Server
			if s == nil || len(s.Sources) != 1 || s.Sources[0].Engine != engine ||
				s.Sources[0].URL != strings.TrimSuffix(base, "/v1")+"/metrics" || s.Failed != 0 || s.Samples < 8 {
				t.Fatalf("got %+v", s)
			}
			// Each request takes 280 ms, and four run at a time: 20 a second are more than the server can serve.
			if s.Running.Mean < 2 || s.Running.Max != 4 || s.Waiting.Max < 3 {
				t.Errorf("running %+v, waiting %+v", s.Running, s.Waiting)
			}
			if engine != "tgi" && (s.KVCache.Max <= 0 || s.KVCache.Max > 4*13./524288) {
				t.Errorf("KV cache %+v, want that of four requests of 13 tokens at most", s.KVCache)
			}
			for what, want := range map[string]string{
				"requests":          `{"server":60,"client":60,"difference":0}`,
				"prompt_tokens":     `{"server":180,"client":180,"difference":0}`,
				"generation_tokens": `{"server":600,"client":600,"difference":0}`,
			} {
				if got := strings.Join(strings.Fields(strings.ReplaceAll(string(s.Counts[what]), ".0", "")),
					""); got != want {
					t.Errorf("%s: got %s, want %s", what, got, want)
				}
			}
			var ttft struct{ Server, Client, Difference float64 }
			if engine == "tgi" {
				if got := string(s.Counts["time_to_first_token_mean"]); got != "null" {
					t.Errorf("TTFT %s, which TGI does not report", got)
				}
			} else if err := json.Unmarshal(s.Counts["time_to_first_token_mean"], &ttft); err != nil ||
				ttft.Server < 0.1 || ttft.Difference > 0 || ttft.Difference < -0.1 {
				t.Errorf("TTFT %+v, %v: want the client's a little above the server's", ttft, err)
			}
			if s.GPUs.Devices != 2 {
				t.Errorf("devices %+v", s.GPUs)
			}
		})
	}
}

// A page that never answers delays neither the first request by more than a second nor the end of the test.
func TestServerMetricsOfADeadPage(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	begun := time.Now()
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records,
		writeScript(t, `{baseURL: 'sim:?ttft=5ms&itl=1ms', serverMetrics: ['auto', 'http://127.0.0.1:9/metrics']}`)))
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("the run took %v", took)
	}
	if n := strings.Count(r.stderr, "server metrics: http://127.0.0.1:9/metrics: "); n != 1 {
		t.Errorf("the failure was reported %d times, want once\n%s", n, r.stderr)
	}
	var read, failed int64
	for _, line := range only[*record.Server](lines(t, records)) {
		failed += line.Failed
		if len(line.Values) > 0 {
			read++
		}
	}
	if read < 4 || failed < 4 {
		t.Errorf("%d samples of the simulator's page, %d failures of the other; want one a second, and both ends", read,
			failed)
	}
}
