package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// inspects returns a transport that answers every request with one token, and hands the request on.
func inspects(seen func(req *http.Request, body string)) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		seen(req, string(body))
		return &http.Response{StatusCode: http.StatusOK,
			Body: io.NopCloser(strings.NewReader(chunk("a") + stop + done))}, nil
	}
}

// A request waits for its instant, and one whose instant has passed goes at once.
func TestARequestWaitsForItsInstant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]time.Duration{
			70 * time.Millisecond: 70 * time.Millisecond, time.Hour: time.Hour, -time.Second: 0,
		} {
			begin := time.Now()
			var sent time.Duration
			rt := inspects(func(*http.Request, string) { sent = time.Since(begin) })
			a, err := newClient(t, nil).Do(t.Context(), rt, &Request{At: begin.Add(after)})
			if err != nil || sent != want || a.Record.Start != begin.Add(want).UnixNano() {
				t.Errorf("at %v: sent after %v, %v; want %v", after, sent, err, want)
			}
		}
	})
}

// A request that is stopped first, or whose context ends, is not sent, and has no record.
func TestARequestThatIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := inspects(func(*http.Request, string) { t.Error("it was sent") })
		c := newClient(t, nil)
		for _, end := range []time.Duration{0, 30 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), end)
			begin := time.Now()
			a, err := c.Do(ctx, rt, &Request{At: begin.Add(time.Second)})
			if since := time.Since(begin); !errors.Is(err, ErrUnsent) || a.Record != nil || since != end {
				t.Errorf("got %+v, %v after %v, want ErrUnsent after %v", a, err, since, end)
			}
			if _, err := c.Do(ctx, rt, &Request{At: begin.Add(-time.Second)}); !errors.Is(err, ErrUnsent) {
				t.Errorf("after the end: got %v, want ErrUnsent", err)
			}
			cancel()
		}
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		late := Request{At: time.Now().Add(time.Minute), Stop: stop}
		if _, err := c.Do(t.Context(), rt, &late); !errors.Is(err, ErrUnsent) {
			t.Errorf("stopped: got %v, want ErrUnsent", err)
		}
	})
}

// The body is built before the wait, so a request that cannot be built fails at once.
func TestARequestIsBuiltBeforeItsInstant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := newClient(t, nil).Do(t.Context(), nil, &Request{At: begin.Add(time.Hour),
			Messages: json.RawMessage("[")})
		if err == nil || time.Since(begin) != 0 {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}

// Headers of the request replace those of the client whatever their spelling, and the session's replace both.
func TestHeadersOfARequest(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) {
		o.APIKey, o.Headers = "client's", map[string]string{"X-Kept": "1", "x-replaced": "2"}
		o.SessionHeader = "X-Session"
	})
	var got http.Header
	rt := inspects(func(req *http.Request, _ string) { got = req.Header })
	own := map[string]string{"X-Replaced": "3", "authorization": "own", "x-request-id": "i", "x-session": "4"}
	if _, err := c.Do(t.Context(), rt, &Request{ID: "r", SessionID: "s", Headers: own}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"X-Kept": "1", "X-Replaced": "3", "Authorization": "own",
		"X-Request-Id": "i", "X-Session": "s"} {
		if list := got[name]; len(list) != 1 || list[0] != want {
			t.Errorf("%s: got %q, want %q", name, list, want)
		}
	}
	if _, err := c.Do(t.Context(), rt, &Request{}); err != nil || got.Get("X-Replaced") != "2" {
		t.Errorf("the next request has %q, %v", got.Get("X-Replaced"), err)
	}
	for want, headers := range map[string]map[string]string{
		`headers: "a b" is not a valid header`:         {"a b": "x"},
		`headers: "a" is not a valid header`:           {"a": "secret\n"},
		`headers: "X-A" and "x-a" are the same header`: {"x-a": "secret", "X-A": "secret"},
	} {
		if _, err := c.Do(t.Context(), rt, &Request{Headers: headers}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A credential among the headers of a request stays out of its record.
func TestSecretHeadersOfARequest(t *testing.T) {
	t.Parallel()
	rt := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnauthorized,
			Body: io.NopCloser(strings.NewReader(`{"error":"no sk-0123456789"}`))}, nil
	})
	a, err := newClient(t, nil).Do(t.Context(), rt, &Request{Headers: map[string]string{"X-Api-Key": "sk-0123456789"}})
	if err != nil || a.Record.Error == "" || strings.Contains(a.Record.Error, "0123456789") {
		t.Errorf("got %q, %v", a.Record.Error, err)
	}
}

func TestIgnoreEOSOfARequest(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		c := newClient(t, func(o *Options) { o.IgnoreEOS = all })
		for own, want := range map[*bool]bool{nil: all, new(true): true, new(false): false} {
			rt := inspects(func(_ *http.Request, body string) {
				if got := strings.Contains(body, `"ignore_eos":true`); got != want {
					t.Errorf("client %v, request %v: got %s", all, own, body)
				}
			})
			if _, err := c.Do(t.Context(), rt, &Request{IgnoreEOS: own}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestToolsOfARequest(t *testing.T) {
	t.Parallel()
	tools, choice := json.RawMessage(`[{"type":"function","function":{"name":"f"}}]`), json.RawMessage(`"required"`)
	for dialect, want := range map[api.Dialect]string{
		api.Chat:      `"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`,
		api.Messages:  `"tool_choice":{"type":"any"}`,
		api.Responses: `"tools":[{"type":"function","name":"f"}],"tool_choice":"required"`,
	} {
		rt := inspects(func(_ *http.Request, body string) {
			if !strings.Contains(body, want) {
				t.Errorf("%s: got %s, want %s", dialect.Name(), body, want)
			}
		})
		c := newClient(t, func(o *Options) { o.API = dialect })
		if _, err := c.Do(t.Context(), rt, &Request{Tools: tools, ToolChoice: choice}); err != nil {
			t.Error(err)
		}
	}
}
