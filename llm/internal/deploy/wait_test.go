package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// loading is a server that loads a model: until then its health page answers 503.
type loading struct {
	begin    time.Time
	took     time.Duration
	noHealth bool
	model    string
	silent   int // so many tokens bring no output
}

// RoundTrip answers a request.
func (l *loading) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, kind, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Request: r,
			Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1}, nil
	}
	switch {
	case time.Since(l.begin) < time.Second:
		return nil, errors.New("connection refused")
	case r.URL.Path == "/health" && l.noHealth:
		return answer(http.StatusNotFound, "text/plain", "no such page")
	case time.Since(l.begin) < l.took:
		return answer(http.StatusServiceUnavailable, "application/json", `{"error": {"message": "Loading model"}}`)
	case r.URL.Path == "/health":
		return answer(http.StatusOK, "text/plain", "")
	case strings.HasSuffix(r.URL.Path, "/models"):
		return answer(http.StatusOK, "application/json", fmt.Sprintf(`{"data": [{"id": %q}]}`, l.model))
	}
	var asked struct {
		Model     string
		MaxTokens int `json:"max_tokens"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	if asked.Model != l.model {
		return answer(http.StatusNotFound, "application/json", `{"error": {"message": "The model does not exist."}}`)
	}
	text := ""
	if asked.MaxTokens > l.silent {
		text = "word"
	}
	return answer(http.StatusOK, "text/event-stream", fmt.Sprintf(`data: {"choices": [{"index": 0, "delta": `+
		`{"content": %q}, "finish_reason": "length"}]}`+"\n\ndata: [DONE]\n\n", text))
}

func TestWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server loading
		ready  Ready
		want   string // of the error; "" for ready
		told   []string
		took   time.Duration
	}{
		"loads for a while": {loading{took: 34 * time.Second, model: "m"}, Ready{}, "", []string{
			"server: not ready after 5 s: /health: status 503 (Loading model)",
			"server: not ready after 30 s: /health: status 503 (Loading model)", "server: ready after 34 s"},
			34 * time.Second},
		"has no health page": {loading{took: 10 * time.Second, model: "m", noHealth: true}, Ready{}, "", []string{
			"server: the server has no page /health (status 404), so that its answers alone tell",
			"/models answered with status 503 (Loading model)"}, 10 * time.Second},
		"another page": {loading{took: 2 * time.Second, model: "m"}, Ready{Path: "/v1/models"}, "", nil,
			2 * time.Second},
		"is too slow": {loading{took: time.Hour, model: "m"}, Ready{}, `deployment "server": it is not ready after ` +
			`10m0s: /health: status 503 (Loading model)`, nil, DefaultTimeout},
		"has another model": {loading{model: "other"}, Ready{Model: "m", Timeout: time.Minute}, `model "m" is refused ` +
			"(status 404, The model does not exist.): name the model by ready.model, one of other", nil, time.Minute},
		"has another model, which is enough to know": {loading{model: "other"}, Ready{Model: "m", NoToken: true,
			Timeout: time.Minute}, `model "m" is not in the server's list: other`, nil, time.Minute},
		"begins with a token that is not shown": {loading{model: "m", silent: 1}, Ready{}, "", nil, time.Second},
		"says nothing": {loading{model: "m", silent: 100}, Ready{Timeout: time.Minute},
			"an answer of 16 tokens is empty", nil, time.Minute},
		"says nothing, and needs not": {loading{model: "m", silent: 100}, Ready{NoToken: true}, "", nil, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			tt.server.begin = time.Now()
			s := Spec{Name: "server", URL: "http://model:8000", Ready: tt.ready}
			s.Requests.Transport = &tt.server
			var told []string
			d, err := Start(t.Context(), s, Options{Progress: func(line string) { told = append(told, line) }})
			if err != nil {
				t.Fatal(err)
			}
			err = d.Wait(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: got %v, want %q", name, err, tt.want)
			}
			if took := time.Since(tt.server.begin); took < tt.took || took > tt.took+3*time.Second {
				t.Errorf("%s: took %v, want %v", name, took, tt.took)
			}
			for _, want := range tt.told {
				if !strings.Contains(strings.Join(told, "\n"), want) {
					t.Errorf("%s: told %q, want %q", name, told, want)
				}
			}
			if err := d.Stop(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestWaitIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := Spec{Name: "server", URL: "http://model:8000"}
		s.Requests.Transport = &loading{begin: time.Now(), took: time.Hour}
		d, err := Start(t.Context(), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("enough"))
		defer cancel()
		err = d.Wait(ctx)
		want := `deployment "server": the wait was interrupted: /health: status 503 (Loading model): enough`
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}
