package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// piece is a part of a message, as far as both programs must agree on it.
type piece struct {
	kind    string // text, or what the medium is: its format, size and length
	text    string
	file    []byte
	pixels  float64
	frames  int
	seconds float64
}

// pieces returns the parts of the only message of a chat. A text alone is one part.
func pieces(t *testing.T, body []byte) (list []piece) {
	t.Helper()
	var b struct {
		Messages []struct {
			Role    string
			Content json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &b); err != nil || len(b.Messages) != 1 || b.Messages[0].Role != "user" {
		t.Fatalf("%.300s: %v", body, err)
	}
	var text string
	if json.Unmarshal(b.Messages[0].Content, &text) == nil {
		return []piece{{kind: "text", text: text}}
	}
	var parts []struct {
		Type, Text string
		Image      *struct{ URL string }          `json:"image_url"`
		Video      *struct{ URL string }          `json:"video_url"`
		Audio      *struct{ Data, Format string } `json:"input_audio"`
	}
	if err := json.Unmarshal(b.Messages[0].Content, &parts); err != nil {
		t.Fatalf("%.300s: %v", b.Messages[0].Content, err)
	}
	for _, p := range parts {
		switch {
		case p.Type == "text":
			list = append(list, piece{kind: "text", text: p.Text})
		case p.Type == "image_url":
			list = append(list, imagePiece(t, p.Image.URL))
		case p.Type == "video_url":
			list = append(list, videoPiece(t, p.Video.URL))
		case p.Type == "input_audio":
			list = append(list, audioPiece(t, p.Audio.Data, p.Audio.Format))
		default:
			t.Fatalf("a part of type %q", p.Type)
		}
	}
	return list
}

// fileOf returns the file of a data URL of a type.
func fileOf(t *testing.T, url, kind string) (format string, file []byte) {
	t.Helper()
	rest, ok := strings.CutPrefix(url, "data:"+kind+"/")
	format, text, also := strings.Cut(rest, ";base64,")
	file, err := base64.StdEncoding.DecodeString(text)
	if !ok || !also || err != nil {
		t.Fatalf("%.80s is no data URL of a %s: %v", url, kind, err)
	}
	return format, file
}

func imagePiece(t *testing.T, url string) piece {
	t.Helper()
	declared, file := fileOf(t, url, "image")
	format, w, h, err := media.ReadImage(file)
	if err != nil || format != declared {
		t.Fatalf("an image of type %s is %s, %v", declared, format, err)
	}
	return piece{kind: fmt.Sprintf("%s %d×%d", format, w, h), file: file, pixels: float64(w * h)}
}

func videoPiece(t *testing.T, url string) piece {
	t.Helper()
	format, file := fileOf(t, url, "video")
	w, h, frames, seconds, err := media.ReadVideo(file)
	if err != nil {
		t.Fatal(err)
	}
	return piece{kind: fmt.Sprintf("%s %d×%d %d frames in %.1f s", format, w, h, frames, seconds), file: file,
		pixels: float64(w * h), frames: frames}
}

func audioPiece(t *testing.T, data, format string) piece {
	t.Helper()
	file, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(file) < 44 {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	seconds := float64(len(file)-44) / 32000 // 16 kHz, 16 bits, one channel
	return piece{kind: fmt.Sprintf("%s %g s", format, seconds), file: file, seconds: seconds}
}

// kinds lists what a message has, in its order.
func kinds(list []piece) string {
	var names []string
	for _, p := range list {
		names = append(names, p.kind)
	}
	return strings.Join(names, ", ")
}
