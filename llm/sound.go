package llm

import (
	"errors"
	"fmt"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// soundFields returns the options of speech and of transcriptions, which a client and each request have.
func soundFields(o func() *api.SoundOptions) fields {
	word := func(field func(*api.SoundOptions) *string) func(sobek.Value) error {
		return func(v sobek.Value) error { return text(field(o()))(v) }
	}
	return fields{
		"voice":        word(func(o *api.SoundOptions) *string { return &o.Voice }),
		"format":       word(func(o *api.SoundOptions) *string { return &o.Format }),
		"streamFormat": word(func(o *api.SoundOptions) *string { return &o.StreamFormat }),
		"instructions": word(func(o *api.SoundOptions) *string { return &o.Instructions }),
		"language":     word(func(o *api.SoundOptions) *string { return &o.Language }),
		"speed":        func(v sobek.Value) error { return number(&o().Speed)(v) },
		"sampleRate":   func(v sobek.Value) error { return count(&o().SampleRate, 1)(v) },
	}
}

// sound returns the options of sound of a request.
func (o *requestOptions) sound() *api.SoundOptions {
	if o.Media == nil {
		o.Media = new(client.Media)
	}
	if o.Media.Sound == nil {
		o.Media.Sound = new(api.SoundOptions)
	}
	return o.Media.Sound
}

// readText reads a text to speak.
func (o *requestOptions) readText(v sobek.Value) error {
	if err := text(&o.Prompt)(v); err != nil {
		return err
	}
	return engine.CheckSpoken(o.Prompt)
}

// readSound reads a file of sound: its bytes, as open(path, 'b') returns them, or an object with those and a name, as
// http.file and a Dataset return it.
func (o *requestOptions) readSound(v sobek.Value) error {
	data, name, mediaType, isBytes := fileOf(v)
	switch {
	case !isBytes:
		return fmt.Errorf("must be the bytes of a sound, such as open('speech.wav', 'b') returns them, got %s",
			describe(v))
	case len(data) == 0:
		return errors.New("is empty")
	}
	engine.SetSound(&o.Request, data, name, mediaType)
	return nil
}

// fileOf reads a file: its bytes, or an object with those, a name and a media type.
func fileOf(v sobek.Value) (data []byte, name, mediaType string, isBytes bool) {
	given, isBytes := export(v).(sobek.ArrayBuffer)
	if obj, isObject := v.(*sobek.Object); isObject && !isBytes {
		given, isBytes = export(obj.Get("data")).(sobek.ArrayBuffer)
		for dst, keys := range map[*string][2]string{
			&name: {"name", "filename"}, &mediaType: {"type", "content_type"},
		} {
			for _, key := range keys {
				if text, isText := export(obj.Get(key)).(string); isText {
					*dst = text
				}
			}
		}
	}
	if !isBytes {
		return nil, name, mediaType, false
	}
	return given.Bytes(), name, mediaType, true
}

// setSound fills in what a result has of sound.
func (res *result) setSound(r *record.Request) {
	res.TimeToFirstAudio = msOrNull(record.FirstAudio(r))
	if seconds, known := record.AudioSeconds(r); known {
		res.AudioSeconds = seconds
		factor, _ := record.RealTimeFactor(r)
		res.RealTimeFactor = factor
	}
}
