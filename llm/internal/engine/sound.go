package engine

import (
	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// showSound adds the options of speech and of transcriptions.
func showSound(m map[string]any, s *api.SoundOptions) {
	for name, text := range map[string]string{
		"voice": s.Voice, "format": s.Format, "streamFormat": s.StreamFormat, "instructions": s.Instructions,
		"language": s.Language,
	} {
		if text != "" {
			m[name] = text
		}
	}
	if s.Speed > 0 {
		m["speed"] = s.Speed
	}
	if s.SampleRate > 0 {
		m["sampleRate"] = s.SampleRate
	}
}

// soundTypes maps the formats of files to their media types.
var soundTypes = map[string]string{
	"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg", "ogg": "audio/ogg",
	"aac": "audio/aac",
}

// SetSound makes a request carry a file of sound. An empty name or media type follows from the file's first bytes.
func SetSound(r *client.Request, data []byte, name, mediaType string) {
	reader := media.NewSoundReader("", 0, 0)
	reader.Add(data)
	setSound(r, api.File{Name: name, Type: mediaType, Data: data}, record.Media{Kind: record.MediaAudio,
		Format: reader.Format(), Seconds: reader.Seconds(), Bytes: int64(len(data))})
}

func setSound(r *client.Request, f api.File, facts record.Media) {
	if f.Type == "" {
		if f.Type = soundTypes[facts.Format]; f.Type == "" {
			f.Type = "application/octet-stream"
		}
	}
	if f.Name == "" {
		f.Name = "sound"
		if facts.Format != "" {
			f.Name += "." + facts.Format
		}
	}
	if r.Media == nil {
		r.Media = new(client.Media)
	}
	r.Media.Files, r.Media.Facts = []api.File{f}, []record.Media{facts}
}
