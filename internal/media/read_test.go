package media

import (
	"bytes"
	"image"
	"image/gif"
	"strings"
	"testing"
)

func TestReadImage(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"gif": gifOf(t, 33, 21)}
	for _, format := range []string{PNG, JPEG, WebP} {
		files[format] = encode(t, Picture{Width: 33, Height: 21, Format: format})
	}
	for want, data := range files {
		format, width, height, err := ReadImage(data)
		if format != want || width != 33 || height != 21 || err != nil {
			t.Errorf("%s: got %q, %d × %d, %v", want, format, width, height, err)
		}
		if _, _, _, err := ReadImage(data[:14]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, cut short: got %v", want, err)
		}
	}
	_, _, _, err := ReadImage([]byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "not a PNG, JPEG, WebP or GIF") {
		t.Errorf("JSON: got %v", err)
	}
}

func gifOf(t testing.TB, width, height int) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := gif.Encode(&file, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func FuzzReadImage(f *testing.F) {
	for _, format := range []string{PNG, JPEG, WebP} {
		f.Add(encode(f, Picture{Width: 5, Height: 3, Format: format}))
	}
	f.Add(gifOf(f, 5, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		format, width, height, err := ReadImage(data)
		if err == nil && (format == "" || width < 0 || height < 0) {
			t.Errorf("got %q, %d × %d", format, width, height)
		}
	})
}
