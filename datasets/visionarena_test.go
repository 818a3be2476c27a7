package datasets

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// arenaSample has the columns of the published data set, as Hugging Face's library writes them.
const arenaSample = "../scripts/data/visionarena-sample.parquet"

// onDisk is a file of the disk.
func onDisk(path string) File {
	return File{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

func mustReadArena(t testing.TB, opts VisionArena, files ...File) *Arena {
	t.Helper()
	a, err := ReadVisionArena(files, opts)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// itemsOf returns the items of a set, a line each: the parts, with the sizes of the images.
func itemsOf(t testing.TB, a *Arena) string {
	t.Helper()
	n, _ := a.Len()
	var b strings.Builder
	for i := range n {
		item, err := a.At(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range item.Parts {
			if m := p.Media; m != nil {
				fmt.Fprintf(&b, "%s %s %d×%d ", m.Kind, m.Format, m.Width, m.Height)
			} else {
				fmt.Fprintf(&b, "[%s] ", p.Text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Of the sample all records are used that inference-perf uses.
func TestVisionArenaReadsTheFilesOfTheHub(t *testing.T) {
	t.Parallel()
	a := mustReadArena(t, VisionArena{Images: 2}, onDisk(arenaSample))
	const want = `image png 96×64 [What is in this picture?] 
image jpeg 640×480 [Describe the colours from left to right, in one sentence.] 
image webp 320×200 [Wie viele Farben siehst du hier? Zähle sie bitte auf. 🎨] 
image jpeg 200×300 image png 300×200 [Which of these two is taller?] 
image png 48×48 [Now with words: what is this?] 
image png 96×64 [And what is in the same picture now?] 
`
	if got := itemsOf(t, a); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	const counts = "6 records with 6 different images, 0.0 MB in memory; left out: 1 record without a question of " +
		"the user, 3 records without an image that can be sent, 2 images in no format of png, jpeg and webp"
	if got := a.Counts.String(); got != counts {
		t.Errorf("got %s, want %s", got, counts)
	}
	first, _ := a.At(0)
	last, _ := a.At(5)
	if first.Parts[0].Media != last.Parts[0].Media {
		t.Error("the same image is in memory twice")
	}
	file, err := base64.StdEncoding.DecodeString(first.Parts[0].Media.Files[0])
	if err != nil || int64(len(file)) != first.Parts[0].Media.Bytes {
		t.Errorf("%d bytes, %v", len(file), err)
	}
	if im, err := png.Decode(bytes.NewReader(file)); err != nil || im.Bounds().Dx() != 96 {
		t.Errorf("the image was changed: %v", err)
	}
}

func TestVisionArenaOptions(t *testing.T) {
	t.Parallel()
	sample := onDisk(arenaSample)
	if got := mustReadArena(t, VisionArena{Rows: 3}, sample); got.Counts.Kept != 3 || got.Counts.Unasked != 0 {
		t.Errorf("three rows: got %+v", got.Counts)
	}
	if got := itemsOf(t, mustReadArena(t, VisionArena{}, sample)); strings.Count(got, "image") != 6 {
		t.Errorf("one image each: got\n%s", got)
	}
	a := mustReadArena(t, VisionArena{Images: 2, Place: Place{At: 0.5}}, sample)
	if got := strings.Split(itemsOf(t, a), "\n")[3]; got != "[Which of these] image jpeg 200×300 image png "+
		"300×200 [ two is taller?] " {
		t.Errorf("in the middle: got %s", got)
	}
	anywhere := mustReadArena(t, VisionArena{Place: Place{Anywhere: true}}, sample)
	if got := itemsOf(t, anywhere); got != itemsOf(t, anywhere) || got == itemsOf(t, a) {
		t.Errorf("anywhere: got\n%s", got)
	}
	item, _ := anywhere.At(1)
	later, _ := anywhere.At(7) // of the same record
	if len(item.Parts) != 3 || len(later.Parts) != 3 || item.Parts[0].Text == later.Parts[0].Text {
		t.Errorf("got %v and %v, want places of their own", item.Parts, later.Parts)
	}
	shuffled := itemsOf(t, mustReadArena(t, VisionArena{Seed: new(int64(1))}, sample))
	if shuffled == itemsOf(t, mustReadArena(t, VisionArena{}, sample)) || len(shuffled) < 100 {
		t.Errorf("shuffled: got\n%s", shuffled)
	}
	if _, err := ReadVisionArena([]File{sample}, VisionArena{Place: Place{At: 2}}); err == nil {
		t.Error("a place of 2: no error")
	}
}

// pngOf returns an image as records have it in JSON.
func pngOf(width, height int) string {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)))
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// bomb is the head of an image of many pixels.
func bomb() string {
	data, _ := base64.StdEncoding.DecodeString(pngOf(1, 1))
	copy(data[16:], []byte{0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff}) // width and height
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return base64.StdEncoding.EncodeToString(data)
}

func TestVisionArenaRecords(t *testing.T) {
	t.Parallel()
	var animation bytes.Buffer
	_ = gif.Encode(&animation, image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.White}), nil)
	const ask = `"conversation":[[{"role":"user","content":"a?"}]]`
	one := `[{"bytes":"` + pngOf(3, 2) + `","path":null}]`
	for _, tt := range []struct{ record, want string }{
		{`{` + ask + `,"images":` + one + `}`, "image png 3×2 [a?] "},
		{`{"conversation":[{"role":"user","content":"flat"}],"images":` + one + `}`, "image png 3×2 [flat] "},
		{`{"conversation":"[[{\"role\":\"user\",\"content\":\"text\"}]]","images":` + one + `}`, "image png 3×2 [text] "},
		{`{"Conversation":[[{"content":"b?","role":"user"}]],"Images":` + one + `,"x":[{}]}`, "image png 3×2 [b?] "},
		{`{"conversation":[3,null,[[]],[{"role":3,"content":"x"}],[{"role":"user","content":4}],` +
			`[{"role":"user","content":"c?"}]],"images":` + one + `}`, "image png 3×2 [c?] "},
		{`{` + ask + `,"images":[{"bytes":"` + bomb() + `"}]}`, "image png 16383×16383 [a?] "},
		{`{` + ask + `,"images":[{"bytes":"%%"},{"bytes":"` + pngOf(1, 1) + `"}]}`, ": none of 1 record can be asked: 1 " +
			"has no image in png, jpeg or webp"},
		{`{` + ask + `,"images":[{"bytes":"` + base64.StdEncoding.EncodeToString(animation.Bytes()) + `"}]}`,
			"1 has no image in png, jpeg or webp"},
		{`{` + ask + `,"images":[{"bytes":null,"path":"a.png"},{"bytes":3},4]}`, "1 has no image in png, jpeg or webp"},
		{`{` + ask + `,"images":[]}`, "1 has no image in png, jpeg or webp"},
		{`{` + ask + `,"images":null}`, "1 has no image in png, jpeg or webp"},
		{`{"conversation":null,"images":null}`, "none of 1 record can be asked: 1 has no question of the user"},
		{`{` + ask + `,"images":{"bytes":"x"}}`, `f.json:1: "images" is not a list`},
		{`{"conversation":3,"images":[]}`, `f.json:1: "conversation" is not a list`},
		{`{` + ask + `}`, `f.json:1: the record has no list "images"; this one has "conversation"`},
		{`{"conversations":[],"image":[]}`, `f.json:1: the record has no list "conversation"; this one has ` +
			`"conversations", "image": type 'shareGPT' (scripts/sharegpt.js) reads such records`},
		{``, "f.json:1: the file is empty"},
	} {
		a, err := ReadVisionArena([]File{{Name: "f.json", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(tt.record)), nil
		}}}, VisionArena{Images: 1})
		switch {
		case err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%.60s: got error %v, want %s", tt.record, err, tt.want)
		case err == nil && strings.TrimSuffix(itemsOf(t, a), "\n") != tt.want:
			t.Errorf("%.60s: got %s, want %s", tt.record, itemsOf(t, a), tt.want)
		}
	}
}

// Only the files are opened that are needed.
func TestVisionArenaStopsReading(t *testing.T) {
	t.Parallel()
	never := File{Name: "b.parquet", Open: func() (io.ReadCloser, error) {
		t.Error("the second file was opened")
		return nil, io.EOF
	}}
	mustReadArena(t, VisionArena{Rows: 6}, onDisk(arenaSample), never)
}

// Too many images end the reading, with what to do.
func TestVisionArenaIsLimitedInMemory(t *testing.T) {
	t.Parallel()
	p := arenaReader{d: &decoder{counts: new(Counts)}, most: 1, arena: new(Arena), known: map[string]*Media{},
		room: 100}
	record := func(width int) []byte {
		return []byte(`{"conversation":[{"role":"user","content":"a"}],"images":[{"bytes":"` + pngOf(width, 1) + `"}]}`)
	}
	if err := p.read(record(1)); err != nil {
		t.Fatal(err)
	}
	err := p.read(record(2))
	if err == nil || !strings.Contains(err.Error(), "of 1 record take more than 2048 MiB of memory: set numRows") {
		t.Errorf("got %v", err)
	}
}

// arenaRow is a record in the tests' own Parquet files.
type arenaRow struct {
	Images []struct {
		Bytes []byte  `parquet:"bytes,optional"`
		Path  *string `parquet:"path,optional"`
	} `parquet:"images,list"`
	Conversation []struct {
		Role    string `parquet:"role"`
		Content string `parquet:"content"`
	} `parquet:"conversation,list"`
}

func arenaFile(t testing.TB, file []byte) []byte {
	t.Helper()
	row := arenaRow{}
	row.Images = append(row.Images, struct {
		Bytes []byte  `parquet:"bytes,optional"`
		Path  *string `parquet:"path,optional"`
	}{Bytes: file})
	row.Conversation = append(row.Conversation, struct {
		Role    string `parquet:"role"`
		Content string `parquet:"content"`
	}{"user", "What is it?"})
	var b bytes.Buffer
	w := parquet.NewGenericWriter[arenaRow](&b)
	if _, err := w.Write([]arenaRow{row}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// arenaOf reads a file that may be damaged, and checks what comes of it.
func arenaOf(t *testing.T, name string, content []byte) {
	t.Helper()
	a, err := ReadVisionArena([]File{{Name: name, Open: func() (io.ReadCloser, error) {
		return readerAt{bytes.NewReader(content)}, nil
	}}}, VisionArena{Images: 2, Place: Place{Anywhere: true}})
	if err != nil {
		if insides.MatchString(err.Error()) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
			t.Errorf("%d bytes: got %.600v", len(content), err)
		}
		return
	}
	n, _ := a.Len()
	for i := range n {
		item, err := a.At(i)
		if err != nil || len(item.Parts) < 2 || len(item.Messages) != 1 {
			t.Fatalf("item %d: %+v, %v", i, item, err)
		}
		text := ""
		for _, p := range item.Parts {
			text += p.Text
			if m := p.Media; m != nil && (m.Width < 1 || m.Height < 1 || m.Width > media.MaxSide ||
				m.Height > media.MaxSide || m.Bytes < 1) {
				t.Fatalf("item %d: an image of %d × %d pixels and %d bytes", i, m.Width, m.Height, m.Bytes)
			}
		}
		if text != item.Messages[0].Content {
			t.Fatalf("item %d: the parts have %q, want %q", i, text, item.Messages[0].Content)
		}
	}
}

// A file that is cut, or has one byte changed, yields records or an error that its user can understand.
func TestDamagedVisionArena(t *testing.T) {
	t.Parallel()
	file, _ := base64.StdEncoding.DecodeString(pngOf(2, 2))
	whole := arenaFile(t, file)
	for i := range whole {
		arenaOf(t, "f.parquet", whole[:i])
		for _, other := range []byte{0, 0xff, whole[i] ^ 1, whole[i] ^ 0x80} {
			changed := bytes.Clone(whole)
			changed[i] = other
			arenaOf(t, "f.parquet", changed)
		}
	}
}

func FuzzVisionArena(f *testing.F) {
	file, _ := base64.StdEncoding.DecodeString(pngOf(2, 2))
	f.Add(arenaFile(f, file))
	text, err := json.Marshal(map[string]any{"conversation": [][]Message{{{"user", "é?"}}},
		"images": []map[string]any{{"bytes": file}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, content []byte) {
		arenaOf(t, "f.parquet", content)
		arenaOf(t, "f.json", content)
	})
}
