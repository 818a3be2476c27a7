package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// job is the making of one video.
type job struct {
	g    *generation
	took time.Duration
	cut  context.CancelFunc // ends it, when it is deleted
	done chan struct{}

	created time.Time

	mu       sync.Mutex // of what follows
	status   string
	begun    time.Time
	finished time.Time
	file     []byte
}

// What the server calls the states of a job, which are OpenAI's.
const (
	jobQueued  = "queued"
	jobRuns    = "in_progress"
	jobDone    = "completed"
	jobFailure = "failed"
)

// jobs are the jobs of a server.
type jobs struct {
	mu   sync.Mutex
	all  map[string]*job
	list []string // their ids, from the oldest
	work sync.WaitGroup
}

// mostJobs is how many jobs are kept. The oldest are forgotten.
const mostJobs = 1000

func (j *jobs) add(one *job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.all == nil {
		j.all = map[string]*job{}
	}
	if len(j.list) >= mostJobs {
		delete(j.all, j.list[0])
		j.list = j.list[1:]
	}
	j.all[one.id()] = one
	j.list = append(j.list, one.id())
}

func (j *jobs) get(id string) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all[id]
}

func (j *jobs) remove(id string) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	one := j.all[id]
	delete(j.all, id)
	j.list = slices.DeleteFunc(j.list, func(other string) bool { return other == id })
	return one
}

// videoEndpoints returns OpenAI's endpoint of videos, and vLLM-Omni's, which answers with the video.
func videoEndpoints() []*endpoint {
	read := func(r *http.Request, o *Options) (ask, error) {
		return readVisual(r, o, usualWidth, usualHeight)
	}
	return []*endpoint{
		{path: "/v1/videos", fault: openAIFault, read: read, job: true, atOnce: true},
		{path: "/v1/videos/sync", fault: openAIFault, read: read, own: sendVideo, atOnce: true},
	}
}

// serveJobs serves what is asked of jobs once they are there.
func (s *Server) serveJobs() {
	s.mux.HandleFunc("GET /v1/videos/{id}", s.ofJob(func(w http.ResponseWriter, j *job) {
		writeJSON(w, http.StatusOK, j.show())
	}))
	s.mux.HandleFunc("GET /v1/videos/{id}/content", s.ofJob(s.sendContent))
	s.mux.HandleFunc("DELETE /v1/videos/{id}", s.ofJob(func(w http.ResponseWriter, j *job) {
		s.jobs.remove(j.id())
		j.cut()
		writeJSON(w, http.StatusOK, map[string]any{"id": j.id(), "object": "video.deleted", "deleted": true})
	}))
}

// ofJob finds the job that a request names.
func (s *Server) ofJob(serve func(http.ResponseWriter, *job)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		j := s.jobs.get(r.PathValue("id"))
		if j == nil || j.g.life.over() {
			writeJSON(w, http.StatusNotFound, openAIFault(http.StatusNotFound,
				fmt.Sprintf("Video with id '%.100s' not found.", r.PathValue("id"))))
			return
		}
		serve(w, j)
	}
}

// videoSpan returns how long a video takes.
func videoSpan(g *generation) time.Duration {
	return g.ask.visual.span(g.s.opts.VideoTime, g.ask.visual.seconds)
}

// videoOf returns the file of an answer.
func videoOf(g *generation) ([]byte, error) {
	v := g.ask.visual
	clip := media.Clip{Width: v.width, Height: v.height, Frames: max(1, int(v.seconds*float64(v.fps)+0.5)), FPS: v.fps,
		Content: media.Solid, Seed: uint64(g.truth.Number) % kindsKept}
	return g.s.gallery.get(fmt.Sprint("video", clip), clip.Encode)
}

// startJob begins a job, and answers with it.
func (s *Server) startJob(g *generation, w http.ResponseWriter) {
	if g.fails == FailHTTP {
		g.truth.Status, g.truth.Error = http.StatusInternalServerError, g.fails
		g.refuse(w, http.StatusInternalServerError, "injected failure")
		g.conclude(0)
		return
	}
	j := &job{g: g, took: videoSpan(g), created: time.Now(), status: jobQueued, done: make(chan struct{})}
	g.truth.Outputs = 1
	g.ctx, j.cut = context.WithCancel(g.life.open) // the job goes on when the request is over
	s.jobs.add(j)
	shown := j.show()
	s.jobs.work.Go(func() {
		defer close(j.done)
		defer j.cut()
		j.run()
		g.conclude(0)
	})
	writeJSON(w, http.StatusOK, shown)
}

// id returns the id of the job, which is not that of the request.
func (j *job) id() string { return fmt.Sprintf("video_%d", j.g.truth.Number) }

// run makes the video: the job waits for its turn, and then for as long as its video takes.
func (j *job) run() {
	g, s := j.g, j.g.s
	j.g.life.metrics.load.received.Add(1)
	j.g.life.metrics.load.waiting.Add(1)
	admitted := g.life.queue.enter(g.ctx, g.ask.priority.value, g.ask.work())
	j.g.life.metrics.load.waiting.Add(-1)
	if !admitted {
		g.gone()
		return
	}
	defer g.life.queue.leave()
	j.g.life.metrics.admit(g.ask.promptTokens, 0)
	defer func() { j.g.life.metrics.leave(g.ask.promptTokens) }()
	file, err := videoOf(g)
	now := time.Now()
	g.admitted, g.truth.Admitted = now, record.UnixNano(now)
	j.set(jobRuns, now, nil)
	if err != nil || g.fails == FailStream {
		g.fails = FailStream
	}
	due := s.pace().after(now, j.took)
	if g.fails == FailStall {
		due = now.Add(stallTime)
	}
	if !g.wait(due) {
		g.gone()
		return
	}
	now = time.Now()
	g.first, g.last = now, now
	if g.fails == FailStream {
		g.truth.Error = g.fails
		j.set(jobFailure, now, nil)
		return
	}
	g.truth.Done = j.set(jobDone, now, file)
}

// set sets how far the job is, and returns the instant at which the first answer can tell it.
func (j *job) set(status string, at time.Time, file []byte) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status, j.file = status, file
	if status == jobRuns {
		j.begun = at
	} else {
		j.finished = at
	}
	return record.UnixNano(at)
}

// show returns the job as OpenAI shows it, with the time that SGLang and vLLM-Omni tell.
func (j *job) show() map[string]any {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := j.g.ask.visual
	m := map[string]any{
		"id": j.id(), "object": "video", "model": j.g.ask.model, "status": j.status, "progress": j.progress(),
		"created_at": j.created.Unix(), "completed_at": nil, "expires_at": nil, "error": nil, "prompt": v.prompt,
		"size": fmt.Sprintf("%dx%d", v.width, v.height), "seconds": fmt.Sprint(v.seconds),
		"remixed_from_video_id": nil,
	}
	switch j.status {
	case jobDone:
		m["completed_at"], m["inference_time_s"] = j.finished.Unix(), j.finished.Sub(j.begun).Seconds()
	case jobFailure:
		m["error"] = map[string]any{"code": "video_generation_failed", "message": "injected failure"}
	}
	return m
}

// progress returns how far the job is, in percent.
func (j *job) progress() int {
	switch {
	case j.status == jobDone:
		return 100
	case j.status == jobQueued || j.took == 0:
		return 0
	}
	return int(min(99, 100*float64(time.Since(j.begun))/float64(j.took)))
}

// sendContent answers with the video of a job.
func (s *Server) sendContent(w http.ResponseWriter, j *job) {
	j.mu.Lock()
	file := j.file
	j.mu.Unlock()
	switch {
	case file == nil:
		writeJSON(w, http.StatusBadRequest, openAIFault(http.StatusBadRequest, "Video is not ready yet."))
		return
	case j.g.fails == FailTruncated:
		file = file[:len(file)/2]
		w.Header().Set("Content-Type", "video/mp4")
		_, _ = w.Write(file)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = w.Write(file)
}

// sendVideo answers with a video when it is due.
func sendVideo(g *generation, w http.ResponseWriter, admitted time.Time) {
	file, err := videoOf(g)
	if err != nil {
		g.truth.Status, g.truth.Error = http.StatusInternalServerError, FailHTTP
		g.refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	g.truth.Outputs = 1
	due := g.s.pace().after(admitted, videoSpan(g))
	if !g.wait(due) {
		g.gone()
		return
	}
	switch g.fails {
	case "":
	case FailStream:
		failWhole(g, w)
		return
	default:
		g.failStream(w, nil)
		return
	}
	g.first, g.last = due, due
	g.truth.Done = record.UnixNano(time.Now())
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = w.Write(file)
}
