package media

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestRuleFor(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"Qwen/Qwen2-VL-7B-Instruct":                        "Qwen2-VL",
		"/models/qwen2.5_vl-72b/":                          "Qwen2-VL",
		"Qwen3-VL-8B-Instruct":                             "Qwen3-VL",
		"Qwen/Qwen2.5-Omni-7B":                             "Qwen2.5-Omni",
		"llava-hf/llava-1.5-7b-hf":                         "LLaVA-1.5",
		"liuhaotian/llava-v1.5-13b":                        "LLaVA-1.5",
		"OpenGVLab/InternVL3-8B":                           "InternVL",
		"google/gemma-3-27b-it":                            "Gemma 3",
		"google/gemma-3n-E4B-it":                           "Gemma 3n",
		"mistralai/Pixtral-12B-2409":                       "Pixtral",
		"mistralai/Mistral-Small-3.1-24B-Instruct-2503":    "Mistral Small 3.1",
		"gpt-4o-mini-2024-07-18":                           "GPT-4o mini",
		"gpt-4o":                                           "GPT-4o",
		"mistralai/Voxtral-Mini-3B-2507":                   "Voxtral",
		"fixie-ai/ultravox-v0_5-llama-3_2-1b":              "Ultravox",
		"meta-llama/Llama-3.1-8B":                          "",
		"mistralai/Voxtral-Mini-4B-Realtime-2602":          "",
		"Qwen/Qwen2.5-7B-Instruct":                         "",
		"/data/hub/models--Qwen--Qwen2-VL-2B/snapshots/ab": "Qwen2-VL",
	} {
		rule, ok := RuleFor(model)
		if rule.Name != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", model, rule.Name, ok, want)
		}
		if ok && !strings.HasPrefix(rule.Source, "https://") {
			t.Errorf("%s: the source is %q", rule.Name, rule.Source)
		}
	}
}

// Examples that the families' documentation or papers give, or that follow from them by hand.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		model         string
		width, height int
		frames        int
		seconds       float64
		want          int
	}{
		{"qwen2-vl", 224, 224, 0, 0, 64},
		{"qwen2-vl", 8, 8, 0, 0, 4},
		{"qwen2-vl", 280, 420, 0, 0, 150},
		{"qwen2-vl", 224, 224, 9, 0, 320},
		{"qwen3-vl", 1024, 1024, 0, 0, 1024},
		{"qwen3-vl", 640, 640, 4, 0, 800},
		{"llava-1.5", 1, 5000, 0, 0, 576},
		{"internvl2", 448, 448, 0, 0, 256},
		{"internvl2", 896, 448, 0, 0, 768},
		{"gemma-3-4b", 1000, 10, 0, 0, 256},
		{"pixtral-12b", 1024, 1024, 0, 0, 4160},
		{"mistral-small-3.1", 1540, 1540, 0, 0, 3080},
		{"gpt-4o", 1024, 1024, 0, 0, 765},
		{"gpt-4o", 2048, 4096, 0, 0, 1105},
		{"gpt-4o", 512, 512, 0, 0, 255},
		{"qwen2-audio", 0, 0, 0, 10, 250},
		{"qwen2-audio", 0, 0, 0, 300, 750},
		{"qwen3-omni", 0, 0, 0, 10, 130},
		{"qwen3-omni", 0, 0, 0, 10.5, 137},
		{"qwen2.5-omni", 0, 0, 0, 60, 1500},
		{"voxtral-mini-3b", 0, 0, 0, 31, 750},
		{"phi-4-multimodal", 0, 0, 0, 60, 750},
		{"gemma-3n", 0, 0, 0, 16, 100},
		{"gemma-3", 0, 0, 0, 16, 0},
		{"gemma-3", 0, 64, 0, 0, 0},
		{"gemma-3", 64, 64, 5, 0, 0},
	} {
		rule, ok := RuleFor(tt.model)
		if !ok {
			t.Errorf("no rule for %s", tt.model)
		}
		var got int
		switch {
		case tt.seconds > 0:
			got = rule.Audio(tt.seconds)
		case tt.frames > 0:
			got = rule.Video(tt.width, tt.height, tt.frames)
		default:
			got = rule.Image(tt.width, tt.height)
		}
		if got != tt.want {
			t.Errorf("%+v: got %d", tt, got)
		}
	}
}

// The page has a row for each family, with its source.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	page := testenv.ReadFile(t, filepath.Join(testenv.Root(), "docs", "media.md"))
	for _, f := range families {
		if want := "| [" + f.rule.Name + "](" + f.rule.Source + ")"; !strings.Contains(page, want) {
			t.Errorf("docs/media.md has no row that begins with %s", want)
		}
	}
}

// The sizes are those that Hugging Face's processors of the models compute.
func TestRulesAgreeWithTransformers(t *testing.T) {
	t.Parallel()
	python := testenv.InferencePerf(t)
	sizes := [][2]int{{1, 150}, {40, 30}, {224, 224}, {333, 777}, {448, 900}, {640, 480}, {1000, 1500}, {1024, 1024},
		{1280, 720}, {1920, 1080}, {3000, 200}, {4096, 4096}, {5000, 7000}, {14, 42}, {70, 98}, {8192, 60}}
	input, err := json.Marshal(sizes)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", "tokens.py"))
	cmd.Stdin = strings.NewReader(string(input))
	cmd.Env = append(os.Environ(), "TRANSFORMERS_VERBOSITY=error")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want map[string][]int
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(want) != 6 {
		t.Errorf("got %d rules", len(want))
	}
	for model, counts := range want {
		rule, _ := RuleFor(model)
		for i, want := range counts {
			width, height := sizes[i][0], sizes[i][1]
			got := rule.Image(width, height)
			if strings.HasSuffix(model, " video") {
				got = rule.Video(width, height, 7)
			}
			if want >= 0 && got != want {
				t.Errorf("%s, %d × %d: got %d, want %d", model, width, height, got, want)
			}
		}
	}
}
