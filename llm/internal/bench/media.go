//go:build unix

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mediaCost prints the cost of a request with an image of 1024 × 1024 pixels from a pool, and its ratio to that of a
// bare client whose body is made before.
func mediaCost(rounds int, length time.Duration) error {
	data, err := media.Picture{Width: 1024, Height: 1024, Format: media.JPEG}.Encode()
	if err != nil {
		return err
	}
	w := workload{server: "ttft=0s&itl=0s&max-num-seqs=100000", streams: 4, tokens: 1}
	s, err := serve("", w.server)
	if err != nil {
		return err
	}
	defer s.stop()
	file := base64.StdEncoding.EncodeToString(data)
	fmt.Printf("\nrequests of one token with a JPEG of 1024 × 1024 pixels, %d kB: µs of CPU per request\n",
		len(data)/1000)
	whole := `{"model":"sim","messages":` + withImage(file) + `,"max_tokens":1,"ignore_eos":true,"stream":true}`
	do, err := llmPost(s.url, api.Chat, func() client.Request {
		facts := record.Media{Kind: record.MediaImage, Format: "jpeg", Width: 1024, Height: 1024,
			Bytes: int64(len(data))}
		return client.Request{ID: "bench-1", Messages: json.RawMessage(withImage(string(api.AppendBlob(nil, 0)))),
			Checked: true, MaxTokens: 1, Media: &client.Media{Blobs: []string{file}, Facts: []record.Media{facts}}}
	})
	if err != nil {
		return err
	}
	var bare, own, ratio []float64
	for range rounds {
		b, err := measure(w, length, barePost(s.url+"/v1/chat/completions", []byte(whole)))
		if err != nil {
			return err
		}
		o, err := measure(w, length, do)
		if err != nil {
			return err
		}
		bare, own, ratio = append(bare, b), append(own, o), append(ratio, o/b)
	}
	row("bare net/http, with a body made before", bare)
	row("llm/client, from a pool", own)
	row("ratio", ratio)
	printTarget("target", median(ratio), 1.2)
	return nil
}

// withImage returns messages with an image.
func withImage(file string) string {
	return `[{"role":"user","content":[{"type":"text","text":"what is this?"},{"type":"image_url","image_url":` +
		`{"url":"data:image/jpeg;base64,` + file + `"}}]}]`
}
