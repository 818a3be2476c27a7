package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// visual is what a request asks for pictures or for a video.
type visual struct {
	prompt        string
	width, height int
	n             int
	format        string // of pictures: png, jpeg or webp
	url           bool   // addresses in place of pictures
	stream        bool
	partials      int
	steps         float64
	seconds       float64 // of a video
	fps           int
	files         []upload
}

// upload is a file of a request.
type upload struct {
	field string
	data  []byte
}

// Defaults of what requests leave out, which for videos are OpenAI's.
const (
	usualSide    = 1024
	usualSteps   = 50
	usualWidth   = 720
	usualHeight  = 1280
	usualSeconds = 4
	usualFPS     = 24
)

// Bounds of what may be asked for.
const (
	mostPictures = 10
	mostPixels   = 64 << 20
	mostFrames   = 4096
)

// megapixel is the picture whose time the options tell, in pixels.
const megapixel = 1 << 20

// span returns how long what is asked for takes, if a megapixel of it takes so long: longer the more pixels and the
// more steps there are.
func (v *visual) span(perMegapixel time.Duration, times float64) time.Duration {
	return time.Duration(float64(perMegapixel) * times * float64(v.width*v.height) / megapixel * v.steps / usualSteps)
}

// readFields reads the fields of a request, be it JSON or a form, and its files.
func readFields(r *http.Request, most int64) (fields map[string]string, files []upload, err error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	data, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return nil, nil, err
	case int64(len(data)) > most:
		return nil, nil, fmt.Errorf("%w: it has over %d bytes", errTooLong, most)
	case kind == "multipart/form-data":
		return readParts(multipart.NewReader(bytes.NewReader(data), params["boundary"]))
	}
	all := gjson.ParseBytes(data)
	if !json.Valid(data) || !all.IsObject() {
		return nil, nil, errors.New("invalid request: not an object in JSON")
	}
	fields = map[string]string{}
	all.ForEach(func(key, value gjson.Result) bool {
		if value.Type != gjson.Null {
			fields[key.Str] = value.String()
		}
		return true
	})
	return fields, nil, nil
}

// readParts reads the parts of a form.
func readParts(form *multipart.Reader) (fields map[string]string, files []upload, err error) {
	fields = map[string]string{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, files, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("invalid form: %w", err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, fmt.Errorf("invalid form: %w", err)
		}
		if name := part.FormName(); part.FileName() != "" {
			files = append(files, upload{strings.TrimSuffix(name, "[]"), data})
		} else {
			fields[name] = string(data)
		}
	}
}

// sizeForm is a size as the API writes it.
var sizeForm = regexp.MustCompile(`^([0-9]{1,5})x([0-9]{1,5})$`)

// fieldReader reads fields, and keeps the first error.
type fieldReader struct {
	fields map[string]string
	err    error
}

// number reads a number within bounds, which is otherwise the default.
func (f *fieldReader) number(name string, usual, least, most float64) float64 {
	text := f.fields[name]
	if text == "" {
		return usual
	}
	x, err := strconv.ParseFloat(text, 64)
	if (err != nil || !(x >= least && x <= most)) && f.err == nil {
		f.err = fmt.Errorf("%s must be from %v to %v, got %.50q", name, least, most, text)
	}
	return x
}

// whole reads a whole number.
func (f *fieldReader) whole(name string, usual, least, most int) int {
	x := f.number(name, float64(usual), float64(least), float64(most))
	if x != math.Trunc(x) && f.err == nil {
		f.err = fmt.Errorf("%s must be a whole number, got %.50q", name, f.fields[name])
	}
	return int(x)
}

// size reads a width and a height.
func (f *fieldReader) size(width, height int) (int, int) {
	if w, h := f.fields["width"], f.fields["height"]; w != "" && h != "" {
		return f.whole("width", 0, 1, media.MaxSide), f.whole("height", 0, 1, media.MaxSide)
	}
	text := f.fields["size"]
	if text == "" || text == "auto" {
		return width, height
	}
	if m := sizeForm.FindStringSubmatch(text); m != nil {
		width, _ = strconv.Atoi(m[1])
		height, _ = strconv.Atoi(m[2])
	} else {
		width = 0
	}
	if (width < 1 || height < 1 || width*height > mostPixels) && f.err == nil {
		f.err = fmt.Errorf("invalid size %.50q: a width and a height such as 1024x1024", text)
	}
	return width, height
}

// readVisual reads a request for pictures or for a video.
func readVisual(r *http.Request, o *Options, width, height int) (a ask, err error) {
	fields, files, err := readFields(r, o.maxBody())
	if err != nil {
		return a, err
	}
	f := &fieldReader{fields: fields}
	v := &visual{
		prompt: fields["prompt"], n: f.whole("n", 1, 1, mostPictures), files: files,
		format: cmp.Or(fields["output_format"], media.PNG), url: fields["response_format"] == "url",
		stream: fields["stream"] == "true", partials: f.whole("partial_images", 0, 0, 3),
		steps:   f.number("num_inference_steps", usualSteps, 1, 1000),
		seconds: f.number("seconds", usualSeconds, 0.01, 600), fps: f.whole("fps", usualFPS, 1, 240),
	}
	v.width, v.height = f.size(width, height)
	if frames := f.whole("num_frames", 0, 1, mostFrames); frames > 0 {
		v.seconds = float64(frames) / float64(v.fps)
	}
	switch {
	case f.err != nil:
		return a, f.err
	case strings.TrimSpace(v.prompt) == "":
		return a, errors.New("prompt is missing")
	case v.format != media.PNG && v.format != media.JPEG && v.format != media.WebP:
		return a, fmt.Errorf("output_format must be png, jpeg or webp, got %.50q", v.format)
	case int(v.seconds*float64(v.fps)) > mostFrames:
		return a, fmt.Errorf("a video of more than %d frames", mostFrames)
	}
	a = ask{model: cmp.Or(fields["model"], o.Model), visual: v, stream: v.stream,
		promptTokens: counting(o.tokens, gjson.Result{})(v.prompt)}
	a.hash = (&wireRequest{prompt: gjson.Result{Raw: v.prompt}}).hash()
	return a, nil
}

// gallery makes pictures and videos, and keeps some of each kind: those that are asked for again are there at once.
type gallery struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// Of each kind there are so many pictures, and so many files are kept in all.
const (
	kindsKept = 3
	filesKept = 64
)

// get returns a file that is kept under a name, or makes it.
func (g *gallery) get(name string, encode func() ([]byte, error)) ([]byte, error) {
	g.mu.Lock()
	file := g.kept[name]
	g.mu.Unlock()
	if file != nil {
		return file, nil
	}
	file, err := encode()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept == nil || len(g.kept) >= filesKept {
		g.kept = map[string][]byte{}
	}
	g.kept[name] = file
	return file, nil
}
