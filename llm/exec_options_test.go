package llm

import (
	"strings"
	"testing"
)

func TestExecOfScenarios(t *testing.T) {
	t.Parallel()
	for exec, want := range map[string]string{
		`{client: other, data: second}`: `"exec":{"client":1,"data":1}`,
		`'named'`:                       `"exec":"named"`,
		`undefined`:                     `"executor":"ramping-arrival-rate"`,
	} {
		v := newVU(t, New())
		got := v.run(t, execScript+`JSON.stringify(scenarios({stages: [{rate: 5, duration: '1s'}], exec: `+exec+`}))`)
		if !strings.Contains(got.String(), want) {
			t.Errorf("%s: got %s, want %s", exec, got, want)
		}
	}
	for options, want := range map[string]string{
		`{client}`:                       `"exec": data must be a Dataset that the script made before`,
		`{data: first, client: {}}`:      `"exec": client must be a Client that the script made before`,
		`{client, data: first, also: 1}`: `"exec": unknown exec option "also"`,
		`5`:                              `"exec": exec options must be an object, got 5`,
		`{client: prompts, data: first}`: `set api: 'completion' on the Dataset`,
		`{client, data: first}, executor: 'ramping-arrival-rate'`: `exec: {client, data} needs the executor ` +
			`"llm-arrival-rate"`,
	} {
		v := newVU(t, New())
		_, err := v.RunOnEventLoop(execScript + `scenarios({stages: [{rate: 5, duration: '1s'}], exec: ` + options + `})`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
}

const execScript = `const client = new Client(), other = new Client({baseURL: 'sim:', model: 'm'}), prompts = new Client({api: 'completion'}),
	first = new Dataset({type: 'mock'}), second = new Dataset({type: 'mock'});
`

// k6 turns the options of a script into JSON, in which a client and a data set are their numbers.
func TestExecInOptionsOfK6(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	if got := v.run(t, execScript+`JSON.stringify({client: other, data: second})`).String(); got !=
		`{"client":{"number":1},"data":{"length":null,"number":1}}` {
		t.Errorf("got %s", got)
	}
}
