package llm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// Of the hub, files are fetched until there are enough records, and those of another split not at all.
func TestVisionArenaOfTheHub(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var fetched []string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", strings.Repeat("a", 40))
		_, name, isFile := strings.Cut(r.URL.Path, "/resolve/main/")
		if !isFile {
			_, _ = fmt.Fprint(w, `{"siblings": [{"rfilename": "README.md"}, {"rfilename": "data/train-1.parquet"}, `+
				`{"rfilename": "data/train-0.parquet"}, {"rfilename": "data/test-0.parquet"}, {"rfilename": "x.txt"}]}`)
			return
		}
		mu.Lock()
		if !slices.Contains(fetched, r.URL.Path) {
			fetched = append(fetched, r.URL.Path)
		}
		mu.Unlock()
		w.Header().Set("ETag", `"`+strings.ReplaceAll(name, "/", "-")+`"`)
		_, _ = w.Write(data.VisionArena)
	}))
	defer hub.Close()
	for _, tt := range []struct {
		options string
		length  int64
		want    []string
	}{
		{`numRows: 6`, 6, []string{"lmarena-ai/VisionArena-Chat data/train-0.parquet"}},
		{`numRows: 7`, 7, []string{"lmarena-ai/VisionArena-Chat data/train-0.parquet",
			"lmarena-ai/VisionArena-Chat data/train-1.parquet"}},
		{`path: 'org/mine', split: 'test'`, 6, []string{"org/mine data/test-0.parquet"}},
		{`path: 'org/mine', files: 'data/t*-0.parquet'`, 12, []string{"org/mine data/test-0.parquet",
			"org/mine data/train-0.parquet"}},
		{`path: 'org/mine', files: ['data/test-0.parquet', 'data/train-1.parquet']`, 12,
			[]string{"org/mine data/test-0.parquet", "org/mine data/train-1.parquet"}},
	} {
		v := newVUIn(t, map[string]string{"HF_ENDPOINT": hub.URL, "HF_HUB_CACHE": t.TempDir()})
		fetched = nil
		got := v.run(t, `new Dataset({type: 'visionarena', `+tt.options+`}).length`).ToInteger()
		for i, path := range fetched {
			path = strings.TrimPrefix(path, "/datasets/")
			fetched[i] = strings.Replace(path, "/resolve/main/", " ", 1)
		}
		if got != tt.length || !slices.Equal(fetched, tt.want) {
			t.Errorf("%s: %d items of %q, want %d of %q", tt.options, got, fetched, tt.length, tt.want)
		}
	}
	v := newVUIn(t, map[string]string{"HF_ENDPOINT": hub.URL, "HF_HUB_CACHE": t.TempDir()})
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'visionarena', path: 'org/mine', split: 'dev'})`); err == nil ||
		!strings.Contains(err.Error(), `data set org/mine: no file on the hub belongs to split "dev": set files `+
			`(data.visionarena.hf_data_files); it has README.md, data/test-0.parquet`) {
		t.Errorf("got %v", err)
	}
	_, err := v.RunOnEventLoop(`new Dataset({type: 'visionarena', path: 'org/mine', files: 'x*'})`)
	if err == nil || !strings.Contains(err.Error(), "org/mine/x.txt:1: the text is not UTF-8") {
		t.Errorf("got %v", err)
	}
}
