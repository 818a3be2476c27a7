package run

import (
	"encoding/json"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Media is what a request says of pictures, videos and sounds: those of its prompt, and those of its answer. It may be
// read concurrently, and is not to be changed.
type Media struct {
	Prompt, Answer []record.Media
	// Arrivals holds when each chunk of a sound, or each picture of a stream, arrived, in microseconds after the start,
	// and Sound the bytes that each brought.
	Arrivals, Sound []int64
	Sent            int64        // nanoseconds that the body took to send; 0 if unknown
	Poll            *record.Poll // nil unless the answer is of a job
	Characters      int64        // of the text to speak; 0 for other requests
	Accepted        int64        // nanoseconds until that job was accepted; 0 if unknown
	AskedSize       string       // of the answer, such as 1024x1024; "" if none was asked for
	Server          float64      // seconds that the answer took as the server tells; 0 if it does not
}

// newMedia returns what a record says of media, in memory of its own, and nil if it says nothing.
func newMedia(rec *record.Request) *Media {
	if len(rec.Media) == 0 && len(rec.Output) == 0 && len(rec.ChunkBytes) == 0 && rec.Poll == nil &&
		rec.AskedSize == "" && rec.ServerSeconds == 0 && rec.Characters == 0 {
		return nil
	}
	m := &Media{Prompt: slices.Clone(rec.Media), Answer: slices.Clone(rec.Output), Sent: rec.Sent,
		AskedSize: rec.AskedSize, Server: rec.ServerSeconds, Characters: rec.Characters}
	if len(rec.ChunkBytes) > 0 {
		m.Arrivals, m.Sound = slices.Clone(rec.Chunks), slices.Clone(rec.ChunkBytes)
	}
	if rec.Poll != nil {
		m.Poll = new(*rec.Poll)
		if rec.Poll.Created > rec.Start { // before the clocks of instances are corrected
			m.Accepted = rec.Poll.Created - rec.Start
		}
	}
	return m
}

// mediaFacts is what a row of requests.parquet holds of media in one column.
type mediaFacts struct {
	Media         []record.Media `json:"media,omitempty"`
	Output        []record.Media `json:"output_media,omitempty"`
	AskedSize     string         `json:"asked_size,omitempty"`
	ChunkBytes    []int64        `json:"chunk_bytes,omitempty"`
	Characters    int64          `json:"characters,omitempty"`
	ServerSeconds float64        `json:"server_seconds,omitempty"`
	Poll          *record.Poll   `json:"poll,omitempty"`
}

// JSON returns what a record says of media, except for the time of sending.
func (m *Media) JSON() string {
	// the numbers are finite
	text, _ := json.Marshal(mediaFacts{m.Prompt, m.Answer, m.AskedSize, m.Sound, m.Characters, m.Server, m.Poll})
	return string(text)
}

// setMedia rebuilds what a record says of media.
func (row *Row) setMedia(rec *record.Request) error {
	rec.Sent = row.Sent
	if row.Media == "" {
		return nil
	}
	var f mediaFacts
	if err := json.Unmarshal([]byte(row.Media), &f); err != nil {
		return err
	}
	rec.Media, rec.Output, rec.AskedSize, rec.ChunkBytes = f.Media, f.Output, f.AskedSize, f.ChunkBytes
	rec.Characters, rec.ServerSeconds, rec.Poll = f.Characters, f.ServerSeconds, f.Poll
	// a client counts the text of a prompt with media, and estimates the rest
	rec.PromptRaw = rec.PromptRaw || rec.Prompt != nil && len(rec.Media) > 0
	return nil
}
