package api

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Image is the dialect of OpenAI's image generation: pictures of a prompt, all in one object, or as events.
var Image Dialect = image{}

// ImageEdits is the endpoint to which a request of Image goes that has pictures to edit: a form with files.
var ImageEdits Dialect = imageEdits{}

type image struct{ openAI }

func (image) Name() string { return "image" }
func (image) Verb() string { return "image" }
func (image) Path() string { return "/images/generations" }
func (image) Input() Input { return InputPicture }

// Output returns that answers are pictures.
func (image) Output() Output { return OutputPictures }

// IgnoresEOS returns false: no tokens are generated.
func (image) IgnoresEOS() bool { return false }

// EndMark returns what ends the types of the events that bring a whole picture.
func (image) EndMark() string { return "a completed picture" }

// VisualOptions are the options of requests for pictures and videos. A request's own ones replace those of its client,
// see Or; "" and 0 leave a choice to the server.
type VisualOptions struct {
	Size     string  // WIDTHxHEIGHT in pixels, or auto
	N        int     // pictures
	Quality  string  // such as low, or hd
	Format   string  // of the files: png, jpeg or webp
	Response string  // PictureData or PictureURL; "" means PictureData
	Partials int     // unfinished pictures that a stream brings before each one
	Seconds  float64 // of a video
	FPS      int     // frames a second of a video
}

// Values of VisualOptions.Response: how a picture comes.
const (
	PictureData = "b64_json" // within the answer
	PictureURL  = "url"      // its address alone
)

// mostPictures bounds what a request asks for.
const mostPictures = 1000

// sizeForm is a size as the API writes it.
var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,4})x([1-9][0-9]{0,4})$`)

// ParseSize reads a size such as 1024x768. It returns false for any other text, as for auto.
func ParseSize(text string) (width, height int, ok bool) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	width, _ = strconv.Atoi(m[1]) // at most five digits each
	height, _ = strconv.Atoi(m[2])
	return width, height, true
}

// Check returns an error that names the faulty option.
func (o VisualOptions) Check() error {
	_, _, isSize := ParseSize(o.Size)
	switch {
	case o.Size != "" && o.Size != "auto" && !isSize:
		return fmt.Errorf("size must be a width and a height in pixels such as '1024x1024', or 'auto', got %q", o.Size)
	case o.N < 0 || o.N > mostPictures:
		return fmt.Errorf("n must be from 1 to %d, got %d", mostPictures, o.N)
	case o.Partials < 0 || o.Partials > mostPictures:
		return fmt.Errorf("partialImages must be from 0 to %d, got %d", mostPictures, o.Partials)
	case o.Response != "" && o.Response != PictureData && o.Response != PictureURL:
		return fmt.Errorf("responseFormat must be 'b64_json' or 'url' for pictures, got %q", o.Response)
	case !(o.Seconds >= 0 && o.Seconds <= 1e6):
		return fmt.Errorf("seconds must be above 0, got %v", o.Seconds)
	case o.FPS < 0 || o.FPS > 1000:
		return fmt.Errorf("fps must be from 1 to 1000, got %d", o.FPS)
	}
	return nil
}

// Or returns the options with those of other in place of what is not set. It returns other for nil.
func (o *VisualOptions) Or(other *VisualOptions) *VisualOptions {
	if o == nil {
		return other
	}
	return &VisualOptions{
		Size: cmp.Or(o.Size, other.Size), N: cmp.Or(o.N, other.N), Quality: cmp.Or(o.Quality, other.Quality),
		Format: cmp.Or(o.Format, other.Format), Response: cmp.Or(o.Response, other.Response),
		Partials: cmp.Or(o.Partials, other.Partials), Seconds: cmp.Or(o.Seconds, other.Seconds),
		FPS: cmp.Or(o.FPS, other.FPS),
	}
}

// visual returns the options of a request for pictures or a video.
func (r *Request) visual() *VisualOptions { return r.Visual.Or(new(VisualOptions)) }

// AskedSize returns the size that a request asks for, "" if it leaves it to the server.
func (r *Request) AskedSize() string {
	if given, replaced := r.Extra["size"]; replaced {
		return string(bare(given))
	}
	return r.visual().Size
}

// AskedPictures returns how many pictures a request asks for.
func (r *Request) AskedPictures() int {
	if given, replaced := r.Extra["n"]; replaced {
		if n := number(given); n > 0 {
			return n
		}
		return 1
	}
	return max(1, r.visual().N)
}

// checkVisual refuses what the endpoints of pictures and videos have no field for.
func checkVisual(d Dialect, r *Request) error {
	return cmp.Or(checkTextless(d, r), r.visual().Check())
}

// responseFormat returns how the pictures of a request are to come. OpenAI's newer models refuse to be told.
func (r *Request) responseFormat() string {
	switch {
	case r.visual().Response != "":
		return r.visual().Response
	case strings.HasPrefix(r.Model, "gpt-image"), strings.HasPrefix(r.Model, "chatgpt-image"):
		return ""
	}
	return PictureData
}

// visualWriter writes a body, or a form.
type visualWriter interface {
	text(name, value string)
	some(name, value string)
	number(name string, value int)
	flag(name string)
}

func (w *bodyWriter) number(name string, value int) { w.plain(name, strconv.Itoa(value)) }
func (w *bodyWriter) flag(name string)              { w.plain(name, "true") }
func (w *formWriter) number(name string, value int) { w.text(name, strconv.Itoa(value)) }
func (w *formWriter) flag(name string)              { w.text(name, "true") }

// writePictures writes the fields that generations and edits share.
func writePictures(w visualWriter, r *Request) {
	o := r.visual()
	w.text("model", r.Model)
	w.text("prompt", r.Prompt)
	if o.N > 0 {
		w.number("n", o.N)
	}
	w.some("size", o.Size)
	w.some("quality", o.Quality)
	w.some("output_format", o.Format)
	w.some("response_format", r.responseFormat())
	if r.Stream {
		w.flag("stream")
		if o.Partials > 0 {
			w.number("partial_images", o.Partials)
		}
	}
}

// Body writes what OpenAI, vLLM-Omni and SGLang take.
func (e image) Body(r *Request) ([]byte, error) {
	if err := checkVisual(e, r); err != nil {
		return nil, err
	}
	w := newBody(r)
	writePictures(w, r)
	return w.finish()
}

// imageEdits is the endpoint of edits.
type imageEdits struct{ image }

func (imageEdits) Path() string { return "/images/edits" }

// ContentType returns the type of a form.
func (imageEdits) ContentType() string { return formType }

// Body writes a form. Several pictures are a list.
func (e imageEdits) Body(r *Request) ([]byte, error) {
	if err := checkVisual(e, r); err != nil {
		return nil, err
	}
	w := newForm(r)
	writePictures(w, r)
	name := "image"
	if len(r.Files) > 1 {
		name = "image[]"
	}
	for _, f := range r.Files {
		w.file(name, f)
	}
	return w.finish()
}

// Pictures are the pictures of an answer, or the one of an event.
type Pictures struct {
	List   []Picture
	Server float64 // seconds that the server says it took; 0 if it does not
}

// Picture is a picture of an answer.
type Picture struct {
	Base64 []byte // its file; a slice of the decoded data unless that had escapes; nil if only its address came
	URL    bool
}

// Decode reads an object with a list of pictures, and an event of a stream with one: the last of an answer has a finish
// reason, a part of a picture has none. It reads a usage map and an error, too.
func (image) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	var one Picture
	var kind []byte
	d.Pictures = new(Pictures)
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "data":
			readPictures(&s, d)
		case "b64_json":
			one.Base64 = readFile(&s)
		case "type":
			kind = s.skip()
			f.member(key, kind)
		case "inference_time_s":
			d.Pictures.Server = seconds(s.skip())
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	if one.Base64 != nil && d.Choices == 0 && s.err == nil {
		d.Pictures.List, d.Choices = []Picture{one}, 1
		if bytes.HasSuffix(kind, []byte(`.completed"`)) {
			d.FinishReason = "stop"
		}
	}
	return leave(&s, d, &f, inArray)
}

// readPictures reads a list of pictures.
func readPictures(s *scanner, d *Delta) {
	if !s.open('[') {
		s.skip()
		return
	}
	d.Choices, d.FinishReason = 1, "stop"
	for first := true; s.more(']', first); first = false {
		var p Picture
		if s.open('{') {
			p = readPicture(s)
		} else {
			s.skip()
		}
		if p.Base64 == nil && !p.URL {
			d.Results.fail("picture %d has neither b64_json nor url", len(d.Pictures.List))
		}
		d.Pictures.List = append(d.Pictures.List, p)
	}
}

// readPicture reads the members of one picture. An address that holds the file itself is the file.
func readPicture(s *scanner) (p Picture) {
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "b64_json":
			p.Base64 = readFile(s)
		case "url":
			address := readFile(s)
			head, file, found := bytes.Cut(address, []byte(";base64,"))
			if found && bytes.HasPrefix(head, []byte("data:")) {
				p.Base64 = file
			} else {
				p.URL = len(address) > 0
			}
		default:
			s.skip()
		}
	}
	p.URL = p.URL && p.Base64 == nil
	return p
}

// readFile reads a long string, and does not copy it; nil if it is empty or no string.
func readFile(s *scanner) []byte {
	if s.peek() != '"' {
		s.skip()
		return nil
	}
	text := s.rawString()
	if bytes.IndexByte(text, '\\') >= 0 { // some servers escape each slash
		text = appendUnescaped(nil, text)
	}
	if len(text) == 0 {
		return nil
	}
	return text
}

// seconds reads a duration, 0 if it is none.
func seconds(value []byte) float64 {
	x, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(x > 0 && x < 1e9) {
		return 0
	}
	return x
}

// Check wants as many pictures as were asked for.
func (image) Check(r *Request, d *Delta) error {
	switch asked := r.AskedPictures(); {
	case d.Results.Fault != nil:
		return d.Results.Fault
	case len(d.Pictures.List) != asked:
		return fmt.Errorf("%s, and n asks for %d", many(len(d.Pictures.List), "picture"), asked)
	}
	return nil
}
