package client

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// sessions answers with a token that shows what the request sent.
type sessions struct {
	asked  []string
	token  string // sent with each answer
	status int
}

func (s *sessions) RoundTrip(req *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, req.Header.Get("X-Session")+"/"+req.Header.Get("X-Token"))
	resp, err := script{status: s.status, parts: []part{{0, chunk("a") + stop + done}}}.RoundTrip(req)
	if s.token != "" {
		resp.Header.Set("X-Token", s.token)
	}
	return resp, err
}

func TestSessionHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := new(Tokens)
		headers := func(o *Options) {
			o.SessionHeader, o.SessionTokenHeader, o.Tokens, o.Headers = "x-session", "x-token", shared,
				map[string]string{"X-Session": "of all"}
		}
		server, two := new(sessions), [2]*Client{newClient(t, headers), newClient(t, headers)}
		for i, step := range []struct {
			session, token string
			status         int
		}{
			{"s", "t1", 200}, {"s", "", 200}, {"r", "t2", 503}, {"s", "bad\x01", 200},
			{"r", strings.Repeat("x", maxTokenBytes+1), 200}, {"", "t3", 200}, {"r", "t4", 200}, {"r", "", 200},
			{"s", "", 200},
		} {
			server.token, server.status = step.token, step.status
			answer, err := two[i%2].Do(t.Context(), server,
				&Request{SessionID: step.session, Messages: json.RawMessage(`[]`)})
			if err != nil {
				t.Fatal(err)
			}
			if line := string(mustAppend(t, answer.Record)); strings.Contains(line, "t1") ||
				strings.Contains(line, "t2") {
				t.Errorf("a token is in the record: %s", line)
			}
		}
		const want = "s/ s/t1 r/ s/t1 r/t2 of all/ r/t2 r/t4 s/t1"
		if got := strings.Join(server.asked, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestSessionHeadersOnlyIfAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := &sessions{token: "t"}, newClient(t, nil)
		for range 2 {
			if _, err := c.Do(t.Context(), server,
				&Request{SessionID: "s\n", Messages: json.RawMessage(`[]`)}); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(server.asked, " "); got != "/ /" {
			t.Errorf("got %s", got)
		}
	})
}

func TestSessionThatCannotBeAHeader(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) { o.SessionHeader = "x-session" })
	_, err := c.Do(t.Context(), http.DefaultTransport, &Request{SessionID: "s\n", Messages: json.RawMessage(`[]`)})
	if want := `session id "s\n" holds a control character, and so cannot be sent as the header "x-session"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTokensForgetTheOldest(t *testing.T) {
	t.Parallel()
	var tokens Tokens
	tokens.Put("first", "t")
	tokens.Put("used", "t")
	for i := range 3 * maxSessions {
		tokens.Put(strconv.Itoa(i), "t")
		if i == maxSessions/2 && tokens.Get("first") == "" {
			t.Error("forgotten before its time")
		}
		if i%1000 == 0 && tokens.Get("used") != "t" {
			t.Fatalf("forgotten while in use, after %d sessions", i)
		}
	}
	if tokens.Get("first") != "" {
		t.Error("the first session is still known")
	}
	if n := len(tokens.recent.young) + len(tokens.recent.old); n > 2*maxSessions {
		t.Errorf("%d sessions are known", n)
	}
}

func TestTokensAreShared(t *testing.T) {
	t.Parallel()
	var tokens Tokens
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for k := range 1000 {
				tokens.Put(strconv.Itoa(k), strconv.Itoa(i))
				if tokens.Get(strconv.Itoa(k)) == "" {
					t.Errorf("token of session %d is lost", k)
					return
				}
			}
		})
	}
	wait.Wait()
}
