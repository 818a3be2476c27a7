package api

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Video is the dialect of OpenAI's video generation: a request makes a job, which is asked for until it is done. The
// answer may as well be the video itself, or a job that is done.
var Video Dialect = video{}

type video struct{ openAI }

func (video) Name() string { return "video" }
func (video) Verb() string { return "video" }
func (video) Path() string { return "/videos" }
func (video) Input() Input { return InputVideo }

// Output returns that answers are videos.
func (video) Output() Output { return OutputVideo }

// IgnoresEOS returns false: no tokens are generated.
func (video) IgnoresEOS() bool { return false }

// EndMark returns the status of a job that is done.
func (video) EndMark() string { return "the status completed" }

// ContentType returns the type of a form, which all servers take.
func (video) ContentType() string { return formType }

// Body writes a form. A picture to begin with is its last field.
func (e video) Body(r *Request) ([]byte, error) {
	if err := checkVisual(e, r); err != nil {
		return nil, err
	}
	if len(r.Files) > 1 {
		return nil, fmt.Errorf("a video begins with one picture, got %d", len(r.Files))
	}
	o := r.visual()
	w := newForm(r)
	w.text("model", r.Model)
	w.text("prompt", r.Prompt)
	w.some("size", o.Size)
	if o.Seconds > 0 {
		w.text("seconds", strconv.FormatFloat(o.Seconds, 'f', -1, 64))
	}
	if o.FPS > 0 {
		w.number("fps", o.FPS)
	}
	for _, f := range r.Files {
		w.file("input_reference", f)
	}
	return w.finish()
}

// State is how far a job is.
type State int

// The states of a job.
const (
	JobRuns State = iota // queued, or in progress
	JobDone
	JobFailed
)

// Job is what a server tells of a job.
type Job struct {
	ID       string
	State    State
	Status   string  // as the server calls it
	Error    string  // of a job that failed
	Progress float64 // in percent; 0 if the server does not tell
	// Server is how long the server says it took, in seconds: in whole ones if it only tells when the job began and
	// ended. 0 if it does not tell.
	Server  float64
	Size    string  // WIDTHxHEIGHT, "" if it does not tell
	Seconds float64 // of the video; 0 if it does not tell
	Base64  []byte  // the video, if it comes with the job
	URL     bool    // there is an address of the video instead
}

// errNoJob reports an answer that is no job.
var errNoJob = errors.New("no job in the answer: it has neither an id nor a video")

// ReadJob reads the answer to a request for a video, or to the question how far the job is. It returns an error if the
// data is no job.
func ReadJob(data []byte) (j Job, err error) {
	if !gjson.ValidBytes(data) {
		return j, errors.New("invalid JSON")
	}
	v := gjson.ParseBytes(data)
	j = Job{
		ID: v.Get("id").String(), Status: v.Get("status").String(), Progress: v.Get("progress").Num,
		Size: v.Get("size").String(), Seconds: v.Get("seconds").Float(),
		Server: seconds([]byte(v.Get("inference_time_s").Raw)),
	}
	if begun, done := v.Get("created_at").Num, v.Get("completed_at").Num; j.Server == 0 && begun > 0 && done >= begun &&
		done-begun < 1e9 {
		j.Server = done - begun
	}
	file := v.Get("data.0")
	if text := file.Get("b64_json").Str; text != "" {
		j.Base64 = []byte(text)
	}
	j.URL = j.Base64 == nil && (file.Get("url").Str != "" || v.Get("url").Str != "")
	j.State = stateOf(j.Status)
	if j.Status == "" && (j.Base64 != nil || j.URL) {
		j.State = JobDone
	}
	if e := v.Get("error"); e.Exists() && e.Type != gjson.Null {
		j.State, j.Error = JobFailed, errorText([]byte(e.Raw))
	} else if j.State == JobFailed {
		j.Error = errorText(bytes.TrimSpace(data))
	}
	if j.State != JobFailed && j.ID == "" && j.Base64 == nil && !j.URL {
		return j, errNoJob
	}
	return j, nil
}

// stateOf returns what the name of a status means.
func stateOf(status string) State {
	switch strings.ToLower(status) {
	case "completed", "complete", "succeeded", "success", "done", "finished":
		return JobDone
	case "failed", "failure", "error", "cancelled", "canceled", "expired", "rejected", "deleted":
		return JobFailed
	}
	return JobRuns
}
