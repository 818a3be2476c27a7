package mediahost

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func hosted(t *testing.T, o Options, files ...File) (*Host, []string) {
	t.Helper()
	h := New(o)
	t.Cleanup(func() { _ = h.Close() })
	var urls []string
	for _, f := range files {
		url, err := h.Add(f)
		if err != nil {
			t.Fatal(err)
		}
		urls = append(urls, url)
	}
	return h, urls
}

func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestServesItsFilesOnly(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "fetches.jsonl")
	png := File{Name: "0123.png", Type: "image/png", Kind: "image", Open: func() ([]byte, error) {
		return []byte("picture"), nil
	}}
	bad := File{Name: "bad.wav", Type: "audio/wav", Kind: "audio", Open: func() ([]byte, error) {
		return nil, errors.New("no")
	}}
	h, urls := hosted(t, Options{Log: log}, png, bad)
	base := strings.TrimSuffix(urls[0], png.Name)
	for _, tt := range []struct {
		method, url string
		header      []string
		status      int
		body        string
	}{
		{"GET", urls[0], nil, 200, "picture"},
		{"HEAD", urls[0], nil, 200, ""},
		{"GET", urls[0], []string{"Range", "bytes=2-4"}, 206, "ctu"},
		{"GET", urls[0], []string{"Range", "bytes=99-"}, 416, ""},
		{"GET", urls[0], []string{"If-None-Match", `"0123.png"`}, 304, ""},
		{"POST", urls[0], nil, 405, ""},
		{"GET", urls[1], nil, 500, ""},
		{"GET", base, nil, 404, ""},
		{"GET", base + "0124.png", nil, 404, ""},
		{"GET", base + "..%2f..%2fetc/passwd", nil, 404, ""},
		{"GET", base + "x/../0123.png/", nil, 404, ""},
	} {
		answer, body := ask(t, tt.method, tt.url, tt.header...)
		if answer.StatusCode != tt.status || tt.body != "" && body != tt.body {
			t.Errorf("%s %s: got %d %q, want %d %q", tt.method, tt.url, answer.StatusCode, body, tt.status, tt.body)
		}
		if tt.status == 200 && (answer.Header.Get("Content-Type") != "image/png" || answer.Header.Get("ETag") == "") {
			t.Errorf("%s %s: headers %v", tt.method, tt.url, answer.Header)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	checkLog(t, log)
}

// checkLog checks the lines of the fetches above.
func checkLog(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var lines []fetch
	for s := bufio.NewScanner(file); s.Scan(); {
		var f fetch
		if err := json.Unmarshal(s.Bytes(), &f); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		lines = append(lines, f)
	}
	if len(lines) != 11 {
		t.Fatalf("got %d lines, want 11", len(lines))
	}
	first, part, none := lines[0], lines[2], lines[8]
	if first.Kind != "image" || first.Status != 200 || first.Bytes != 7 || first.Path != "/0123.png" ||
		first.Time == 0 || first.Remote == "" {
		t.Errorf("got %+v", first)
	}
	if part.Status != 206 || part.Bytes != 3 {
		t.Errorf("got %+v", part)
	}
	if none.Kind != "" || none.Status != 404 {
		t.Errorf("got %+v", none)
	}
}

// The address may be one of a proxy, with or without its path.
func TestFilesBehindAnAddress(t *testing.T) {
	t.Parallel()
	h, urls := hosted(t, Options{URL: "http://bench.example/media"}, File{Name: "a.png"})
	if want := "http://bench.example/media/a.png"; urls[0] != want {
		t.Errorf("got %s, want %s", urls[0], want)
	}
	for _, path := range []string{"/media/a.png", "/a.png"} {
		if h.find(path).Name == "" {
			t.Errorf("%s: not found", path)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want string // "" is no error
	}{
		{Options{}, ""},
		{Options{Listen: "127.0.0.1:8088"}, ""},
		{Options{Listen: "0.0.0.0:8088", URL: "http://10.0.0.5:8088"}, ""},
		{Options{Listen: "0.0.0.0:8088"}, "url: is missing: 0.0.0.0:8088 is every address"},
		{Options{Listen: ":8088"}, "url: is missing"},
		{Options{Listen: "8088"}, "listen: must be an address with a port"},
		{Options{URL: "10.0.0.5:8088"}, "url: must be an address such as"},
		{Options{URL: "ftp://h"}, "url: must be an address such as"},
		{Options{URL: "http://h/?a=b"}, "url: must be an address such as"},
	} {
		err := tt.o.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.want)
		}
	}
}

// The second host of one port is told of, at its first file.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	h, _ := hosted(t, Options{}, File{Name: "a"})
	listen := strings.TrimSuffix(strings.TrimPrefix(h.base, "http://"), "/")
	if _, err := New(Options{Listen: listen}).Add(File{Name: "b"}); err == nil ||
		!strings.Contains(err.Error(), "serving media: listen") {
		t.Errorf("got %v", err)
	}
}

// Files that one request names are forgotten when many others have come, and the others stay.
func TestFilesOfOneRequestAreForgotten(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	t.Cleanup(func() { _ = h.Close() })
	add := func(name string, once bool) {
		if _, err := h.Add(File{Name: name, Once: once}); err != nil {
			t.Fatal(err)
		}
	}
	add("again", false)
	for i := range maxOnce + 10 {
		add(strconv.Itoa(i), true)
		add(strconv.Itoa(i), true) // made again, because it was not kept
	}
	if len(h.files) != maxOnce+1 {
		t.Errorf("%d files", len(h.files))
	}
	for name, want := range map[string]bool{
		"again": true, "9": false, "10": true, strconv.Itoa(maxOnce + 9): true,
	} {
		if got := h.find("/"+name).Name != ""; got != want {
			t.Errorf("%s is there: %v", name, got)
		}
	}
}

// Fetches count however often a file is fetched, and files once; what is not there does not count.
func TestCountsFetches(t *testing.T) {
	t.Parallel()
	file := func(name string) File {
		open := func() ([]byte, error) { return []byte("x"), nil }
		return File{Name: name, Type: "image/png", Kind: "image", Open: open}
	}
	h, urls := hosted(t, Options{}, file("a.png"), file("b.png"), file("c.png"))
	for _, url := range []string{urls[0], urls[0], urls[1], urls[1] + "x"} {
		ask(t, "GET", url)
	}
	ask(t, "HEAD", urls[2])
	if _, err := h.Add(file("a.png")); err != nil { // again, as when its bytes were forgotten
		t.Fatal(err)
	}
	ask(t, "GET", urls[0])
	if fetches, different := h.Counts(); fetches != 4 || different != 2 {
		t.Errorf("got %d fetches of %d files, want 4 of 2", fetches, different)
	}
}
