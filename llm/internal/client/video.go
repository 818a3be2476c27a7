package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The waits between two questions for a job are a hundredth of the time since the request was sent, within these
// bounds: the end of a job is then known to about 1 % of its length, and the server is asked at most 20 times a second.
const (
	shortestPoll = 50 * time.Millisecond
	longestPoll  = time.Second
	pollShare    = 100
)

// mostUnanswered is how many questions in a row a server may leave unanswered, with a status of overload or a fault of
// its own, before the request fails. The waits double meanwhile.
const mostUnanswered = 8

// longestPause bounds the wait after such a question.
const longestPause = 10 * time.Second

// pollWait returns how long to wait before the next question, so long after a request was sent. An interval other than
// 0 is an option's.
func pollWait(interval, since time.Duration) time.Duration {
	if interval > 0 {
		return interval
	}
	return min(max(since/pollShare, shortestPoll), longestPoll)
}

// polling is the asking for one job.
type polling struct {
	x       *exchange
	url     *url.URL
	running time.Time     // when the last question was sent whose answer was that the job still runs
	refused int           // questions in a row that were not answered
	pause   time.Duration // that the server asked for when it did not answer
	job     api.Job
}

// readVideo reads the answer to a request for a video: the video, or a job, which is asked for until it is done.
func readVideo(x *exchange, body io.Reader) {
	p := &polling{x: x, running: x.attempt.sent}
	data, err := p.readAll(body)
	at := time.Now()
	switch {
	case err != nil:
		p.broken(at, err)
	case isObject(data):
		if written := x.attempt.trace.written.Load(); written > 0 { // the server could not begin before
			p.running = p.running.Add(time.Duration(written - record.UnixNano(p.running)))
		}
		if !p.read(data, at) {
			return
		}
		x.outcome.rec.Poll = &record.Poll{Created: record.UnixNano(at)}
		p.url = x.c.endpoint.JoinPath(url.PathEscape(p.job.ID))
		p.run(at)
	default:
		p.keep(data, at)
	}
}

// isObject reports whether an answer is JSON rather than a video.
func isObject(data []byte) bool {
	head := bytes.TrimLeft(data[:min(len(data), 64)], " \t\r\n\ufeff")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// readAll reads a body, up to the limit.
func (p *polling) readAll(body io.Reader) ([]byte, error) {
	limit := p.x.c.opts.maxBytes()
	data, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if err == nil && len(data) > limit {
		return nil, errTooMuch
	}
	return data, err
}

// errTooMuch reports a body over the limit.
var errTooMuch = errors.New("too large")

// broken ends a request whose answer could not be read to its end.
func (p *polling) broken(at time.Time, err error) {
	x := p.x
	if errors.Is(err, errTooMuch) {
		x.outcome.fail(at, record.ErrorTooLarge, fmt.Sprintf("answer over the limit of %d bytes%s",
			x.c.opts.maxBytes(), raiseLimit))
		return
	}
	x.outcome.fail(at, x.attempt.errorType(err, false), err.Error())
}

// read reads what the server says of the job, and reports whether the job lives.
func (p *polling) read(data []byte, at time.Time) bool {
	id := p.job.ID
	job, err := api.ReadJob(data)
	if job.ID == "" {
		job.ID = id
	}
	p.job = job
	switch out := p.x.outcome; {
	case err != nil:
		out.fail(at, record.ErrorMalformed, fmt.Sprintf("%v in %q", err, shorten(string(data))))
	case job.State == api.JobFailed:
		out.fail(at, record.ErrorStream, shorten(job.Error))
	default:
		return true
	}
	return false
}

// run asks for the job until it is done, and fetches the video. at is when the job was accepted.
func (p *polling) run(at time.Time) {
	poll, ok := p.x.outcome.rec.Poll, true
	for p.job.State == api.JobRuns {
		if !p.rest() {
			return
		}
		sent := time.Now()
		poll.Count++
		if at, ok = p.ask(); !ok {
			return
		}
		if p.job.State == api.JobRuns && p.refused == 0 {
			p.running = sent
		}
	}
	if poll.Count > 0 {
		poll.Bound = record.Micros(at.Sub(p.running) + time.Microsecond - 1) // rounded up
	}
	if p.job.Server > 0 {
		p.x.outcome.rec.ServerSeconds = p.job.Server
	}
	p.fetch(at)
}

// rest waits until the next question is due, and reports whether the request goes on.
func (p *polling) rest() bool {
	x := p.x
	wait := pollWait(x.c.opts.PollInterval, time.Since(x.stream.start))
	if p.refused > 0 {
		wait = max(min(wait<<p.refused, longestPause), p.pause)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.attempt.ctx.Done():
		x.outcome.fail(time.Now(), x.attempt.errorType(x.attempt.ctx.Err(), false), "")
		return false
	}
}

// ask asks once how far the job is, and reports whether the request goes on. at is when the answer came.
func (p *polling) ask() (at time.Time, ok bool) {
	resp, data, err := p.get(p.url)
	at = time.Now()
	switch {
	case err != nil:
		p.broken(at, fmt.Errorf("asking for the job: %w", err))
		return at, false
	case resp.StatusCode/100 == 2:
		p.refused = 0
		return at, p.read(data, at)
	case isOverload(resp.StatusCode) && p.refused < mostUnanswered:
		p.refused, p.pause = p.refused+1, 0
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
			p.pause = min(time.Duration(n)*time.Second, longestPause)
		}
		return at, true
	}
	p.lost(at, resp, data, fmt.Sprintf("job %q", p.job.ID))
	return at, false
}

// isOverload reports whether a status says that the same question may be answered later.
func isOverload(status int) bool {
	return status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

// lost ends a request whose job, or the video of it, is refused.
func (p *polling) lost(at time.Time, resp *http.Response, data []byte, what string) {
	message := shorten(api.ErrorMessage(data))
	if message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	p.x.outcome.rec.Status = resp.StatusCode
	p.x.outcome.fail(at, record.ErrorHTTP, what+": "+message)
}

// get asks for a page of the job, and reads it to its end.
func (p *polling) get(page *url.URL) (*http.Response, []byte, error) {
	x := p.x
	req := x.c.request.WithContext(x.attempt.ctx) // without the trace, which is that of the request itself
	req.Method, req.URL, req.Host, req.Header = http.MethodGet, page, page.Host, requestHeader(x)
	req.Header.Del("Content-Type")
	resp, err := x.rt.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text := &decompressed{wire: wire{Reader: resp.Body}, label: resp.Header.Get("Content-Encoding")}
	defer text.Close()
	data, err := p.readAll(text)
	x.further += text.wire.n
	return resp, data, err
}

// fetch fetches the video of a job that was found done at an instant.
func (p *polling) fetch(at time.Time) {
	x := p.x
	if p.job.Base64 != nil {
		data, err := decode64(p.job.Base64)
		if err != nil {
			x.outcome.fail(at, record.ErrorMalformed, fmt.Sprintf("the video: %v", err))
			return
		}
		p.keep(data, at)
		return
	}
	begun := time.Now()
	resp, data, err := p.get(p.url.JoinPath("content"))
	end := time.Now()
	switch {
	case err != nil:
		p.broken(end, fmt.Errorf("fetching the video: %w", err))
	case resp.StatusCode/100 == 2:
		x.outcome.rec.Poll.Download = int64(max(1, end.Sub(begun)))
		p.keep(data, at)
	case p.job.URL:
		x.outcome.note(record.NoteNotFetched)
		m := factsOf(p.job)
		m.URL = true
		x.outcome.rec.Output = []record.Media{m}
		x.outcome.succeed(at)
	default:
		p.lost(end, resp, data, fmt.Sprintf("the video of job %q", p.job.ID))
	}
}

// factsOf returns what a job tells of its video.
func factsOf(job api.Job) record.Media {
	m := record.Media{Kind: record.MediaVideo}
	if job.Seconds > 0 && job.Seconds < 1e6 { // a server may write anything
		m.Seconds = job.Seconds
	}
	if width, height, ok := api.ParseSize(job.Size); ok {
		m.Width, m.Height = width, height
	}
	return m
}

// keep ends a request whose video was there at an instant.
func (p *polling) keep(data []byte, at time.Time) {
	x, m := p.x, factsOf(p.job)
	m.Bytes, m.Format = int64(len(data)), container(data)
	width, height, frames, seconds, err := media.ReadVideo(data)
	switch {
	case err == nil:
		m.Width, m.Height, m.Frames = width, height, frames
		if seconds > 0 {
			m.Seconds = seconds
		}
	case m.Format == "":
		x.outcome.fail(at, record.ErrorMalformed, fmt.Sprintf("the video: %v in %q", err, shorten(string(data[:min(
			len(data), 200)]))))
		return
	}
	x.outcome.rec.Output = []record.Media{m}
	x.outcome.succeed(at)
}

// container returns the name of the format of a video, "" if it is none.
func container(data []byte) string {
	switch {
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return "mp4"
	case bytes.HasPrefix(data, []byte{0x1a, 0x45, 0xdf, 0xa3}):
		return "webm"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "AVI ":
		return "avi"
	}
	return ""
}
