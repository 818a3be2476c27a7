package probe

import (
	"bytes"
	"strings"
	"testing"
)

// run probes a server that is meant to be probed without an error.
func run(t *testing.T, opts Options) *Result {
	t.Helper()
	opts.IgnoreEOS = true
	r, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatalf("probe of %s: %v", opts.URL, err)
	}
	return r
}

// text returns the lines of a result.
func text(t *testing.T, r *Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteText(&out, 80); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSimulator(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{"sim:?itl=1ms", []string{"server      the simulator of xk6-llm,", "model       sim\n",
			"stream      yes, one token an event\n", "usage       with and without streaming\n",
			"ignore_eos  accepted: 16 tokens came for 16 asked\n", "max_tokens  kept\n"}},
		{"sim:?itl=1ms&output-tokens=3&tokens-per-chunk=4&lora=a,b", []string{
			"model       sim; served are sim, a, b\n", "stream      yes, about 4.0 tokens an event\n",
			"ignore_eos  kept: 16 tokens, where the model stops after 3\n"}},
	} {
		r := run(t, Options{URL: tt.url})
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", tt.url, err)
		}
		got := text(t, r)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s\nwant %q in it", tt.url, got, want)
			}
		}
		if r.Settings.BaseURL != tt.url {
			t.Errorf("%s: base URL %q, want the same", tt.url, r.Settings.BaseURL)
		}
	}
}
