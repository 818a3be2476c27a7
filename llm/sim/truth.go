package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Truth is what the server knows of one request. Instants are Unix nanoseconds on the server's own clock, which is
// record.UnixNano's.
type Truth struct {
	ID               string  `json:"request_id"`
	Received         int64   `json:"received_ns"` // the handler was entered
	Admitted         int64   `json:"admitted_ns"` // the request left the queue; 0 if it never did
	Chunks           []int64 `json:"chunks_ns"`   // just before each content chunk was written
	End              int64   `json:"end_ns"`      // the last byte was written
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	FinishReason     string  `json:"finish_reason"`
	Number           int64   `json:"number"`                  // in the order of arrival, from 0
	Session          string  `json:"session,omitempty"`       // the value of Options.SessionHeader
	CachedTokens     int     `json:"cached_tokens,omitempty"` // of the prompt, which were in the prefix cache
	PromptHash       string  `json:"prompt_hash"`             // equal for equal messages
	Tool             string  `json:"tool,omitempty"`          // that the answer calls
	Inputs           int     `json:"inputs,omitempty"`        // texts to embed, or documents to rank
	AudioSeconds     float64 `json:"audio_seconds,omitempty"` // of the speech, or of the file to write down
	ChunkBytes       []int64 `json:"chunk_bytes,omitempty"`   // of sound in each of Chunks
	Stalls           []Stall `json:"stalls,omitempty"`        // of the speech
	Outputs          int     `json:"outputs,omitempty"`       // pictures or videos of the answer
	Done             int64   `json:"done_ns,omitempty"`       // a video was there
	Priority         int     `json:"priority,omitempty"`      // of the body, or else of the header X-Priority
	Endpoint         string  `json:"endpoint,omitempty"`      // Options.Name, or the address of a server that listens
	Gone             int64   `json:"gone_ns,omitempty"`       // the client went away
	Freed            int64   `json:"freed_ns,omitempty"`      // of a client that went away: its place was free again
	Wasted           int     `json:"wasted_tokens,omitempty"` // of CompletionTokens: generated after Gone, for nobody
	TruthOfMedia
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"` // the injected failure, clientGone or serverGone
}

// ReadTruths reads the file that Options.Truth names and returns its requests by their ids. It ignores a last line that
// was cut off, as a server leaves it that is killed.
func ReadTruths(path string) (map[string]Truth, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[string]Truth{}
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var t Truth
		err := d.Decode(&t)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if t.ID != "" { // else it is of an event
			all[t.ID] = t
		}
	}
}
