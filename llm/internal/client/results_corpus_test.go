package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// readResult reads an answer of the corpus of vectors or of scores.
func readResult(t *testing.T, dialect api.Dialect, path string) Answer {
	t.Helper()
	client := newClient(t, func(o *Options) { o.Speak(dialect) })
	resp, body := replay(t, path)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	req := Request{ID: "r", Inputs: []string{"a b", "c d"}}
	if dialect == api.Rerank {
		req.Query = "q"
	}
	a, err := client.Do(t.Context(), roundTrip(func(*http.Request) (*http.Response, error) { return resp, nil }), &req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// results lists the answers of a corpus.
func results(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no answers of %s: %v", folder, err)
	}
	return paths
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// The golden files with the outcome of each answer were checked line by line.
func TestVectorsAndScoresOfCorpora(t *testing.T) {
	t.Parallel()
	for _, dialect := range []api.Dialect{api.Embeddings, api.Rerank} {
		var got strings.Builder
		for _, path := range results(t, dialect.Name()) {
			r := readResult(t, dialect, path).Record
			outcome, counts := "success", r.Counts()
			if r.Failed() {
				outcome = fmt.Sprintf("%s %d %q", r.ErrorType, r.Status, r.Error)
			}
			fmt.Fprintf(&got, "%s\n\t%s; vectors of %d, scores %d; tokens in %d by %s; note %q\n", filepath.Base(path),
				outcome, number(r.VectorLength), number(r.Scores), counts.Prompt, counts.PromptSource, r.Note)
		}
		golden := filepath.Join("testdata", dialect.Name(), "outlines.golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		compareLines(t, got.String(), testenv.ReadFile(t, golden))
	}
}

// vectors is what OpenAI's own client reads of an answer.
type vectors struct {
	Vectors [][]float64
	Indices []int
	Prompt  int
	Error   string
}

// OpenAI's own client reads as many vectors, of the same length, and the same usage, of the same bytes: of lists of
// numbers and of base64, whose vectors are the same. It does not check them. It understands the simulator's two forms.
func TestAgreesWithOfficialClientOnVectors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		resp, body := replay(t, filepath.Join("testdata", "embeddings", name))
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	answers, urls := results(t, "embeddings"), []string(nil)
	for _, path := range answers {
		url := server.URL + "/" + filepath.Base(path)
		if strings.Contains(path, "base64") {
			url += "#base64"
		}
		urls = append(urls, url)
	}
	// The first answers of two simulators are the same, as their seeds are.
	urls = append(urls, simulator(t, ""), simulator(t, "")+"#base64")
	list := readVectors(t, urls)
	for i, path := range answers {
		r, other := readResult(t, api.Embeddings, path).Record, list[i]
		if r.Failed() {
			if r.Status != http.StatusOK && other.Error == "" { // it takes vectors as they come
				t.Errorf("%s: got %s, the other client %+v", path, r.Error, other)
			}
			continue
		}
		want := [][]float64{{0.5, -0.25, 0.125}, {1, 0, -2}}
		if len(other.Indices) == 2 && other.Indices[0] == 1 {
			slices.Reverse(want)
		}
		if fmt.Sprint(other.Vectors) != fmt.Sprint(want) || number(r.VectorLength) != int64(len(want[0])) ||
			r.Counts().Prompt != other.Prompt {
			t.Errorf("%s: got length %d, %d tokens; the other client %+v", path, number(r.VectorLength),
				r.Counts().Prompt, other)
		}
	}
	floats, packed := list[len(answers)], list[len(answers)+1]
	if len(floats.Vectors) != 2 || len(floats.Vectors[0]) != 384 || floats.Prompt != 4 || packed.Prompt != 4 ||
		fmt.Sprint(floats.Indices) != "[0 1]" || !alike(floats.Vectors, packed.Vectors) {
		t.Errorf("the simulator: got vectors %v of %d tokens, and packed %d vectors of %d tokens, %s", floats.Indices,
			floats.Prompt, len(packed.Vectors), packed.Prompt, packed.Error)
	}
}

// alike reports whether vectors are equal as 32-bit numbers, which base64 holds.
func alike(a, b [][]float64) bool {
	return slices.EqualFunc(a, b, func(v, w []float64) bool {
		return slices.EqualFunc(v, w, func(x, y float64) bool { return float32(x) == float32(y) })
	})
}

// readVectors lets OpenAI's own client ask each of the base URLs.
func readVectors(t *testing.T, urls []string) (list []vectors) {
	t.Helper()
	for _, line := range officialClient(t, "openai", "openai_embeddings_client.py", urls) {
		var v vectors
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, v)
	}
	return list
}
