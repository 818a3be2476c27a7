package runtest

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// MediaLines returns the run of [Lines] with media: in stage 0 chats ask about a picture, a video of frames and a
// sound, and in stage 1 speech, transcriptions, pictures and videos take turns.
func MediaLines() []record.Line {
	lines := Lines()
	for _, line := range lines {
		q, ok := line.(*record.Request)
		if !ok || q.Stage < 0 {
			continue
		}
		if q.Stage == 0 {
			About(q)
			continue
		}
		[...]func(*record.Request){Speech, Transcription, Picture, Video}[q.Index%4](q)
	}
	return lines
}

// About turns a chat into one about a picture, a video and a sound. Each third has the same picture.
func About(q *record.Request) {
	q.Media = []record.Media{
		{Kind: record.MediaImage, Format: "png", Width: 640, Height: 480, Bytes: 400_000 + q.Index%3, Tokens: 400,
			ID: fmt.Sprintf("picture-%d", q.Index%3)},
		{Kind: record.MediaVideo, Format: "jpeg_frames", Width: 320, Height: 240, Frames: 8, Seconds: 0.8,
			Bytes: 90_000, Tokens: 800, ID: "video"},
		{Kind: record.MediaAudio, Format: "wav", Seconds: 2, Bytes: 64_044, Tokens: 50, ID: "sound", URL: true},
	}
	q.BytesSent, q.Sent, q.PromptRaw = 800_000, 3_000_000, q.Prompt != nil
	q.Written = q.Connected + q.Sent
}

// Speech turns a request into one for 1.5 s of sound in three pieces, the last of which comes late.
func Speech(q *record.Request) {
	answer(q, record.APISpeech, 900)
	q.Streaming, q.BytesSent, q.Characters = true, 120, 24
	if q.Failed() {
		return
	}
	q.Chunks, q.ChunkBytes = []int64{150_000, 300_000, 890_000}, []int64{24_000, 24_000, 24_000}
	q.BytesReceived = 72_000
	q.Output = []record.Media{{Kind: record.MediaAudio, Format: "pcm", Seconds: 1.5, Bytes: 72_000}}
}

// Transcription turns a request into one for the text of 4 s of sound, streamed in two pieces.
func Transcription(q *record.Request) {
	answer(q, record.APITranscription, 500)
	q.Media = []record.Media{{Kind: record.MediaAudio, Format: "wav", Seconds: 4, Bytes: 128_044, ID: "speech"}}
	q.Streaming, q.BytesSent, q.Sent = true, 128_400, 2_000_000
	if q.Failed() {
		return
	}
	q.Chunks, q.Usage = []int64{200_000, 480_000}, []byte(`{"input_tokens":40,"output_tokens":12,"total_tokens":52}`)
	q.BytesReceived, q.FinishReason = 300, "stop"
}

// Picture turns a request into one for two pictures, made of a picture.
func Picture(q *record.Request) {
	answer(q, record.APIImage, 3000)
	q.Media = []record.Media{{Kind: record.MediaImage, Format: "png", Width: 512, Height: 512, Bytes: 300_000}}
	q.AskedSize, q.BytesSent, q.Sent = "1024x1024", 301_000, 1_000_000
	if q.Failed() {
		return
	}
	one := record.Media{Kind: record.MediaImage, Format: "png", Width: 1024, Height: 1024, Bytes: 1_500_000}
	q.Output, q.BytesReceived, q.ServerSeconds = []record.Media{one, one}, 4_000_000, 2.5
}

// Video turns a request into one for a video, which is asked for three times.
func Video(q *record.Request) {
	answer(q, record.APIVideo, 9000)
	q.BytesSent = 150
	if q.Failed() {
		return
	}
	q.Poll = &record.Poll{Count: 3, Created: q.Start + 100_000_000, Bound: 1_000_000, Download: 40_000_000}
	q.Output = []record.Media{{Kind: record.MediaVideo, Format: "mp4", Width: 640, Height: 360, Frames: 48, Seconds: 2,
		Bytes: 900_000}}
	q.BytesReceived, q.ServerSeconds = 901_000, 8.25
}

// answer turns a request into one of an API that takes so many milliseconds, with nothing of a chat.
func answer(q *record.Request, api string, ms int64) {
	q.API, q.Streaming, q.FinishReason, q.Inputs = api, false, "", nil
	q.Chunks, q.ChunkTokens, q.Reasoning, q.ToolCalls = []int64{}, nil, nil, nil
	q.Prompt, q.Completion, q.MaxTokens, q.PromptAsked, q.Usage = nil, nil, 0, 0, nil
	q.Retries, q.Attempt = 0, 0
	q.End = q.Start + ms*1_000_000
	q.Connected, q.Written, q.FirstByte, q.BytesReceived = q.Start+50_000, 0, q.End, 0
}
