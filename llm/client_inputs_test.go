package llm

import (
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Vectors and scores are counted, and have no times of tokens.
func TestVectorsAndScoresOfAScript(t *testing.T) {
	t.Parallel()
	const outline = "; `${r.error} ${r.inputs} ${r.vectorLength} ${r.scores} ${r.promptTokens} ` +" +
		"`${r.completionTokens} ${r.ttft} ${r.tpot} ${r.ntpot} ${r.itl.length} ${r.latency > 0}`"
	const vectors, scores = "null null null null 0 true", "null null null null 0 true"
	o := sim.DefaultOptions()
	o.TTFT = 0
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	for _, tt := range []struct{ client, call, want string }{
		{"api: 'embeddings'", "client.send({input: 'a b c'})", "null 1 384 null 3 " + vectors},
		{"api: 'embeddings'", "client.send({prompt: 'a b c'})", "null 1 384 null 3 " + vectors},
		{"api: 'embeddings', dimensions: 8, encodingFormat: 'base64'", "client.send({input: ['a b', 'c']})",
			"null 2 8 null 3 " + vectors},
		{"dimensions: 8", "client.embed(['a b', 'c'])", "null 2 8 null 3 " + vectors},
		{"api: 'rerank', streaming: false", "client.send({query: 'q', documents: ['a b', 'c']})",
			"null 2 null 2 5 " + scores},
		{"topN: 1", "client.rerank('q', ['a b', 'c'])", "null 2 null 1 5 " + scores},
		{"endpoint: '/rerank', documentsField: 'texts', api: 'rerank', model: 'sim'",
			"client.rerank('q', ['a b', 'c'])", "null 2 null 2 null " + scores},
	} {
		v := newVU(t, New())
		v.run(t, "const client = new Client({baseURL: '"+server.URL()+"', "+tt.client+"});")
		v.start(t)
		if got := v.run(t, "const r = "+tt.call+outline).String(); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.client, tt.call, got, tt.want)
		}
	}
}

func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ sim, call, want string }{
		{"wrong-count=-1", "client.embed(['a', 'b'])", "malformed: 1 vector for 2 inputs"},
		{"wrong-count=1", "client.rerank('q', ['a', 'b'])", "malformed: 3 scores for 2 documents"},
		{"max-batch=1", "client.embed(['a', 'b'])", "http: batch size 2 > maximum allowed batch size 1"},
	} {
		v := newVU(t, New())
		v.run(t, "const client = new Client({baseURL: 'sim:?ttft=0s&"+tt.sim+"'});")
		v.start(t)
		if got := v.run(t, "const r = "+tt.call+"; `${r.errorType}: ${r.error}`").String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.sim, got, tt.want)
		}
	}
}

func TestWrongInputs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ call, want string }{
		{"new Client({api: 'embeddings', streaming: true})",
			`streaming must not be true: the answers of api "embeddings" come whole, leave it out`},
		{"new Client({api: 'embeddings', slo: {request_latency: '1s', ttft: '1s'}})", `Client option "slo": "ttft" is ` +
			`about tokens, which only text has: other answers have a latency, as in {request_latency: '500ms'}`},
		{"new Client({api: 'speech', slo: {ttft: '1s'}})", `Client option "slo": "ttft" is about tokens, which only ` +
			`text has: speech has first_audio, rtf and a latency, as in {first_audio: '300ms'}`},
		{"new Client({api: 'image', slo: {rtf: 1}})", `Client option "slo": "rtf" is about sounds: answers of api ` +
			`"image" have a latency, as in {request_latency: '500ms'}`},
		{"new Client({api: 'speech', slo: {rtf: 0}})", `Client option "slo": "rtf": must be a number above 0, such as ` +
			`1, got 0`},
		{"new Client({api: 'speech', slo: {rtf: '300ms'}})", `Client option "slo": "rtf": must be a number`},
		{"new Client({api: 'rerank', slo: {ntpot: 5}})", `Client option "slo": "ntpot" is about tokens, `},
		{"new Client({api: 'rerank', encodingFormat: 'int8'})", "encodingFormat must be 'float' or 'base64'"},
		{"new Client({api: 'rerank', queryField: 'documents'})",
			"queryField and documentsField must have different names"},
		{"new Client({api: 'rerank', responseFormat: {type: 'json_object'}})",
			`responseFormat has no effect on api "rerank"`},
		{"new Client({api: 'embeddings'}).send({messages: [{role: 'user', content: 'a'}]})",
			`a client of api "embeddings" takes input`},
		{"new Client({api: 'rerank'}).send({prompt: 'a'})", `a client of api "rerank" takes a query and documents`},
		{"new Client().send({input: 'a'})", "takes messages or a prompt, not input"},
		{"new Client().embed([])", "embed: input must be a text or a list of texts"},
		{"new Client().rerank('q', ['a', 3])", "rerank: documents number 1 must be a text"},
		{"new Client().rerank()", "rerank: query"},
		{"new Dataset({type: 'mock', batchSize: 2})", "needs api: 'embeddings'"},
		{"new Dataset({type: 'mock', api: 'embeddings', documentCount: 2})", "needs api: 'rerank'"},
		{"new Dataset({type: 'mock', api: 'rerank', documentCount: 0})", "must be"},
		{"new Dataset({type: 'shareGPT', path: 'sample:', api: 'embeddings', turns: 'all'})",
			"sends texts, not conversations"},
	} {
		v := newVU(t, New())
		_, err := v.RunOnEventLoop(tt.call)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.call, err, tt.want)
		}
	}
}

// A batch has the texts of its own, which no other batch has.
func TestBatchesOfADataset(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	got := v.run(t, `const data = new Dataset({type: 'mock', api: 'embeddings', batchSize: 2});
		JSON.stringify([data.at(0), data.at(3)])`).String()
	if want := `[{"input":["1 2 3 1","1 2 3 2"]},{"input":["1 2 3 7","1 2 3 8"]}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = v.run(t, `const made = new Dataset({type: 'random', api: 'embeddings', batchSize: 3, inputDistribution: 7,
		tokenizer: 'sample:'}); const item = made.at(1);
		JSON.stringify([item.input.length, item.promptTokens, item.maxTokens])`).String()
	if want := `[3,21,null]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A ranking is made of the texts of a set, or as a file has it.
func TestRankingsOfADataset(t *testing.T) {
	t.Parallel()
	const lines = `{"query": "q", "documents": ["a", {"text": "b"}], "id": 3}` + "\n" + `{"query": "r", "texts": ["c"]}`
	v := newVU(t, New())
	if err := fsext.WriteFile(v.files, "/scripts/ranked.jsonl", []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	got := v.run(t, `const made = new Dataset({type: 'mock', api: 'rerank', documentCount: 2});
		const file = new Dataset({type: 'prompts', path: 'ranked.jsonl', api: 'rerank'});
		JSON.stringify([made.at(0), made.at(1), file.at(0), file.at(1), file.length])`).String()
	if want := `[{"query":"1 2 3 1","documents":["1 2 3 2","1 2 3 3"]},{"query":"1 2 3 4","documents":["1 2 3 5","1 2 3 6"]},` +
		`{"query":"q","documents":["a","b"]},{"query":"r","documents":["c"]},2]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err := v.RunOnEventLoop(`new Client({api: 'embeddings', baseURL: 'sim:'}).send(made.at(0))`)
	if err == nil || !strings.Contains(err.Error(), `takes input`) {
		t.Errorf("got %v", err)
	}
}
