package client

import (
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Media is what a request has besides text.
type Media struct {
	Files []api.File        // to upload; media in messages are a part of these
	Blobs []string          // what the marks of messages stand for, see api.AppendBlob; written as it is
	Facts []record.Media    // for the record
	Sound *api.SoundOptions // take precedence over Options.Sound, one by one; nil for none

	Visual *api.VisualOptions // likewise over Options.Visual
}

// Tokens returns how many tokens the model makes of the media, by estimate; 0 if that is not known of each.
func (m *Media) Tokens() (n int) {
	if m == nil {
		return 0
	}
	for i := range m.Facts {
		if m.Facts[i].Tokens == 0 {
			return 0
		}
		n += m.Facts[i].Tokens
	}
	return n
}
