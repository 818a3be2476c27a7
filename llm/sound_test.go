package llm

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// Speech and transcriptions have the figures of sound, whichever method sends them.
func TestSoundsOfAScript(t *testing.T) {
	t.Parallel()
	const spoken = "; `${r.error} ${r.text} ${r.audioSeconds} ${r.timeToFirstAudio > 0} ${r.realTimeFactor > 0} ` +" +
		"`${r.ttft} ${r.completionTokens} ${r.itl.length}`"
	const written = "; `${r.error} ${r.text} ${r.audioSeconds} ${r.timeToFirstAudio} ${r.realTimeFactor > 0} " +
		"${r.ttft > 0}`"
	file, err := media.Sound{Seconds: 2}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const speech, words = "null  0.6 true true null null 0", "null Simulated quick model answers with 2 null true "
	for _, tt := range []struct{ client, call, want string }{
		{"api: 'speech'", "client.send({prompt: 'ten letters'.slice(1)})" + spoken, speech},
		{"", "client.speak('ten letter', {voice: 'nova'})" + spoken, speech},
		{"", "client.speak('ten letter', {format: 'wav', streamFormat: 'sse'})" + spoken, speech},
		{"streaming: false, format: 'wav'", "client.speak('ten letter')" + spoken, speech},
		{"speed: 2", "client.speak('twenty letters here.')" + spoken, speech},
		{"", "client.transcribe(sound, {language: 'en', prompt: 'x'})" + written, words + "false"},
		{"api: 'transcription', streaming: true", "client.send({file: {data: sound, name: 'b.wav'}})" + written,
			words + "true"},
		{"api: 'transcription'", "client.send(data.at(3))" + written, words + "false"},
	} {
		v := newVU(t, New())
		if err := v.VU.Runtime().Set("sound", v.VU.Runtime().NewArrayBuffer(file)); err != nil {
			t.Fatal(err)
		}
		v.run(t, "const data = new Dataset({type: 'sound', durations: 2})")
		v.run(t, "const client = new Client({baseURL: 'sim:?ttft=1ms&itl=1ms&speech-rate=0', "+tt.client+"});")
		v.start(t)
		if got := v.run(t, "const r = "+tt.call).String(); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.client, tt.call, got, tt.want)
		}
	}
}

func TestWrongSounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ call, want string }{
		{"new Client().speak('  ')", "speak: text the text to speak is empty"},
		{"new Client({api: 'speech'}).send({prompt: ''})", "the text to speak is empty"},
		{"new Client({api: 'speech'}).send({messages: [{role: 'user', content: 'a'}]})",
			`a client of api "speech" takes a prompt`},
		{"new Client().transcribe('a.wav')", "transcribe: file must be the bytes of a sound"},
		{"new Client().transcribe(new ArrayBuffer(0))", "transcribe: file is empty"},
		{"new Client({api: 'transcription'}).send({prompt: 'a'})",
			`a client of api "transcription" takes a file of sound`},
		{"new Client({streamFormat: 'mp3'})", "streamFormat must be 'audio' or 'sse'"},
		{"new Client({api: 'speech', speed: -1})", "speed must be from 0.25 to 4"},
		{"new Client({api: 'speech', slo: {ttft: '1s'}})", `"ttft" is about tokens`},
		{"new Dataset({type: 'sound', api: 'chat'})", "must be 'transcription'"},
		{"new Dataset({type: 'mock', api: 'transcription'})", "'transcription' sends sounds: use type 'sound'"},
		{"new Dataset({type: 'sound', durations: 0})", "durations must be from 0.01 to 3600 seconds"},
		{"new Dataset({type: 'sound', content: 'pink'})", "must be 'noise' or 'solid'"},
		{"new Dataset({type: 'sound', path: 'x', poolSize: 3})", "is for sounds that are made up"},
	} {
		v := newVU(t, New())
		_, err := v.RunOnEventLoop(tt.call)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.call, err, tt.want)
		}
	}
}
