package deploy

import (
	"strings"
	"testing"
)

// What is shown of an output says why a server does not run: no requests of whoever waits for it.
func TestLastLines(t *testing.T) {
	t.Parallel()
	const uvicorn = `INFO:     127.0.0.1:40812 - "GET /v1/models HTTP/1.1" 404 Not Found`
	const python = `127.0.0.1 - - [30/Nov/2026 22:59:06] "GET /health HTTP/1.1" 404 -`
	const complains = `[error] connect() failed while connecting to upstream, request: "GET /v1 HTTP/1.1", host: "x"`
	if got := strings.Join(lastLines([]byte(complains), nil), "|"); got != complains {
		t.Errorf("got %s", got)
	}
	text := "loading weights\n" + strings.Repeat(uvicorn+"\n"+python+"\r\n", 30) + "10 %\r20 %\n"
	if got := strings.Join(lastLines([]byte(text), nil), "|"); got != "loading weights|20 %" {
		t.Errorf("got %s", got)
	}
}

// Of what a tool says the line counts that has the reason.
func TestConclusion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"error: no matches\nsee the manual":                               "error: no matches",
		"docker: unknown command: docker compose\n\nRun 'docker --help'":  "docker: unknown command: docker compose",
		`E1130 22:59:06 1 run.go:72] "command failed" err="a \"b\" is c"`: `a "b" is c`,
		`E1130 22:59:06 1 run.go:72] "command failed" err="accumulating`:  `"accumulating`,
		"E1130 22:59:06 1 x.go:1] retry\nlast words":                      "last words",
	} {
		if got := conclusion(strings.Split(text, "\n")); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
