package llm

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// withPicture gives a script a picture as file.
func withPicture(t *testing.T, v *vu) {
	t.Helper()
	file, err := media.Picture{Width: 32, Height: 16, Format: media.PNG}.Encode()
	if rt := v.VU.Runtime(); err == nil {
		err = rt.Set("file", rt.NewArrayBuffer(file))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Pictures and videos of a script are listed in the result, which has no tokens and no times of them.
func TestPicturesAndVideosOfAScript(t *testing.T) {
	t.Parallel()
	o := sim.DefaultOptions()
	o.ImageTime, o.VideoTime = 0, 0
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	const list = "; `${r.error} ${(r.media ?? []).map((m) => [m.kind, m.format, m.width, m.height, m.frames, " +
		"m.seconds, m.bytes > 0].join(':')).join(' ')} ${r.completionTokens} ${r.tpot} ${r.itl.length} " +
		"${r.pollBound > 0}`"
	for _, tt := range []struct{ client, call, want string }{
		{"size: '64x32'", "client.image('a cat')", "null image:png:64:32:0:0:true null null 0 false"},
		{"api: 'image', size: '64x32', n: 2", "client.send({prompt: 'a cat', size: '32x32', outputFormat: 'jpeg'})",
			"null image:jpeg:32:32:0:0:true image:jpeg:32:32:0:0:true null null 0 false"},
		{"size: '64x32'", "client.image({prompt: 'a cat', image: file}, {outputFormat: 'webp'})",
			"null image:webp:64:32:0:0:true null null 0 false"},
		{"api: 'image'", "client.send({prompt: 'a cat', image: [file, {data: file, name: 'b.png'}], size: '16x16'})",
			"null image:png:16:16:0:0:true null null 0 false"},
		{"api: 'image', streaming: true, partialImages: 2", "client.send({prompt: 'a cat', size: '16x16'})",
			"null image:png:16:16:0:0:true null null 0 false"},
		{"api: 'image', responseFormat: 'url'", "client.image('a cat')", "null image::0:0:0:0:false null null 0 false"},
		{"api: 'video', size: '64x32', seconds: 2, fps: 5, pollInterval: '1ms'", "client.send({prompt: 'a cat'})",
			"null video:mp4:64:32:10:2:true null null 0 true"},
		{"pollInterval: 1", "client.video({prompt: 'a cat', image: file}, {size: '32x32', seconds: 0.5, fps: 4})",
			"null video:mp4:32:32:2:0.5:true null null 0 true"},
		{"", "client.image('a cat', {size: '64x32', extraBody: {n: 3, size: '16x16'}})", "null " +
			"image:png:16:16:0:0:true image:png:16:16:0:0:true image:png:16:16:0:0:true null null 0 false"},
	} {
		v := newVU(t, New())
		withPicture(t, v)
		v.run(t, "const client = new Client({baseURL: '"+server.URL()+"', "+tt.client+"});")
		v.start(t)
		if got := v.run(t, "const r = "+tt.call+list).String(); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.client, tt.call, got, tt.want)
		}
	}
}

func TestWrongPicturesAndVideos(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ call, want string }{
		{"new Client({size: '0x0'})", `size must be a width and a height in pixels such as '1024x1024', or 'auto', got "0x0"`},
		{"new Client({n: 0})", `Client option "n": must be at least 1`},
		{"new Client({api: 'video', seconds: 0})", `"seconds": must be above 0, got 0`},
		{"new Client({api: 'video', streaming: true})", `streaming must not be true: the answers of api "video" come whole`},
		{"new Client({responseFormat: 'png'})", `responseFormat must be 'b64_json' or 'url' for pictures, got "png"`},
		{"new Client({answerLimit: 0})", `"answerLimit"`},
		{"new Client({api: 'image', slo: {ttft: '1s'}})", `"ttft"`},
		{"new Client({api: 'image'}).send({messages: [{role: 'user', content: 'a'}]})",
			`a client of api "image" takes a prompt`},
		{"new Client({api: 'video'}).send({input: 'a'})", `a client of api "video" takes a prompt`},
		{"new Client().image()", "image: prompt"},
		{"new Client().image('')", "image: prompt the prompt is empty"},
		{"new Client().image({prompt: 'a', images: 1})", `"images"`},
		{"new Client().image({prompt: 'a', image: 'cat.png'})",
			"must be the bytes of a picture, such as open('cat.png', 'b')"},
		{"new Client().image({prompt: 'a', image: new ArrayBuffer(0)})", "is empty"},
		{"new Client().image({prompt: 'a', image: [new ArrayBuffer(9)]})", "number 0 is no picture"},
		{"new Client().video({prompt: 'a', image: []})", "is an empty list"},
		{"new Dataset({type: 'shareGPT', path: 'sample:', api: 'image', turns: 'all'})",
			"sends texts, not conversations"},
	} {
		v := newVU(t, New())
		_, err := v.RunOnEventLoop(tt.call)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.call, err, tt.want)
		}
	}
}

// The options of one request are checked when it is sent.
func TestWrongOptionsOfOnePicture(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, "const client = new Client({baseURL: 'sim:'});")
	v.start(t)
	for call, want := range map[string]string{
		"client.image('a', {size: '1024'})":             "size must be a width and a height",
		"client.image('a', {n: 2000})":                  "n must be from 1 to 1000, got 2000",
		"client.image('a', {extraBody: {prompt: 'b'}})": `field "prompt" is set by the request itself`,
		"client.video('a', {size: 'big'})":              "size must be a width and a height",
	} {
		if _, err := v.RunOnEventLoop(call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", call, err, want)
		}
	}
}
