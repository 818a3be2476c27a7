package convert

import (
	"maps"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Answers holds the figures of speech, transcription, pictures and videos: each of the successes of its API, and nil
// if the group has no request of that API, failed ones included. What all prompts hold of media is in [Media].
type Answers struct {
	Speech        *Speech        `json:"speech,omitempty"`
	Transcription *Transcription `json:"transcription,omitempty"`
	Image         *Images        `json:"image,omitempty"`
	Video         *Videos        `json:"video,omitempty"`
}

// Answered holds the figures with which each of the [Answers] begins. Rates are over the same time as [Throughput].
type Answered struct {
	Requests    int           `json:"requests"`
	RequestRate Maybe         `json:"requests_per_sec"`
	Latency     *Distribution `json:"request_latency"`
	Bytes       *Distribution `json:"bytes_received"` // of the bodies of the answers
}

// newAnswered returns the figures that successes of any API have.
func newAnswered(g *subset, ok []*run.Request) Answered {
	return Answered{
		Requests: len(ok), RequestRate: perSecond(g, float64(len(ok))), Latency: g.sum(ok, requestLatency),
		Bytes: g.sum(ok, bytesReceived),
	}
}

// perSecond divides a total by the time of all requests.
func perSecond(g *subset, total float64) Maybe {
	if g.time == 0 {
		return 0
	}
	return Maybe(total / g.time)
}

// newAnswers returns the figures of the group.
func newAnswers(g *subset) (a Answers) {
	groups := map[string][]*run.Request{}
	for _, q := range g.all {
		if !q.Textless && q.API != record.APITranscription || q.TakesInputs {
			continue
		}
		list := groups[q.API]
		if list == nil {
			list = []*run.Request{}
		}
		if !q.Failed() {
			list = append(list, q)
		}
		groups[q.API] = list
	}
	if ok := groups[record.APISpeech]; ok != nil {
		a.Speech = newSpeech(g, ok)
	}
	if ok := groups[record.APITranscription]; ok != nil {
		a.Transcription = newTranscription(g, ok)
	}
	if ok := groups[record.APIImage]; ok != nil {
		a.Image = newImages(g, ok)
	}
	if ok := groups[record.APIVideo]; ok != nil {
		a.Video = newVideos(g, ok)
	}
	return a
}

// answerBlock is one of the Answers, as tables and warnings use it.
type answerBlock interface {
	common() *Answered
	rates() []string  // what comes per second, for the sentence on throughput
	sentence() string // what readers ask first about such answers; "" for nothing
	first() string    // the first of it, in a cell
	warn(w *warner)
}

func (a *Answered) common() *Answered { return a }

// namedBlock is a block under the name of its API.
type namedBlock struct {
	api string
	answerBlock
}

// blocks returns the blocks that the group has.
func (a *Answers) blocks() (list []namedBlock) {
	if a.Speech != nil {
		list = append(list, namedBlock{record.APISpeech, a.Speech})
	}
	if a.Transcription != nil {
		list = append(list, namedBlock{record.APITranscription, a.Transcription})
	}
	if a.Image != nil {
		list = append(list, namedBlock{record.APIImage, a.Image})
	}
	if a.Video != nil {
		list = append(list, namedBlock{record.APIVideo, a.Video})
	}
	return list
}

// textless returns how many successes are answers without text.
func (a *Answers) textless() (n int) {
	for _, b := range a.blocks() {
		if b.api != record.APITranscription {
			n += b.common().Requests
		}
	}
	return n
}

// HasTextless reports whether a request of the group, be it a failed one, asks for no text.
func (l *Lifecycle) HasTextless() bool {
	a := l.Additions
	return len(a.Inputs) > 0 || a.Speech != nil || a.Image != nil || a.Video != nil
}

// answerDefinitions describes the blocks, by their keys; a report has the definitions of its own blocks alone.
var answerDefinitions = map[string]string{
	record.APISpeech: "of the API speech: successes, their rate over the same time as throughput, latency, and " +
		"bytes_received of the answers' bodies; real_time_factor is latency / seconds of sound, real_time_speed its " +
		"inverse; time_to_first_audio is until the first bytes of sound, which a header is not; players play each " +
		"sound while it comes, and miss what comes late",
	record.APITranscription: "of the API transcription: as of speech; uploading is the time that the form took to send",
	record.APIImage: "of the API image: successes as of speech. seconds_per_picture is latency / pictures of the " +
		"request, reading_time the time from the first byte of an answer to the last, megapixels are of a million " +
		"pixels, time_to_first_picture is of streams, server_seconds is what the server says that it took",
	record.APIVideo: "of the API video: successes as of speech. A latency ends when the client sees that the job is " +
		"done, at most bound later than it was; download_time comes after it. real_time_factor is latency / seconds " +
		"of the video; server_seconds is what the server says that it took, in whole seconds if only by " +
		"completed_at - created_at",
}

// meaning returns the definitions of all figures that the report has.
func (a *Additions) meaning() map[string]string {
	blocks := a.blocks()
	if len(blocks) == 0 && a.Media == nil {
		return definitions
	}
	all := maps.Clone(definitions)
	if a.Media != nil {
		all["media"] = mediaDefinition
	}
	for _, b := range blocks {
		all[b.api] = answerDefinitions[b.api]
	}
	return all
}

// define adds a definition that not all reports have.
func (a *Additions) define(name, text string) {
	a.Meaning = maps.Clone(a.Meaning)
	a.Meaning[name] = text
}

// answers prints what there is to say of the media of requests, and of answers of each kind.
func (t *table) answers(a *Additions) {
	if a.Media != nil {
		t.say("media: %s", a.Media.sentence())
	}
	for _, b := range a.blocks() {
		if text := b.sentence(); b.common().Requests > 0 && text != "" {
			t.say("%s: %s", b.api, text)
		}
	}
}
