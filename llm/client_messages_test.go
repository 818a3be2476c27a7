package llm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// A client sends Messages and Responses by its api, and by methods of their own.
func TestOtherAPIsOfAScript(t *testing.T) {
	t.Parallel()
	o := sim.DefaultOptions()
	o.TTFT, o.ITL, o.APIKey = 0, 0, "k"
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	for client, call := range map[string]string{
		"api: 'anthropic_messages'": `client.send({messages: [{role: 'system', content: 'a'}, ` +
			`{role: 'user', content: 'b c'}], maxTokens: 2})`,
		"api: 'anthropic_messages', streaming: false": `client.send({prompt: 'a b c', maxTokens: 2})`,
		"api: 'chat'": `client.messages('a b c', {maxTokens: 2})`,
		"api: 'responses'": `client.send({messages: [{role: 'system', content: 'a'}, ` +
			`{role: 'user', content: [{type: 'text', text: 'b c'}]}], maxTokens: 2})`,
		"api: 'responses', streaming: false": `client.send({prompt: 'a b c', maxTokens: 2})`,
		"api: 'completion'":                  `client.respond('a b c', {maxTokens: 2})`,
	} {
		v := newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', apiKey: 'k', %s});`, server.URL(), client))
		v.start(t)
		got := v.run(t, "const r = "+call+
			"; `${r.error} ${r.text} ${r.finishReason} ${r.promptTokens} ${r.completionTokens}`").String()
		if want := "null Simulated quick max_tokens 3 2"; strings.Replace(got, "_output", "", 1) != want {
			t.Errorf("%s: got %s, want %s", call, got, want)
		}
	}
}

func TestMessagesRefuseAFormat(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	_, err := v.RunOnEventLoop(`new Client({baseURL: 'sim:', api: 'anthropic_messages', responseFormat: {type: 'json_object'}})`)
	if err == nil || !strings.Contains(err.Error(), "responseFormat has no field in api anthropic_messages") {
		t.Errorf("got %v", err)
	}
}
