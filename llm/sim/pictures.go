package sim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// pictureEndpoints returns OpenAI's endpoints of pictures: one makes them of a prompt, one of other pictures.
func pictureEndpoints() []*endpoint {
	const broken = "event: error\ndata: {\"error\":{\"message\":\"injected failure\"}}\n\n"
	return []*endpoint{
		{path: "/v1/images/generations", fault: openAIFault, read: readPictures(false), own: sendPictures,
			noun: "image_generation", broken: broken, atOnce: true},
		{path: "/v1/images/edits", fault: openAIFault, read: readPictures(true), own: sendPictures,
			noun: "image_edit", broken: broken, atOnce: true},
	}
}

// readPictures returns what reads a request for pictures, to which pictures belong if they are to be edited.
func readPictures(edits bool) func(*http.Request, *Options) (ask, error) {
	return func(r *http.Request, o *Options) (ask, error) {
		a, err := readVisual(r, o, usualSide, usualSide)
		if err != nil || !edits {
			return a, err
		}
		if len(a.visual.files) == 0 {
			return a, fmt.Errorf("image is missing")
		}
		for i, f := range a.visual.files {
			if _, _, _, err := media.ReadImage(f.data); err != nil {
				return a, fmt.Errorf("%s %d: %w", f.field, i, err)
			}
		}
		return a, nil
	}
}

// drawing is an answer that is pictures.
type drawing struct{ *generation }

// pictures returns the files of an answer, in base64.
func (g drawing) pictures() ([]string, error) {
	v := g.ask.visual
	list := make([]string, max(0, v.n+g.s.opts.WrongCount))
	for i := range list {
		if v.url {
			continue
		}
		p := media.Picture{Width: v.width, Height: v.height, Format: v.format,
			Seed: (uint64(g.truth.Number) + uint64(i)) % kindsKept}
		file, err := g.s.gallery.get(fmt.Sprint(p), func() ([]byte, error) {
			data, err := p.Encode()
			return base64.StdEncoding.AppendEncode(nil, data), err
		})
		if err != nil {
			return nil, err
		}
		list[i] = string(file)
	}
	return list, nil
}

// sendPictures answers with pictures, when the last of them is due.
func sendPictures(of *generation, w http.ResponseWriter, admitted time.Time) {
	g := drawing{of}
	v := g.ask.visual
	took := v.span(g.s.opts.ImageTime, float64(v.n))
	files, err := g.pictures()
	if err != nil {
		g.truth.Status, g.truth.Error = http.StatusInternalServerError, FailHTTP
		g.refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	g.truth.Outputs = len(files)
	if v.stream {
		g.streamPictures(w, admitted, took, files)
		return
	}
	due := g.s.pace().after(admitted, took)
	if !g.wait(due) {
		g.gone()
		return
	}
	switch g.fails {
	case FailStall:
		g.failStream(w, nil)
		return
	case FailStream:
		failWhole(of, w)
		return
	}
	g.first, g.last = due, due
	body := g.pictureBody(files, took)
	w.Header().Set("Content-Type", "application/json")
	if g.fails == FailTruncated { // generate closes the connection
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		g.truth.Error = g.fails
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// failWhole fails as servers do whose status is always 200.
func failWhole(g *generation, w http.ResponseWriter) {
	g.truth.Error = g.fails
	writeJSON(w, http.StatusOK, openAIFault(http.StatusInternalServerError, "injected failure"))
}

// pictureBody returns an answer that is not streamed.
func (g drawing) pictureBody(files []string, took time.Duration) []byte {
	size := 512
	for _, file := range files {
		size += len(file) + 32
	}
	body := fmt.Appendf(make([]byte, 0, size), `{"created":%d,"data":[`, time.Now().Unix())
	for i, file := range files {
		if i > 0 {
			body = append(body, ',')
		}
		if g.ask.visual.url { // they lead nowhere
			body = fmt.Appendf(body, `{"url":"http://localhost/%s/%d.%s"}`, g.truth.ID, i, g.ask.visual.format)
		} else {
			body = append(append(append(body, `{"b64_json":"`...), file...), `"}`...)
		}
	}
	return fmt.Appendf(body, `],%s,"inference_time_s":%s}`, g.ask.pictureFacts(len(files)),
		strconv.FormatFloat(took.Seconds(), 'g', -1, 64))
}

// pictureFacts returns the members that whole answers and the events of whole pictures share.
func (a *ask) pictureFacts(n int) string {
	v := a.visual
	out := n * ((v.width + 31) / 32) * ((v.height + 31) / 32)
	return fmt.Sprintf(`"background":"opaque","output_format":%q,"quality":"medium","size":"%dx%d","usage":{`+
		`"input_tokens":%d,"input_tokens_details":{"image_tokens":0,"text_tokens":%d},"output_tokens":%d,`+
		`"total_tokens":%d}`, v.format, v.width, v.height, a.promptTokens, a.promptTokens, out, a.promptTokens+out)
}

// streamPictures sends each picture as an event when it is due, after events of the unfinished one.
func (g drawing) streamPictures(w http.ResponseWriter, admitted time.Time, took time.Duration, files []string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := http.NewResponseController(w)
	each := g.ask.visual.partials + 1
	for k := range len(files) * each {
		if !g.wait(g.s.pace().after(admitted, took*time.Duration(k+1)/time.Duration(len(files)*each))) {
			g.gone()
			return
		}
		if g.fails != "" && 2*(k+1) >= len(files)*each {
			g.failStream(w, flush)
			return
		}
		now := time.Now()
		if !g.write(w, flush, g.pictureEvent(files[k/each], k%each, k%each == each-1)) {
			return
		}
		g.truth.Chunks = append(g.truth.Chunks, record.UnixNano(now))
		if k == 0 {
			g.first = now
		}
		g.last = now
	}
}

// pictureEvent returns the event of a picture, or of what there is of it.
func (g drawing) pictureEvent(file string, part int, whole bool) []byte {
	kind, facts := g.noun+".partial_image", fmt.Sprintf(`"partial_image_index":%d,`, part)
	if whole {
		kind, facts = g.noun+".completed", ""
	}
	return fmt.Appendf(make([]byte, 0, len(file)+600),
		"event: %s\ndata: {\"type\":%q,%s\"created_at\":%d,%s,\"b64_json\":\"%s\"}\n\n", kind, kind, facts,
		time.Now().Unix(), g.ask.pictureFacts(1), file)
}
