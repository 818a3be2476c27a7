package llm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What a configuration says of classes reaches the server and the records, as what a script says does.
func TestClassesOfAConfigurationReachTheServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ client, label, model, priority, trace, bound, leaves string }{
		{`{label: chat, priority: 3}`, "chat", "m", "3", "", "", ""},
		{`{label: chat, priority: 3, classes: {chat: {priority: 0, model: small, slo: {ttft: 1s}, headers: {x-trace: a}}}}`,
			"chat", "small", "0", "a", "1000", ""},
		{`{label: batch, classes: {chat: {priority: 0}}}`, "batch", "m", "", "", "", ""},
		{`{cancel: {share: 1, after: 50s}, classes: {chat: {cancel: {share: 1, after: 40s}}}, label: chat}`, "chat", "m",
			"", "", "", "40s"},
		{`{cancel: {share: 1, after: 50s}}`, "", "m", "", "", "", "50s"},
	} {
		server := newRecorder(t, 0)
		v := newVU(t, New())
		v.write(t, "/scripts/c.yml", "server: {base_url: '"+server.URL+"', model_name: m}\n"+someLoad+
			"api: {type: chat, streaming: true}\nx-llm: {client: "+tt.client+"}\n")
		v.run(t, `const c = config('c.yml'), client = new Client(c.client), data = new Dataset(c.dataset);`)
		v.start(t)
		v.run(t, `client.send(data.next())`)
		requests, _ := v.records()
		r, bound := requests[0], ""
		if r.SLO != nil {
			bound = fmt.Sprint(r.SLO.TTFT)
		}
		if r.Label != tt.label || r.Model != tt.model || bound != tt.bound || r.Leaves != tt.leaves || r.Failed() {
			t.Errorf("%s: label %q, model %q, TTFT bound %q, leaves %q, error %q", tt.client, r.Label, r.Model, bound,
				r.Leaves, r.Error)
		}
		want := `"priority":` + tt.priority
		if tt.priority == "" {
			want = ""
		}
		if body := server.bodies[0]; !strings.Contains(body, want) ||
			strings.Contains(body, "priority") != (want != "") || server.trace != tt.trace {
			t.Errorf("%s: sent %s with X-Trace %q", tt.client, body, server.trace)
		}
	}
}

// The calls of sessions have the class of their client, of their label or of the replay, whoever sends them.
func TestClassesOfSessions(t *testing.T) {
	t.Parallel()
	const classes = `priority: 1, label: 'agents', classes: {agents: {priority: 2, slo: {ttft: '9s'}}}`
	for _, native := range []bool{false, true} {
		requests, sessions := 0, 0
		for _, line := range sendAllSessions(t, native, classes+`, text: true`, whole).lines {
			parsed, err := record.Parse([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			switch l := parsed.(type) {
			case *record.Request:
				requests++
				if l.Label != "agents" || l.SLO == nil || l.SLO.TTFT != 9000 ||
					!strings.Contains(l.RequestBody, `"priority":2`) {
					t.Errorf("native %t: label %q, bounds %+v, sent %s", native, l.Label, l.SLO, l.RequestBody)
				}
			case *record.Session:
				if sessions++; l.Label != "agents" {
					t.Errorf("native %t: the session has label %q", native, l.Label)
				}
			}
		}
		if requests == 0 || sessions == 0 {
			t.Errorf("native %t: %d requests in %d sessions", native, requests, sessions)
		}
	}
}

// What a part of a mix is judged by, and when its users leave, must be something that the client's answers have.
func TestPartsThatAClientCannotJudge(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	for _, tt := range []struct{ client, part, want string }{
		{`api: 'embeddings'`, `api: 'embeddings', slo: {ttft: '1s'}`,
			`part number 0 of the mix, "a": slo: "ttft" is about tokens, which only text has`},
		{`streaming: false`, `cancel: {share: 0.1, tokens: 5}`,
			`part number 0 of the mix, "a": cancel: tokens: answers of api "chat" do not come in pieces of text here`},
		{`api: 'embeddings'`, `api: 'embeddings', slo: {request_latency: '1s'}`, ""},
		{``, `slo: {ttft: '1s'}, cancel: {share: 0.1, tokens: 5}`, ""},
	} {
		_, err := v.RunOnEventLoop(`scenarios({stages: [{rate: 1, duration: '1s'}], exec: {client: new Client({` + tt.client +
			`}), data: new Dataset({type: 'mix', parts: [{share: 1, label: 'a', type: 'mock', ` + tt.part + `}]})}})`)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, %s: got %v, want %s", tt.client, tt.part, err, tt.want)
		}
	}
}
