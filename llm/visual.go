package llm

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// visualFields returns the options of pictures and of videos, which a client and each request have.
func visualFields(o func() *api.VisualOptions) fields {
	word := func(field func(*api.VisualOptions) *string) func(sobek.Value) error {
		return func(v sobek.Value) error { return text(field(o()))(v) }
	}
	whole := func(field func(*api.VisualOptions) *int, least int64) func(sobek.Value) error {
		return func(v sobek.Value) error { return count(field(o()), least)(v) }
	}
	return fields{
		"size":          word(func(o *api.VisualOptions) *string { return &o.Size }),
		"quality":       word(func(o *api.VisualOptions) *string { return &o.Quality }),
		"outputFormat":  word(func(o *api.VisualOptions) *string { return &o.Format }),
		"n":             whole(func(o *api.VisualOptions) *int { return &o.N }, 1),
		"partialImages": whole(func(o *api.VisualOptions) *int { return &o.Partials }, 0),
		"fps":           whole(func(o *api.VisualOptions) *int { return &o.FPS }, 1),
		"seconds": func(v sobek.Value) error {
			if err := number(&o().Seconds)(v); err != nil || o().Seconds > 0 {
				return err
			}
			return fmt.Errorf("must be above 0, got %v", o().Seconds)
		},
	}
}

// visual returns the options of pictures and videos of a request.
func (o *requestOptions) visual() *api.VisualOptions {
	if o.Media == nil {
		o.Media = new(client.Media)
	}
	if o.Media.Visual == nil {
		o.Media.Visual = new(api.VisualOptions)
	}
	return o.Media.Visual
}

// readShown reads a prompt, or an object with a prompt and the picture, or the list of pictures, to begin with.
func (o *requestOptions) readShown(v sobek.Value) error {
	obj, isObject := v.(*sobek.Object)
	if !isObject {
		if err := text(&o.Prompt)(v); err != nil {
			return err
		}
		return engine.CheckShown(o.Prompt)
	}
	err := (fields{"prompt": text(&o.Prompt), "image": o.readPictures}).read(nil, "prompt", obj)
	if err == nil {
		err = engine.CheckShown(o.Prompt)
	}
	return err
}

// readPictures reads a file, or a list of files.
func (o *requestOptions) readPictures(v sobek.Value) error {
	list, isList := v.(*sobek.Object)
	if !isList || list.ClassName() != "Array" {
		return o.readPicture(v)
	}
	n := int(list.Get("length").ToInteger())
	if n == 0 {
		return errors.New("is an empty list")
	}
	for i := range n {
		if err := o.readPicture(list.Get(strconv.Itoa(i))); err != nil {
			return fmt.Errorf("number %d %w", i, err)
		}
	}
	return nil
}

// readPicture reads the bytes of a picture, as open(path, 'b') returns them, or an object with those and a name.
func (o *requestOptions) readPicture(v sobek.Value) error {
	data, name, mediaType, isBytes := fileOf(v)
	switch {
	case !isBytes:
		return fmt.Errorf("must be the bytes of a picture, such as open('cat.png', 'b') returns them, got %s",
			describe(v))
	case len(data) == 0:
		return errors.New("is empty")
	}
	if err := engine.AddPicture(&o.Request, data, name, mediaType); err != nil {
		return fmt.Errorf("is no picture: %w", err)
	}
	return nil
}

// setVisual fills in what a result has of pictures and of videos.
func (res *result) setVisual(r *record.Request) {
	if r.Poll != nil && !r.Failed() {
		res.PollBound = float64(r.Poll.Bound) / 1000
	}
	var list []shownMedia
	for i := range r.Output {
		m := &r.Output[i]
		if m.Kind == record.MediaAudio {
			continue
		}
		list = append(list, shownMedia{Kind: m.Kind, Format: orNull(m.Format), Width: m.Width, Height: m.Height,
			Frames: m.Frames, Seconds: m.Seconds, Bytes: m.Bytes})
	}
	if list != nil {
		res.Media = list
	}
}

// shownMedia is a picture or a video of a result. What is unknown of it is 0 or null.
type shownMedia struct {
	Kind    string  `js:"kind"`
	Format  any     `js:"format"`
	Width   int     `js:"width"`
	Height  int     `js:"height"`
	Frames  int     `js:"frames"`
	Seconds float64 `js:"seconds"`
	Bytes   int64   `js:"bytes"`
}
