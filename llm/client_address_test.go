package llm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The client asks for the model that a user names even if the server does not list it, and warns once.
func TestUnlistedModel(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=1ms&model=a&lora=b', model: 'c'});`)
	v.start(t)
	got := v.run(t, `client.chat('hi'); client.chat('hi').error`).String()
	if got != "The model `c` does not exist." {
		t.Errorf("got %q", got)
	}
	said := 0
	for _, entry := range v.log.AllEntries() {
		if strings.HasPrefix(entry.Message, `model "c" is not in the list of http://`) {
			said++
		}
	}
	if said != 1 {
		t.Errorf("logged %d times, want once: %v", said, v.log.AllEntries())
	}
}

// uuid4 is the strict form of RFC 9562: version 4, variant 10.
var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestRequestIDsAreUUIDs(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s'});`, server.URL))
	v.start(t)
	ids := strings.Fields(v.run(t, `client.chat('hi').requestID + ' ' + client.complete('hi').requestID`).String())
	requests, _ := v.records()
	if len(ids) != 2 || ids[0] == ids[1] || !uuid4.MatchString(ids[0]) || requests[0].ID != ids[0] ||
		server.ids[0] != ids[0] || server.ids[1] != ids[1] {
		t.Errorf("results have %q, records %q, the server got %q", ids, requests[0].ID, server.ids)
	}
}

func TestRequestIDHeaderOfAClient(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`requestIDHeader: ''`:                    "",
		`headers: {'x-request-id': 'mine'}`:      "mine",
		`requestIDHeader: 'X-Correlation-ID'`:    "",
		`requestIDHeader: 'x-REQUEST-id'`:        "4",
		`requestIDHeader: undefined, model: 'm'`: "4",
	} {
		server, v := newRecorder(t, 0), newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', %s});`, server.URL, options))
		v.start(t)
		id := v.run(t, `client.chat('hi').requestID`).String()
		got := server.ids[0]
		if got == id {
			got = "4" // the version of the id
		}
		if got != want || !uuid4.MatchString(id) {
			t.Errorf("%s: sent %q with the id %s, want %q", options, server.ids[0], id, want)
		}
	}
}

func TestMaxTokensField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options, request, want, not string
		recorded                    int
	}{
		{``, ``, `"max_tokens":7,"ignore_eos":true`, "max_completion", 7},
		{`maxTokensField: 'max_completion_tokens'`, ``, `"max_completion_tokens":7,"ignore_eos":true`, `"max_tokens"`,
			7},
		{`maxTokensField: 'max_completion_tokens'`, `, maxTokensField: 'max_new_tokens'`, `"max_new_tokens":7,`,
			`max_completion`, 7},
		{`maxTokensField: ''`, ``, `"stream":true`, `"max_tokens"`, 0},
		{``, `, maxTokensField: ''`, `"stream":true`, `ignore_eos`, 0},
		{`maxTokensField: ''`, `, maxTokensField: 'max_tokens'`, `"max_tokens":7`, `max_completion`, 7},
	} {
		server, v := newRecorder(t, 0), newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', %s});`, server.URL, tt.options))
		v.start(t)
		v.run(t, `client.chat('hi', {maxTokens: 7`+tt.request+`})`)
		requests, _ := v.records()
		if body := server.bodies[0]; !strings.Contains(body, tt.want) || strings.Contains(body, tt.not) ||
			requests[0].MaxTokens != tt.recorded {
			t.Errorf("{%s}, {%s}: sent %s, recorded a limit of %d; want %s without %s, %d", tt.options, tt.request,
				body, requests[0].MaxTokens, tt.want, tt.not, tt.recorded)
		}
	}
}

// Roles go to the server unchanged.
func TestRolesAreSentUnchanged(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s'});`, server.URL))
	v.start(t)
	v.run(t, `client.chat([{role: 'human', content: 'a'}, {role: 'gpt', content: 'b'}, {role: 'bot', content: 'c'}])`)
	const want = `"messages":[{"role":"human","content":"a"},{"role":"gpt","content":"b"},{"role":"bot","content":"c"}]`
	if !strings.Contains(server.bodies[0], want) {
		t.Errorf("sent %s, want %s in it", server.bodies[0], want)
	}
}

// The user and password of a base URL are sent, and stay out of records.
func TestUserOfTheBaseURL(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	v.run(t, fmt.Sprintf(`const client = new Client({baseURL: ' %s '});`,
		strings.Replace(server.URL, "://", "://me:secret@", 1)))
	v.start(t)
	v.run(t, `client.chat('hi')`)
	if want := "Basic bWU6c2VjcmV0"; server.authorization != want {
		t.Errorf("sent %q, want %q", server.authorization, want)
	}
	requests, others := v.records()
	for _, line := range append(others, requests[0]) {
		if text, err := record.Append(nil, line); err != nil || strings.Contains(string(text), "secret") ||
			strings.Contains(string(text), "bWU6") {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// Errors in a configuration's client do not mention the script that was generated for it.
func TestRefusePrintsOnlyTheMessage(t *testing.T) {
	t.Parallel()
	v := newVUWith(t, New(), map[string]string{record.OverridesEnv: "[]"})
	_, err := v.RunOnEventLoop(`try { new Client({baseURL: 'h'}) } catch (e) { refuse(e.message) }; 'more'`)
	text, fields := errext.Format(err)
	if want := `new Client: baseURL "h" is not a URL such as "http://localhost:8000/v1": write http:// before it`; text != want {
		t.Errorf("got %q, %v, want %q", text, fields, want)
	}
	var code errext.HasExitCode
	if !errors.As(err, &code) || code.ExitCode() != exitcodes.ScriptException {
		t.Errorf("got %v, want the exit code of an exception", err)
	}
	if _, err := newVU(t, New()).RunOnEventLoop(`refuse('x')`); err == nil ||
		!strings.Contains(err.Error(), "refuse is not defined") {
		t.Errorf("a user's script can import refuse: %v", err)
	}
}

// A base URL without a scheme is completed before anything reads it, so that its password stays hidden.
func TestBaseURLWithoutAScheme(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	host := strings.TrimPrefix(server.URL, "http://")
	v.run(t, fmt.Sprintf(`const client = new Client({baseURL: 'me:secret@%s'});`, host))
	v.start(t)
	v.run(t, `client.chat('hi'); client.chat('hi')`)
	want, said := "baseURL has neither http:// nor https://, and is taken for http://me:xxxxx@"+host, 0
	for _, entry := range v.log.AllEntries() {
		if entry.Message == want {
			said++
		}
	}
	if said != 1 || server.authorization != "Basic bWU6c2VjcmV0" {
		t.Errorf("sent %q; said %d times, want %q once: %v", server.authorization, said, want, v.log.AllEntries())
	}
}

// A part that is added to a base URL is logged once, however many clients have that URL.
func TestAddedVersionIsLoggedOnce(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	v.run(t, fmt.Sprintf(`const a = new Client({baseURL: '%[1]s'}), b = new Client({baseURL: '%[1]s/', timeout: '9s'});
		const c = new Client({baseURL: '%[1]s/v1'});`, server.URL))
	v.start(t)
	v.run(t, `a.chat('hi'); b.chat('hi'); c.chat('hi')`)
	want, said := "baseURL is a host alone: /v1 is added, so that requests go to "+server.URL+"/v1/chat/completions", 0
	for _, entry := range v.log.AllEntries() {
		if entry.Message == want {
			said++
		}
	}
	if said != 1 {
		t.Errorf("logged %d times, want once: %v", said, v.log.AllEntries())
	}
}
