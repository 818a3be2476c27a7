package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBodiesOfPictures(t *testing.T) {
	t.Parallel()
	all := &VisualOptions{Size: "64x32", N: 2, Quality: "low", Format: "webp", Partials: 1}
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Model: "m", Prompt: "a"}, `{"model":"m","prompt":"a","response_format":"b64_json"}`},
		{Request{Model: "gpt-image-1", Prompt: "a"}, `{"model":"gpt-image-1","prompt":"a"}`},
		{Request{Model: "m", Prompt: "a", Visual: all, Stream: true}, `{"model":"m","prompt":"a","n":2,"size":"64x32",` +
			`"quality":"low","output_format":"webp","response_format":"b64_json","stream":true,"partial_images":1}`},
		{Request{Model: "m", Prompt: "a", Visual: all, Extra: Extra{"n": json.RawMessage("null"),
			"size": json.RawMessage(`"auto"`), "seed": json.RawMessage("1")}}, `{"model":"m","prompt":"a","quality":"low",` +
			`"output_format":"webp","response_format":"b64_json","seed":1,"size":"auto"}`},
	} {
		got, err := Image.Body(&tt.r)
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
		}
	}
	r := Request{Prompt: "a", Visual: all, Extra: Extra{"n": json.RawMessage("3"), "size": json.RawMessage(`"1x1"`)}}
	if r.AskedPictures() != 3 || r.AskedSize() != "1x1" {
		t.Errorf("asked for %d of %s", r.AskedPictures(), r.AskedSize())
	}
}

// Edits and videos are forms, with their files last.
func TestFormsOfPicturesAndVideos(t *testing.T) {
	t.Parallel()
	files := []File{{Name: "a.png", Type: "image/png", Data: []byte("\x89PNG")}, {Name: "b", Type: "image/png"}}
	o := &VisualOptions{Size: "64x32", Seconds: 2.5, FPS: 8}
	got, err := ImageEdits.Body(&Request{Model: "m", Prompt: "a", Visual: o, Files: files})
	if text := string(got); err != nil || strings.Count(text, `name="image[]"; filename=`) != 2 ||
		!strings.Contains(text, "name=\"prompt\"\r\n\r\na\r\n") || !strings.Contains(text, "\x89PNG\r\n") {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = Video.Body(&Request{Model: "m", Prompt: "a", Visual: o, Files: files[:1]})
	for _, want := range []string{"name=\"seconds\"\r\n\r\n2.5\r\n", "name=\"fps\"\r\n\r\n8\r\n",
		"name=\"size\"\r\n\r\n64x32\r\n", `name="input_reference"; filename="a.png"`} {
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("got %q, %v, want %q in it", got, err, want)
		}
	}
	if _, err := Video.Body(&Request{Prompt: "a", Files: files}); err == nil {
		t.Error("a video begins with two pictures")
	}
}

func TestReadJob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Job
	}{
		{`{"id":"v","status":"queued","progress":0,"seconds":"4","size":"64x32"}`,
			Job{ID: "v", Status: "queued", Seconds: 4, Size: "64x32"}},
		{`{"id":"v","status":"completed","created_at":10,"completed_at":13,"error":null}`,
			Job{ID: "v", Status: "completed", State: JobDone, Server: 3}},
		{`{"id":"v","status":"completed","created_at":10,"completed_at":13,"inference_time_s":2.75}`,
			Job{ID: "v", Status: "completed", State: JobDone, Server: 2.75}},
		{`{"id":"v","status":"failed","error":{"code":"x","message":"no memory"}}`,
			Job{ID: "v", Status: "failed", State: JobFailed, Error: "no memory"}},
		{`{"id":"v","status":"expired"}`, Job{ID: "v", Status: "expired", State: JobFailed,
			Error: `{"id":"v","status":"expired"}`}},
		{`{"data":[{"url":"http://a"}]}`, Job{State: JobDone, URL: true}},
	} {
		got, err := ReadJob([]byte(tt.text))
		if err != nil || got.ID != tt.want.ID || got.State != tt.want.State || got.Error != tt.want.Error ||
			got.Server != tt.want.Server || got.Seconds != tt.want.Seconds || got.Size != tt.want.Size ||
			got.URL != tt.want.URL {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{`{}`, `[]`, `{"status":"queued"}`, `{"id":`, ``} {
		if job, err := ReadJob([]byte(text)); err == nil {
			t.Errorf("%q: got %+v", text, job)
		}
	}
}

func FuzzReadJob(f *testing.F) {
	for _, text := range []string{`{"id":"v","status":"completed","created_at":1,"completed_at":1e300}`, `{"id":3}`,
		`{"data":[{"b64_json":"AAAA"}],"seconds":"x"}`, `{"error":"a"}`, `[1]`, `{"id":"v","inference_time_s":-1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		job, err := ReadJob(data)
		if err == nil && (!(job.Server >= 0 && job.Server < 1e9) || job.State == JobFailed && job.Error == "" ||
			job.State != JobFailed && job.ID == "" && job.Base64 == nil && !job.URL) {
			t.Errorf("%q: got %+v", data, job)
		}
	})
}
