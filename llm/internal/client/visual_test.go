package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newSim returns a simulator for a bubble, which closes it.
func newSim(t *testing.T, query string) *sim.Server {
	t.Helper()
	o, err := sim.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// askFor sends one request for pictures or a video.
func askFor(t *testing.T, rt http.RoundTripper, change func(*Options), files ...api.File) *record.Request {
	t.Helper()
	c := newClient(t, func(o *Options) {
		o.Speak(api.Image)
		o.Model = "sim"
		change(o)
	})
	req := Request{ID: "1", Prompt: "a red cat", Media: &Media{Files: files}}
	a, err := c.Do(t.Context(), rt, &req)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Record.Validate(); err != nil {
		t.Errorf("an invalid record: %v", err)
	}
	return a.Record
}

// Pictures are counted and looked at, and their latency is the simulator's to the nanosecond.
func TestTruthOfPictures(t *testing.T) {
	t.Parallel()
	file, err := media.Picture{Width: 32, Height: 16, Format: media.PNG}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		options api.VisualOptions
		dialect api.Dialect
		files   []api.File
		want    time.Duration
		format  string
	}{
		{api.VisualOptions{Size: "64x32", N: 3}, api.Image, nil, 3 * 2 * time.Millisecond, "png"},
		{api.VisualOptions{Size: "128x64", Format: "jpeg"}, api.Image, nil, 8 * time.Millisecond, "jpeg"},
		{api.VisualOptions{Size: "64x32", Format: "webp"}, api.ImageEdits, []api.File{{Name: "a.png",
			Type: "image/png", Data: file}}, 2 * time.Millisecond, "webp"},
		{api.VisualOptions{Size: "64x32", N: 2}, api.ImageEdits, []api.File{{Name: "a", Type: "image/png", Data: file},
			{Name: "b", Type: "image/png", Data: file}}, 4 * time.Millisecond, "png"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newSim(t, "image-time=1024ms")
			defer func() { _ = server.Close() }()
			r := askFor(t, handled{server}, func(o *Options) { o.API, o.Visual = tt.dialect, tt.options }, tt.files...)
			n := max(1, tt.options.N)
			if r.Failed() || r.Latency() != tt.want || len(r.Output) != n || r.AskedSize != tt.options.Size {
				t.Fatalf("%+v: got %v, %d pictures, %+v; want %v and %d", tt.options, r.Latency(), len(r.Output), r,
					tt.want, n)
			}
			for _, m := range r.Output {
				if size := fmt.Sprintf("%dx%d", m.Width, m.Height); size != tt.options.Size || m.Format != tt.format ||
					m.Kind != record.MediaImage || m.Bytes == 0 {
					t.Errorf("%+v: got %+v", tt.options, m)
				}
			}
			truth := server.Truths()[0]
			if truth.End != r.End || truth.Outputs != n || r.ServerSeconds != tt.want.Seconds() {
				t.Errorf("%+v: end %d, %v s by the server; truth %+v", tt.options, r.End, r.ServerSeconds, truth)
			}
			if len(r.Usage) == 0 || len(r.Chunks) > 0 || r.Poll != nil || r.API != "image" {
				t.Errorf("%+v: got %+v", tt.options, r)
			}
		})
	}
}

// A stream of pictures has the time of each unfinished one, and ends with the last that was asked for.
func TestTruthOfStreamedPictures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSim(t, "image-time=1024ms")
		defer func() { _ = server.Close() }()
		r := askFor(t, handled{server}, func(o *Options) {
			o.Streaming, o.Visual = true, api.VisualOptions{Size: "128x64", N: 2, Partials: 1}
		})
		want := []int64{4000, 8000, 12000, 16000}
		if r.Failed() || fmt.Sprint(r.Chunks) != fmt.Sprint(want) || r.Latency() != 16*time.Millisecond ||
			len(r.ChunkBytes) != 4 || len(r.Output) != 2 || r.Note != "" {
			t.Errorf("got chunks %v of %v bytes, %v, %q, %+v; want %v", r.Chunks, r.ChunkBytes, r.Latency(), r.Note, r,
				want)
		}
	})
}

// The true end of each job lies between the end of its request less the bound and that end, however its end falls
// between the questions, and the bound is within a hundredth or the shortest wait.
func TestBoundOfPollingHolds(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{0, 7 * time.Millisecond, 500 * time.Millisecond} {
		for _, took := range []time.Duration{time.Millisecond, 49 * time.Millisecond, 50 * time.Millisecond,
			333 * time.Millisecond, 5 * time.Second, 47_321 * time.Millisecond, 200 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				// a second of 64 × 32 pixels is 1/512 of a second of a megapixel
				server := newSim(t, fmt.Sprintf("video-time=%v", took))
				defer func() { _ = server.Close() }()
				r := askFor(t, handled{server}, func(o *Options) {
					o.Speak(api.Video)
					o.PollInterval, o.Visual = interval, api.VisualOptions{Size: "64x32", Seconds: 512, FPS: 1}
				})
				if r.Failed() || len(r.Output) != 1 {
					t.Fatalf("%v: %+v", took, r)
				}
				bound := time.Duration(r.Poll.Bound) * time.Microsecond
				done := server.Truths()[0].Done
				if done > r.End || done < r.End-int64(bound) {
					t.Errorf("%v: done at %d, not in the %v before %d", took, done, bound, r.End)
				}
				most := max(shortestPoll, took/pollShare+took/pollShare/pollShare)
				if interval > 0 {
					most = interval
				}
				if bound > most || r.Latency() < took {
					t.Errorf("%v, asked each %v: latency %v with a bound of %v, want at most %v", took, interval,
						r.Latency(), bound, most)
				}
				m := r.Output[0]
				if m.Width != 64 || m.Height != 32 || m.Frames != 512 || m.Seconds != 512 || m.Format != "mp4" {
					t.Errorf("%v: got %+v", took, m)
				}
				if r.ServerSeconds != took.Seconds() || r.Poll.Count == 0 || r.Poll.Created > r.End ||
					r.Poll.Download == 0 || r.BytesReceived < m.Bytes {
					t.Errorf("%v: got %+v, %v s by the server, %d bytes", took, r.Poll, r.ServerSeconds,
						r.BytesReceived)
				}
			})
		}
	}
}

// A server may answer a request for a video with the video.
func TestTruthOfVideosAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSim(t, "video-time=1024ms")
		defer func() { _ = server.Close() }()
		r := askFor(t, handled{server}, func(o *Options) {
			o.Speak(api.Video)
			o.Endpoint, o.Visual = "/v1/videos/sync", api.VisualOptions{Size: "64x32", Seconds: 3, FPS: 8}
		})
		if r.Failed() || r.Latency() != 6*time.Millisecond || r.Poll != nil || r.Output[0].Frames != 24 {
			t.Errorf("got %v, %+v", r.Latency(), r)
		}
	})
}

// What a server says of a job that it gives up becomes the error, and a job that never ends is cut by the timeout.
func TestVideosThatFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sim, want string
		interval  time.Duration
	}{
		{"failure-rate=1&failure-kind=http", "http: injected failure", 0},
		{"failure-rate=1&failure-kind=stream_error", "stream_error: injected failure", 0},
		{"failure-rate=1&failure-kind=stall", "timeout: no complete answer within the timeout of 20s", 0},
		{"video-time=1h", "timeout: no complete answer within the timeout of 20s", 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newSim(t, tt.sim)
			defer func() { _ = server.Close() }()
			r := askFor(t, handled{server}, func(o *Options) {
				o.Speak(api.Video)
				o.Timeout, o.PollInterval = 20*time.Second, tt.interval
				o.Visual = api.VisualOptions{Size: "64x32", Seconds: 3, FPS: 8}
			})
			if got := r.ErrorType + ": " + r.Error; got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.sim, got, tt.want)
			}
		})
	}
}

// jobServer is a server of jobs that gives these answers, one after the other.
type jobServer struct {
	t       *testing.T
	answers []string // a status and a body
	asked   []string
}

func (s *jobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	if len(s.asked) > len(s.answers) {
		s.t.Errorf("asked once more: %s", r.URL)
		return
	}
	status, body, _ := strings.Cut(s.answers[len(s.asked)-1], " ")
	var code int
	_, _ = fmt.Sscan(status, &code)
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body))
}

func TestAnswersOfJobs(t *testing.T) {
	t.Parallel()
	clip, err := media.Clip{Width: 64, Height: 32, Frames: 5, Content: media.Solid}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const runs, done = `200 {"id":"a b/c","status":"in_progress"}`, `200 {"id":"a b/c","status":"completed"}`
	for _, tt := range []struct {
		answers []string
		want    string // the error, or the asked URLs
	}{
		{[]string{runs, runs, done, "200 " + string(clip)},
			"POST /v1/videos GET /v1/videos/a%20b%2Fc GET /v1/videos/a%20b%2Fc GET /v1/videos/a%20b%2Fc/content"},
		{[]string{runs, "429 slow down", "503 ", runs, done, "200 " + string(clip)},
			"POST /v1/videos" + strings.Repeat(" GET /v1/videos/a%20b%2Fc", 4) + " GET /v1/videos/a%20b%2Fc/content"},
		{[]string{`200 {"status":"completed","data":[{"url":"http://x/y.mp4"}],"id":"v"}`, "404 "},
			"POST /v1/videos GET /v1/videos/v/content"},
		{[]string{runs, `404 {"error":{"message":"Video with id 'a b/c' not found."}}`},
			`http 404: job "a b/c": Video with id 'a b/c' not found.`},
		{[]string{runs, `200 {"id":"a b/c","status":"failed","error":{"code":"x","message":"out of memory"}}`},
			"stream_error 200: out of memory"},
		{[]string{`200 {"error":{"message":"no such model"}}`}, "stream_error 200: no such model"},
		{[]string{`400 {"error":{"message":"The model does not support video generation."}}`},
			"http 400: The model does not support video generation."},
		{[]string{`200 {"status":"queued"}`}, "malformed 200: no job in the answer"},
		{[]string{`200 {"id":`}, "malformed 200: invalid JSON"},
		{[]string{`200 an odd page`}, "malformed 200: the video: "},
		{[]string{done, "404 gone"}, `http 404: the video of job "a b/c": gone`},
		{[]string{done, "200 words"}, `malformed 200: the video: `},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &jobServer{t: t, answers: tt.answers}
			r := askFor(t, handled{s}, func(o *Options) { o.Speak(api.Video) })
			got := strings.Join(s.asked, " ")
			if r.Failed() {
				got = fmt.Sprintf("%s %d: %s", r.ErrorType, r.Status, r.Error)
			}
			if !strings.HasPrefix(got, tt.want) || r.Failed() == strings.HasPrefix(tt.want, "POST") {
				t.Errorf("%.200q: got %s, want %s", tt.answers, got, tt.want)
			}
		})
	}
}

func TestPicturesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ answer, want string }{
		{`200 {"data":[{"b64_json":"aGVsbG8gd29ybGQ="}]}`, "malformed: picture 0: "},
		{`200 {"data":[{"b64_json":"***"}]}`, "malformed: picture 0: illegal base64 data"},
		{`200 {"data":[{"b64_json":null}]}`, "malformed: picture 0 has neither b64_json nor url"},
		{`200 {"data":[]}`, "malformed: 0 pictures, and n asks for 1"},
		{`200 {"data":[{"url":"http://a"},{"url":"http://b"}]}`, "malformed: 2 pictures, and n asks for 1"},
		{`200 {"created":1}`, "malformed: no choice in the answer"},
		{`200 {"error":{"message":"out of memory"}}`, "stream_error: out of memory"},
		{`200 not json`, "malformed: "},
		{`400 {"error":{"message":"the model has no images"}}`, "http: the model has no images"},
		{`200 {"data":[{"b64_json":"` + strings.Repeat("A", 2000), "truncated: "},
		{`200 {"data":[{"b64_json":"` + strings.Repeat("A", 20000), "too_large: answer over the limit of 10000 bytes in one " +
			"JSON object; if the answer is to be so large, raise it with answerLimit"},
	} {
		s := &jobServer{t: t, answers: []string{tt.answer}}
		r := askFor(t, handled{s}, func(o *Options) { o.EventLimit = 10_000 })
		if got := r.ErrorType + ": " + r.Error; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%.80s: got %s, want %s", tt.answer, got, tt.want)
		}
	}
	r := askFor(t, handled{&jobServer{t: t, answers: []string{`200 {"data":[{"url":"http://a/b.png"}]}`}}}, func(*Options) {})
	if r.Failed() || len(r.Output) != 1 || !r.Output[0].URL || r.Note != record.NoteNotFetched {
		t.Errorf("got %+v", r)
	}
}

// A request that the end of the test cuts while its job runs is canceled.
func TestVideosThatAreCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSim(t, "video-time=1h")
		defer func() { _ = server.Close() }()
		c := newClient(t, func(o *Options) { o.Speak(api.Video); o.Model = "sim" })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		a, err := c.Do(ctx, handled{server}, &Request{ID: "1", Prompt: "a red cat"})
		if err != nil || a.Record.ErrorType != record.ErrorCanceled || a.Record.Latency() != 3*time.Second ||
			a.Record.Poll == nil || a.Record.Poll.Count == 0 {
			t.Errorf("got %v, %+v", err, a.Record)
		}
	})
}
