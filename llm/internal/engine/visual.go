package engine

import (
	"errors"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What is wrong with the input of a request for pictures or for a video.
var (
	errPictures = errors.New(`a client of api "image" takes a prompt, and image for pictures to edit: set api: 'image' ` +
		`on the Dataset`)
	errVideo = errors.New(`a client of api "video" takes a prompt, and image for the picture to begin with: set api: ` +
		`'video' on the Dataset`)
	errImages = errors.New("a video begins with one picture: give image one file")
)

// shows settles what pictures or a video are made of.
func shows(in api.Input, r *client.Request, hasPrompt bool) error {
	wrong := r.Messages != nil || r.Inputs != nil || r.Query != "" || !hasPrompt
	switch {
	case wrong:
		return wants[in]
	case in == api.InputVideo && r.Media != nil && len(r.Media.Files) > 1:
		return errImages
	}
	return CheckShown(r.Prompt)
}

// CheckShown returns an error if there is nothing to show.
func CheckShown(prompt string) error {
	if strings.TrimSpace(prompt) == "" {
		return errors.New("the prompt is empty")
	}
	return nil
}

// route returns the dialect of the endpoint that takes the job: pictures are edited at another than they are made at.
func (j *Job) route() api.Dialect {
	if j.Dialect == api.Image && j.Media != nil && len(j.Media.Files) > 0 {
		return api.ImageEdits
	}
	return j.Dialect
}

// AddPicture makes a request carry a picture. An empty name or media type follows from the file's first bytes.
func AddPicture(r *client.Request, data []byte, name, mediaType string) error {
	format, width, height, err := media.ReadImage(data)
	if err != nil {
		return err
	}
	if mediaType == "" {
		mediaType = "image/" + format
	}
	if name == "" {
		name = "image." + format
	}
	if r.Media == nil {
		r.Media = new(client.Media)
	}
	r.Media.Files = append(r.Media.Files, api.File{Name: name, Type: mediaType, Data: data})
	r.Media.Facts = append(r.Media.Facts, record.Media{Kind: record.MediaImage, Format: format, Width: width,
		Height: height, Bytes: int64(len(data))})
	return nil
}

// showVisual adds the options of requests for pictures and for videos.
func showVisual(m map[string]any, o *client.Options) {
	v := &o.Visual
	for name, text := range map[string]string{
		"size": v.Size, "quality": v.Quality, "outputFormat": v.Format, "responseFormat": v.Response,
	} {
		if text != "" {
			m[name] = text
		}
	}
	for name, number := range map[string]int{"n": v.N, "partialImages": v.Partials, "fps": v.FPS,
		"answerLimit": o.EventLimit} {
		if number > 0 {
			m[name] = number
		}
	}
	if v.Seconds > 0 {
		m["seconds"] = v.Seconds
	}
	if o.PollInterval > 0 {
		m["pollInterval"] = o.PollInterval.String()
	}
}
