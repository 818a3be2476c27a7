package convert

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The per-request file lists the media as inference-perf does.
func TestPerRequestMediaAreInferencePerfs(t *testing.T) {
	t.Parallel()
	const name = "per_request_lifecycle_metrics.json"
	path := filepath.Join("testdata", "inference-perf", "p_multimodal", name+".gz")
	r, err := run.ReadFiles(run.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := NewReport(r, Options{}).Write(dir, Files{PerRequest: true, Fields: Fields{Info: true}}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	in, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type element struct {
		Info struct {
			Request map[string]any `json:"request_metrics"`
		}
	}
	var want, got []element
	if err := json.NewDecoder(in).Decode(&want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content(t, filepath.Join(dir, name)), &got); err != nil {
		t.Fatal(err)
	}
	media := 0
	for i, w := range want {
		for _, kind := range []string{"image", "video", "audio"} {
			if w.Info.Request[kind] != nil {
				media++
			}
			if g := got[i].Info.Request[kind]; !reflect.DeepEqual(g, w.Info.Request[kind]) {
				t.Errorf("request %d: %s: got %v, want %v", i, kind, g, w.Info.Request[kind])
			}
		}
	}
	if len(got) != len(want) || media < 100 {
		t.Errorf("%d requests of %d, %d kinds of media", len(got), len(want), media)
	}
}

// asked returns a request of an API that starts at a second of the run and takes a second.
func asked(api string, second int64) *record.Request {
	start := 1_700_000_000*runtest.Second + second*runtest.Second
	return &record.Request{API: api, Start: start, End: start + runtest.Second, Status: 200, Chunks: []int64{}}
}

// The media of prompts count, and those of answers where the API makes media. What is unknown of one is left out.
func TestFiguresOfMedia(t *testing.T) {
	t.Parallel()
	chat, edit, failed := asked("chat", 0), asked(record.APIImage, 1), asked("chat", 2)
	speech := asked(record.APISpeech, 2)
	chat.Media = []record.Media{{Kind: "image", Width: 200, Height: 100, Bytes: 5000}, {Kind: "image", URL: true},
		{Kind: "video", Format: "png_frames", Width: 30, Height: 20, Frames: 8, Bytes: 800}}
	edit.Media = []record.Media{{Kind: "image", Width: 64, Height: 64, Bytes: 100}}
	edit.Output = []record.Media{{Kind: "image", Width: 100, Height: 100, Bytes: 7000}}
	speech.Chunks, speech.ChunkBytes = []int64{100, 200}, []int64{24_000, 24_000}
	speech.Output = []record.Media{{Kind: "audio", Format: "pcm", Seconds: 1, Bytes: 48_000}}
	failed.Media, failed.ErrorType = chat.Media, record.ErrorTimeout
	doc := summaryJSON(t, runOf(t, chat, edit, speech, failed), Options{})
	for path, want := range map[string]float64{
		"image.count.mean": 1, "image.count.min": 0, "image.count.max": 2, "image.pixels.max": 20_000,
		"image.pixels.min": 10_000, "image.bytes.mean": 6000, "image.aspect_ratio.max": 2,
		"video.count.mean": 1. / 3, "video.frames.mean": 8, "video.pixels.mean": 600, "video.bytes.mean": 800,
		"video.aspect_ratio.mean": 1.5, "audio.count.max": 1, "audio.seconds.mean": 1, "audio.bytes.mean": 48_000,
		"throughput.images_per_sec": 1, "throughput.videos_per_sec": 1. / 3, "throughput.audios_per_sec": 1. / 3,
	} {
		if got := doc.Get("successes." + path); got.Type != gjson.Number || got.Num != want {
			t.Errorf("%s: got %s, want %v", path, got.Raw, want)
		}
	}
	for _, path := range []string{"successes.latency.time_to_first_token", "successes.latency.inter_token_latency",
		"xk6_llm.latency.chunk_gap"} {
		if got := doc.Get(path); got.Raw != "null" {
			t.Errorf("%s: got %s, want null: the chunks are of a sound", path, got.Raw)
		}
	}
}

// picture returns a request for text about pictures, whose bodies took so many milliseconds to send; the first token
// came after 100 ms.
func picture(second int64, sentMS int64, media ...record.Media) *record.Request {
	q := asked("chat", second)
	q.Streaming, q.Chunks, q.FinishReason, q.Model = true, []int64{100_000, 110_000}, "stop", "m"
	q.ChunkTokens, q.Completion = []int{1, 1}, new(2)
	q.Media, q.Sent, q.BytesSent = media, sentMS*1_000_000, 1_000_000
	return q
}

func TestMediaOfRequests(t *testing.T) {
	t.Parallel()
	image := func(id string) record.Media {
		return record.Media{Kind: "image", Width: 1024, Height: 1024, Bytes: 700_000, Tokens: 1000, ID: id}
	}
	text := asked("chat", 3)
	counted, two, mixed := picture(0, 10, image("a")), picture(1, 30, image("a"), image("b")),
		picture(2, 20, image("c"), record.Media{Kind: "audio", Seconds: 1, Bytes: 32_044, ID: "d", URL: true})
	counted.Prompt, counted.Usage = new(1050), []byte(`{"prompt_tokens":1250}`) // with the estimates
	two.Prompt, two.Usage = new(2050), []byte(`{"prompt_tokens":2450}`)
	mixed.Prompt, mixed.Usage = new(1050), []byte(`{"prompt_tokens":1150}`)
	counted.PromptRaw, two.PromptRaw, mixed.PromptRaw = true, true, true
	doc := summaryJSON(t, runOf(t, counted, two, mixed, text), Options{}).Get("xk6_llm")
	for path, want := range map[string]float64{
		"requests": 3, "items.image": 4, "items.audio": 1, "by_url": 1, "different_items": 4, "body_bytes.mean": 1e6,
		"body_sending.median": 0.02, "sent_bytes_per_sec": 5e7, "sending_share": 0.2,
		"time_to_first_token_after_sending.min": 0.07, "time_to_first_token_after_sending.max": 0.09,
		"tokens.items_estimated": 4, "tokens.estimated": 4000, "tokens.compared.#": 1, "tokens.compared.0.requests": 2,
		"tokens.compared.0.items": 3, "tokens.compared.0.by_server": 3600, "tokens.compared.0.estimated": 3000,
		"tokens.compared.0.difference_per_item": 200, "by_kind.image.items": 4, "by_kind.image.different_items": 3,
		"by_kind.image.bytes": 2_800_000, "by_kind.audio.items": 1, "by_kind.image.estimated": 4000,
	} {
		if got := doc.Get("media." + path); got.Type != gjson.Number || math.Abs(got.Num-want) > 1e-9*want {
			t.Errorf("%s: got %s, want %v", path, got.Raw, want)
		}
	}
	const warning = "there are 1,200 tokens an image, its model's rule says 1,000"
	if got := doc.Get("warnings").Raw; !strings.Contains(got, warning) {
		t.Errorf("warnings %s lack %q", got, warning)
	}
	if doc.Get("definitions.media").String() == "" || doc.Get("definitions.speech").Exists() {
		t.Errorf("definitions %s", doc.Get("definitions").Raw)
	}
	if doc := summaryJSON(t, runOf(t, text), Options{}).Get("xk6_llm"); doc.Get("media").Exists() ||
		doc.Get("definitions.media").Exists() {
		t.Error("a run of text has media")
	}
}

func TestWarningsAboutMedia(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sentMS int64
		media  record.Media
		want   string // "" for none
	}{
		{"fine", 10, record.Media{Kind: "image", Width: 100, Height: 100, Bytes: 9000}, ""},
		{"slow", 60, record.Media{Kind: "image", Width: 100, Height: 100, Bytes: 9000},
			"sending the bodies took 60 % of the wait for the first token or the answer (16,667 bytes/s in each"},
		{"the same", 10, record.Media{Kind: "audio", Bytes: 9000, ID: "a"},
			"all 12 media of the prompts are one and the same"},
		{"of one colour", 10, record.Media{Kind: "image", Width: 100, Height: 100, Bytes: 100},
			"12 of 12 images take less than 0.05 bytes for a pixel"},
		{"a video of one colour", 10,
			record.Media{Kind: "video", Format: "mp4", Width: 100, Height: 100, Frames: 10, Bytes: 500},
			"12 of 12 videos take less than 0.006 bytes for a pixel"},
		{"frames of one colour", 10,
			record.Media{Kind: "video", Format: "png_frames", Width: 100, Height: 100, Frames: 10, Bytes: 2000},
			"12 of 12 videos take less than 0.05 bytes for a pixel"},
		{"a video", 10,
			record.Media{Kind: "video", Format: "mp4", Width: 100, Height: 100, Frames: 10, Bytes: 2000}, ""},
		{"small", 10, record.Media{Kind: "image", Width: 10, Height: 10, Bytes: 4}, ""},
	} {
		var list []*record.Request
		for k := range int64(12) {
			q := picture(k, tt.sentMS, tt.media)
			q.BytesSent = 1000
			list = append(list, q)
		}
		warnings := summaryJSON(t, runOf(t, list...), Options{}).Get("xk6_llm.warnings").Array()
		if tt.want == "" && len(warnings) > 0 || tt.want != "" && (len(warnings) != 1 ||
			!strings.HasPrefix(warnings[0].String(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, warnings, tt.want)
		}
	}
}

// A report of requests.parquet has the figures of the records that it was made from.
func TestMediaInParquet(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, runtest.MediaLines()))
	back, err := run.ReadFiles(run.Options{}, writeParquet(t, r))
	if err != nil {
		t.Fatal(err)
	}
	some := 0
	for i, q := range r.Requests {
		if q.Media != nil {
			some++
		}
		if !reflect.DeepEqual(q.Media, back.Requests[i].Media) {
			t.Errorf("request %d: got %+v, want %+v", i, back.Requests[i].Media, q.Media)
		}
	}
	if want, got := summaryJSON(t, r, Options{}).Raw, summaryJSON(t, back, Options{}).Raw; got != want || some < 10 {
		t.Errorf("%d requests with media\ngot  %s\nwant %s", some, got, want)
	}
}

func TestMediaTable(t *testing.T) {
	t.Parallel()
	p := NewReport(mustRead(t, asRecords(t, runtest.MediaLines())), Options{})
	dir := t.TempDir()
	if _, err := p.Write(dir, Files{Summary: true, Parquet: true, CSV: true}); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.ReadFile[MediaRow](filepath.Join(dir, "media.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Direction+" "+r.Kind]++
	}
	want := map[string]int{}
	for _, q := range p.run.Requests {
		if q.Media == nil { // a speech that failed
			continue
		}
		for _, m := range q.Media.Prompt {
			want["prompt "+m.Kind]++
		}
		for _, m := range q.Media.Answer {
			want["answer "+m.Kind]++
		}
	}
	if !reflect.DeepEqual(counts, want) || len(want) != 6 {
		t.Errorf("got %v, want %v", counts, want)
	}
	lines := strings.Count(string(content(t, filepath.Join(dir, "media.csv"))), "\n")
	if lines != len(rows)+1 {
		t.Errorf("%d lines for %d rows", lines, len(rows))
	}
	plain := NewReport(mustRead(t, asRecords(t, sampleLines())), Options{})
	if _, err := plain.Write(dir, Files{Summary: true, Parquet: true, Replace: true}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "media.*")); len(left) > 0 {
		t.Errorf("a report of text leaves %v", left)
	}
}

// Rates of media, and the time to first audio, are compared from the requests and from a report. Runs of text have
// none.
func TestMediaAreCompared(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, runtest.MediaLines()))
	side := RunSide(r, "run", Options{})
	result, err := compare.Compare(side, side, compare.Options{Resamples: 100})
	if err != nil {
		t.Fatal(err)
	}
	ofRun, err := RunFigures(r, "run", Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range result.Metrics {
		if strings.Contains(m.Name, "first_audio") || strings.HasPrefix(m.Name, "images") ||
			strings.HasPrefix(m.Name, "videos") || strings.HasPrefix(m.Name, "audios") {
			found++
			if stated, known := ofRun.Values[m.Name]; known && math.Abs(*m.Base-stated) > 1e-9 {
				t.Errorf("%s: %v of the requests, %v of the report", m.Name, *m.Base, stated)
			}
		}
	}
	if _, known := ofRun.Values["images_per_sec"]; !known || found < 6 {
		t.Errorf("%d figures of media, %v", found, ofRun.Values)
	}
	text, err := RunFigures(mustRead(t, asRecords(t, sampleLines())), "text", Options{})
	if _, known := text.Values["images_per_sec"]; err != nil || known {
		t.Errorf("a run of text: %v, %v", text.Values, err)
	}
}

// The line on media has the counts by kind, how many came again, their bytes, and for which kind there is no rule.
func TestLineOnMedia(t *testing.T) {
	t.Parallel()
	image := record.Media{Kind: "image", Width: 64, Height: 64, Bytes: 700_000, Tokens: 1000, ID: "a"}
	got := NewReport(runOf(t, picture(0, 10, image), picture(1, 30, image, record.Media{Kind: "audio", Seconds: 1,
		Bytes: 100_000, ID: "b"})), Options{}).Summary.Additions.Media.sentence()
	const want = "2 images (50.0 % seen before), 1 audio in 2 requests; 1.50 MB; " +
		"sending a body took p50 20.0, p99 29.8 ms; tokens by the model's rule: 1,000 an image, no rule for audios"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTokensOfSeveralKindsOfMedia(t *testing.T) {
	t.Parallel()
	q := picture(0, 10, record.Media{Kind: "image", Bytes: 9, Tokens: 1000},
		record.Media{Kind: "video", Frames: 2, Bytes: 9, Tokens: 200})
	q.Prompt, q.Usage, q.PromptRaw = new(1250), []byte(`{"prompt_tokens":1300}`), true
	got := summaryJSON(t, runOf(t, q), Options{}).Get("xk6_llm.media.tokens.compared").Raw
	const want = `[{"kind":"several","requests":1,"items":2,"by_server":1250,"estimated":1200,"difference_per_item":25.0}]`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The prompts of pictures, which nobody counts, do not count as prompts of no tokens.
func TestPromptsOfPicturesAreNotCounted(t *testing.T) {
	t.Parallel()
	text, pictures := asked("chat", 0), asked(record.APIImage, 1)
	text.Usage = []byte(`{"prompt_tokens":40,"completion_tokens":1}`)
	pictures.Output = []record.Media{{Kind: "image", Bytes: 9}}
	r := runOf(t, text, pictures)
	doc := summaryJSON(t, r, Options{}).Get("successes")
	if got := doc.Get("prompt_tokens.min").Num; got != 40 || doc.Get("prompt_tokens.total").Num != 40 ||
		doc.Get("throughput.input_tokens_per_sec").Num != 20 {
		t.Errorf("got %s", doc.Get("prompt_tokens").Raw)
	}
	p := NewReport(r, Options{})
	if _, err := p.Write(t.TempDir(), everyFile); err != nil || len(p.Faults) > 0 {
		t.Errorf("%v, %q", err, p.Faults)
	}
}

// Tables say nothing of prompts that nobody counted if no answer is text.
func TestTablesOfUncountedPrompts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		api   string
		usage string
		want  string
		says  bool // of tokens
	}{
		{record.APIVideo, "", "throughput: 1.00 requests/s, 0.000 videos/s\n", false},
		{record.APIImage, `{"input_tokens":8,"output_tokens":100,"total_tokens":108}`,
			"images/s, 8.0 prompt tokens/s\ntokens: the server's counts\n", true},
		{"chat", "", " output tokens/s\ntokens: ", true},
	} {
		q := asked(tt.api, 0)
		if tt.usage != "" {
			q.Usage = []byte(tt.usage)
		}
		var out strings.Builder
		if err := NewReport(runOf(t, q), Options{}).WriteTables(Screen{W: &out}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, tt.want) || strings.Contains(got, "tokens") != tt.says {
			t.Errorf("%s: got:\n%s\nwant %q, of tokens: %t", tt.api, got, tt.want, tt.says)
		}
	}
}
