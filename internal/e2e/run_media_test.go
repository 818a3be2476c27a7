package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // to decode what both programs send
	_ "image/png"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// bodiesOf returns the bodies of the requests that a program sends to a server by its address, in their order.
func bodiesOf(t *testing.T, behind *sim.Server, program func(baseURL string)) (list [][]byte) {
	t.Helper()
	through(t, behind, func(body []byte) { list = append(list, body) }, program)
	return list
}

// mediaRun runs both programs on a configuration of data, and returns the bodies that they send and the directories of
// their reports. own is added to the configuration of this project's.
func mediaRun(t *testing.T, data, stages, own string) (their, our [][]byte, theirs, ours string) {
	t.Helper()
	original := filepath.Join(filepath.Dir(testenv.InferencePerf(t)), "inference-perf")
	opts := sim.DefaultOptions()
	opts.TTFT, opts.ITL = 0, 0
	behind, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = behind.Close() }()
	dir, tokenizer := t.TempDir(), fastTokenizer(t)
	theirs, ours = filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	write := func(baseURL, more string) string {
		file := filepath.Join(dir, "config.yml")
		text := fmt.Sprintf(`
server: {type: vllm, base_url: %q, model_name: sim}
api: {type: chat, streaming: true}
tokenizer: {pretrained_model_name_or_path: %q}
load: {type: constant, base_seed: 7, num_workers: 1, interval: 0, stages: [%s]}
data: %s
report: {request_lifecycle: {summary: true, per_stage: true, per_request: true}}
storage: {local_storage: {path: %q}}
%s`, baseURL, tokenizer, stages, data, theirs, more)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	their = bodiesOf(t, behind, func(baseURL string) {
		cmd := exec.Command(original, "-c", write(baseURL, ""))
		cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("inference-perf: %v\n%s", err, out)
		}
	})
	our = bodiesOf(t, behind, func(baseURL string) {
		mustSucceed(t, k6(t, "x", "llm", "run", "-c", write(baseURL, own), "--out", ours))
	})
	return their, our, theirs, ours
}

// fewMedia has as many media of each kind in each prompt, so that nothing but texts and contents is left to chance.
const fewMedia = `
  type: synthetic
  input_distribution: {type: fixed, mean: 40, min: 40, max: 40}
  output_distribution: {type: fixed, mean: 30, min: 30, max: 30}
  multimodal:
    image: {count: {type: fixed, mean: 2, min: 0, max: 9}, representation: %s, insertion_point: 0.25,
      resolutions: {width: 64, height: 48}}
    video: {count: {type: fixed, mean: 1, min: 0, max: 9}, representation: %s, insertion_point: 0.5,
      profiles: {resolution: {width: 32, height: 16}, frames: 3}}
    audio: {count: {type: fixed, mean: 1, min: 0, max: 9}, insertion_point: 1.0, durations: 0.25}
`

// With fixed numbers of media and fixed places both programs send messages of the same parts.
func TestMessagesWithMediaAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"png":  "text, png 64×48, png 64×48, text, mp4 32×16 3 frames in 0.3 s, text, wav 0.25 s",
		"jpeg": "text, jpeg 64×48, jpeg 64×48, text, jpeg 32×16, jpeg 32×16, jpeg 32×16, text, wav 0.25 s",
	} {
		video := map[string]string{"png": "mp4", "jpeg": "jpeg_frames"}[image]
		their, our, theirs, ours := mediaRun(t, fmt.Sprintf(fewMedia, image, video),
			"{rate: 12, duration: 1}", "x-llm: {media: {content: solid}}")
		for program, bodies := range map[string][][]byte{"inference-perf": their, "k6": our} {
			if len(bodies) != 12 {
				t.Errorf("%s, %s: %d requests", image, program, len(bodies))
			}
			for _, body := range bodies {
				list := pieces(t, body)
				if got := kinds(list); got != want {
					t.Errorf("%s, %s: got %s, want %s", image, program, got, want)
				}
				checkCuts(t, program, list, 0.25, 0.5)
				checkSolid(t, program, list)
			}
		}
		compareSounds(t, their, our)
		compareReports(t, image, theirs, ours)
		compareBlocks(t, image, theirs, ours, false)
	}
}

// checkCuts checks that the text of a message is cut after shares of its characters.
func checkCuts(t *testing.T, program string, list []piece, shares ...float64) {
	t.Helper()
	var lengths []int
	total := 0
	for _, p := range list {
		if p.kind == "text" {
			total += utf8.RuneCountInString(p.text)
			lengths = append(lengths, total)
		}
	}
	for i, share := range shares {
		if want := int(share * float64(total)); i >= len(lengths) || lengths[i] != want {
			t.Errorf("%s: cut after %v characters, want cut %d after %d of %d", program, lengths, i, want, total)
		}
	}
}

// checkSolid checks that each image of a message has one colour.
func checkSolid(t *testing.T, program string, list []piece) {
	t.Helper()
	for _, p := range list {
		if !strings.HasPrefix(p.kind, "png") && !strings.HasPrefix(p.kind, "jpeg") {
			continue
		}
		im, _, err := image.Decode(bytes.NewReader(p.file))
		if err != nil {
			t.Fatalf("%s: %s: %v", program, p.kind, err)
		}
		colours := map[color.Color]bool{}
		for x := range im.Bounds().Dx() {
			for y := range im.Bounds().Dy() {
				colours[im.At(x, y)] = true
			}
		}
		if len(colours) != 1 {
			t.Errorf("%s: %s has %d colours", program, p.kind, len(colours))
		}
	}
}

// compareSounds checks that both programs send the same sounds, byte for byte.
func compareSounds(t *testing.T, their, our [][]byte) {
	t.Helper()
	sounds := func(bodies [][]byte) map[string]bool {
		set := map[string]bool{}
		for _, body := range bodies {
			for _, p := range pieces(t, body) {
				if strings.HasPrefix(p.kind, "wav") {
					set[string(p.file)] = true
				}
			}
		}
		return set
	}
	if got, want := sounds(our), sounds(their); !maps.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d sounds, want the same %d", len(got), len(want))
	}
}

// compareBlocks compares the figures of media in two reports, but for the bytes of images and videos, which depend on
// the encoder unless whole says that the files are the same.
func compareBlocks(t *testing.T, name, theirs, ours string, whole bool) {
	t.Helper()
	for _, file := range []string{"summary_lifecycle_metrics.json", "stage_0_lifecycle_metrics.json"} {
		var want, got struct {
			Successes map[string]any
		}
		readJSON(t, filepath.Join(theirs, file), &want)
		readJSON(t, filepath.Join(ours, file), &got)
		for _, block := range []string{"image", "video", "audio", "count"} {
			wanted, gotten := map[string]float64{}, map[string]float64{}
			addNumbers(wanted, want.Successes[block], block)
			addNumbers(gotten, got.Successes[block], block)
			for path, x := range wanted {
				y, ok := gotten[path]
				if strings.Contains(path, ".bytes.") && !strings.HasPrefix(path, "audio") && !whole {
					continue
				}
				if !ok || !(math.Abs(x-y) <= 1e-9*math.Abs(x)) {
					t.Errorf("%s, %s: %s: got %v, want %v", name, file, path, y, x)
				}
			}
			if len(gotten) != len(wanted) || len(wanted) == 0 {
				t.Errorf("%s, %s: %s: got %d figures, want %d", name, file, block, len(gotten), len(wanted))
			}
		}
	}
}

// addNumbers adds the numbers in a JSON value by their paths.
func addNumbers(numbers map[string]float64, value any, at string) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			addNumbers(numbers, member, at+"."+key)
		}
	case float64:
		numbers[at] = v
	}
}

// manyMedia draws what it can.
const manyMedia = `
  type: synthetic
  input_distribution: {type: fixed, mean: 20, min: 20, max: 20}
  output_distribution: {type: fixed, mean: 30, min: 30, max: 30}
  multimodal:
    image: {count: {type: %s, mean: 2, std_dev: 1, min: 0, max: 4},
      resolutions: [{resolution: {width: 32, height: 16}, weight: 3}, {resolution: {width: 16, height: 16}}]}
    video: {count: {type: %[1]s, mean: 1, std_dev: 1, min: 0, max: 2}, representation: png_frames,
      profiles: [{profile: {resolution: {width: 16, height: 8}, frames: 2}}]}
    audio: {count: {type: %[1]s, mean: 1, std_dev: 0.5, min: 0, max: 2},
      durations: [{duration: 0.01}, {duration: 0.02, weight: 3}]}
`

// What is drawn has the same means in both programs, to within four standard errors of their difference. What the
// uniform distribution of inference-perf draws is less even than what this module draws, unless it is asked for it.
func TestDrawnMediaAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	for kind, own := range map[string]string{"normal": "", "uniform": "x-llm: {data: inference-perf}"} {
		their, our, _, _ := mediaRun(t, fmt.Sprintf(manyMedia, kind), "{rate: 100, duration: 3}", own)
		want, got := drawnFigures(t, their), drawnFigures(t, our)
		for name, list := range want {
			theirMean, theirError := meanOf(list)
			ourMean, ourError := meanOf(got[name])
			if !(math.Abs(ourMean-theirMean) <= 4*math.Hypot(theirError, ourError)) || theirError == 0 {
				t.Errorf("%s, %s: got a mean of %.3f ± %.3f, want %.3f ± %.3f", kind, name, ourMean, ourError,
					theirMean, theirError)
			}
		}
	}
}

// drawnFigures returns what was drawn for messages, by the name of the figure.
func drawnFigures(t *testing.T, bodies [][]byte) map[string][]float64 {
	t.Helper()
	all := map[string][]float64{}
	add := func(name string, x float64) { all[name] = append(all[name], x) }
	for _, body := range bodies {
		counts, before, total := map[string]float64{"images": 0, "frames": 0, "sounds": 0}, 0, 0
		list := pieces(t, body)
		for _, p := range list {
			total += utf8.RuneCountInString(p.text)
		}
		for _, p := range list {
			before += utf8.RuneCountInString(p.text)
			place := float64(before) / float64(total)
			switch {
			case strings.HasPrefix(p.kind, "png 16×8"):
				counts["frames"]++
			case strings.HasPrefix(p.kind, "png"):
				counts["images"]++
				add("pixels", p.pixels)
				add("places of images", place)
			case strings.HasPrefix(p.kind, "wav"):
				counts["sounds"]++
				add("seconds", p.seconds)
				add("places of sounds", place)
			}
		}
		for name, n := range counts {
			add(name, n)
		}
	}
	return all
}

// meanOf returns the mean of a sample and its standard error.
func meanOf(list []float64) (mean, standardError float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	for _, x := range list {
		standardError += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(standardError) / float64(len(list))
}

// prefixedMedia has media of the prefixes, and of the questions.
const prefixedMedia = `
  type: shared_prefix
  shared_prefix:
    num_unique_system_prompts: 3
    num_users_per_system_prompt: 2
    system_prompt_len: 30
    question_len: 20
    output_len: 9
    seed: 5
    multimodal:
      image: {count: {type: fixed, mean: 1, min: 0, max: 9}, insertion_point: %s, resolutions: {width: 32, height: 16}}
  multimodal:
    audio: {count: {type: fixed, mean: 1, min: 0, max: 9}, insertion_point: %s, durations: 0.02}
`

// The media of a prefix are the same files in all requests of a group and others in other groups, and prefix and
// question are joined alike.
func TestPrefixesWithMediaAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	for _, places := range [][2]string{{"0.5", "0.5"}, {"0.0", "0.0"}, {"1.0", "1.0"}} {
		their, our, theirs, ours := mediaRun(t, fmt.Sprintf(prefixedMedia, places[0], places[1]),
			"{rate: 12, duration: 1}", "")
		want, got := prefixShapes(t, their), prefixShapes(t, our)
		if !slices.Equal(got, want) || len(want) != 3 {
			t.Errorf("places %v: got %q, want %q", places, got, want)
		}
		compareReports(t, "shared_prefix", theirs, ours)
		compareBlocks(t, "shared_prefix", theirs, ours, false)
	}
}

// prefixShapes returns a line for each group of requests with the same image: how many there are, and their parts. The
// text that begins a message must be the same, too.
func prefixShapes(t *testing.T, bodies [][]byte) (list []string) {
	t.Helper()
	groups := map[string][]string{}
	for _, body := range bodies {
		parts := pieces(t, body)
		at := slices.IndexFunc(parts, func(p piece) bool { return strings.HasPrefix(p.kind, "png") })
		if at < 0 {
			t.Fatalf("no image: %s", kinds(parts))
		}
		key, shape := string(parts[at].file), kinds(parts)
		for _, p := range parts {
			if p.kind == "text" && p.text == " " {
				shape += ", a space alone"
			}
		}
		groups[key] = append(groups[key], shape)
	}
	for _, shapes := range groups {
		slices.Sort(shapes)
		list = append(list, fmt.Sprintf("%d %v", len(shapes), slices.Compact(shapes)))
	}
	slices.Sort(list)
	return list
}

// Of the same file both programs send the same questions with the same images, byte for byte.
func TestQuestionsAboutImagesAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	sample, err := filepath.Abs("scripts/data/visionarena-sample.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range []string{"max_images_per_request: 2, insertion_point: 0.5", "num_rows: 3"} {
		data := fmt.Sprintf("{type: visionarena, visionarena: {hf_dataset_name: parquet, hf_data_files: %q, %s}}",
			sample, options)
		their, our, theirs, ours := mediaRun(t, data, "{rate: 8, duration: 1}", "")
		if len(their) != 8 || len(our) != 8 {
			t.Fatalf("%s: %d and %d requests", options, len(their), len(our))
		}
		want, got := contents(t, their), contents(t, our)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: message %d: got %.80q, want %.80q", options, i, got[i], want[i])
			}
		}
		compareReports(t, options, theirs, ours)
		compareBlocks(t, options, theirs, ours, true)
	}
}

// contents returns the messages of requests, sorted: those that are due first may overtake each other.
func contents(t *testing.T, bodies [][]byte) (list []string) {
	t.Helper()
	for _, body := range bodies {
		parts := pieces(t, body)
		text := kinds(parts)
		for _, p := range parts {
			text += "\n" + p.text + string(p.file)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}
