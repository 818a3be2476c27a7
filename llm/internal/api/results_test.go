package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// checked returns what is wrong with an answer to a request, "" if nothing is.
func checked(t *testing.T, dialect Dialect, r *Request, answer string) string {
	t.Helper()
	var d Delta
	err := dialect.Decode([]byte(answer), &d)
	if err == nil {
		err = dialect.(Checker).Check(r, &d)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestVectorsOfAnAnswer(t *testing.T) {
	t.Parallel()
	two := &Request{Inputs: []string{"a", "b"}}
	for _, tt := range []struct{ answer, want string }{
		{`{"object":"list","data":[{"index":1,"embedding":[1,-2.5e-3]},{"index":0,"embedding":[0,1E2]}],"usage":{}}`, ""},
		{`{"data":[{"embedding":"AACAPwAAAMA="},{"embedding":"AACAPwAAAMA\u003d"}]}`, ""},
		{`{"data":[{"embedding":[1]}]}`, "1 vector for 2 inputs"},
		{`{"data":[]}`, "0 vectors for 2 inputs"},
		{`{"data":[{"embedding":[1]},{"embedding":[1]},{"embedding":[1]}]}`, "3 vectors for 2 inputs"},
		{`{"data":[{"embedding":[1,2]},{"embedding":[1]}]}`, "vector 1 has 1 numbers, and vector 0 has 2"},
		{`{"data":[{"embedding":[1,NaN]},{"embedding":[1,2]}]}`, `vector 0: its number 1 is "NaN", which is not finite`},
		{`{"data":[{"embedding":[1e999]},{"embedding":[1]}]}`, `vector 0: its number 0 is "1e999", which is not finite`},
		{`{"data":[{"embedding":[null]},{"embedding":[1]}]}`, `vector 0: its number 0 is "null", which is not finite`},
		{`{"data":[{"embedding":[1.2.3]},{"embedding":[1]}]}`, `vector 0: its number 0 is "1.2.3", which is not finite`},
		{`{"data":[{"embedding":"AADAfw=="},{"embedding":"AACAPw=="}]}`, "vector 0: its number 0 is NaN, which is not finite"},
		{`{"data":[{"embedding":"AADA"},{"embedding":"AACAPw=="}]}`, "vector 0: its base64 does not hold 32-bit numbers"},
		{`{"data":[{"embedding":"?"},{"embedding":"AACAPw=="}]}`, "vector 0: illegal base64 data at input byte 0"},
		{`{"data":[{"embedding":{}},{"embedding":[1]}]}`, `vector 0: "{}" is no list of numbers`},
		{`{"data":[{"embedding":[]},{"embedding":[1]}]}`, "vector 0 has no numbers"},
		{`{"data":[3,{"embedding":[1]}]}`, `result 0 is "3", not an object`},
		{`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`, "two vectors have index 0"},
		{`{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}`,
			"vector 1 has index 2, and there is no such input among 2"},
	} {
		if got := checked(t, Embeddings, two, tt.answer); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.answer, got, tt.want)
		}
	}
	three := &Request{Inputs: []string{"a"}, Vectors: VectorOptions{Dimensions: 3}}
	if got, want := checked(t, Embeddings, three, `{"data":[{"embedding":[1]}]}`),
		"vectors of 1 numbers, and dimensions asks for 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScoresOfAnAnswer(t *testing.T) {
	t.Parallel()
	two := &Request{Inputs: []string{"a", "b"}}
	for _, tt := range []struct{ answer, want string }{
		{`{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":-1,"document":{"text":"a"}}]}`, ""},
		{`[{"index":0,"score":0.9},{"index":1,"score":1e-9}]`, ""},
		{`{"rankings":[{"index":0,"logit":-3.5},{"index":1,"logit":2}]}`, ""},
		{`[]`, "0 scores for 2 documents"},
		{`[{"index":0,"score":0.9}]`, "1 score for 2 documents"},
		{`[{"index":0,"score":0.9},{"index":0,"score":0.8}]`, "two scores have index 0"},
		{`[{"index":2,"score":0.9},{"index":0,"score":0.8}]`, "score 0 has index 2, and there is no such document among 2"},
		{`[{"index":-1,"score":0.9},{"index":0,"score":0.8}]`, "score 0 has no index"},
		{`[{"index":1,"score":Infinity},{"index":0,"score":1}]`, `score 0 is "Infinity", which is not finite`},
		{`{"results":[{"index":1},{"index":0,"score":1}]}`, "result 0 has no score"},
	} {
		if got := checked(t, Rerank, two, tt.answer); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.answer, got, tt.want)
		}
	}
	best := &Request{Inputs: []string{"a", "b"}, Ranking: RankingOptions{TopN: 1}}
	if got := checked(t, Rerank, best, `[{"index":1,"score":1}]`); got != "" {
		t.Errorf("the best alone: got %q", got)
	}
	if got, want := checked(t, Rerank, best, `[{"index":1,"score":1},{"index":0,"score":1}]`),
		"2 scores, and the top 1 of 2 documents were asked for"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUsageOfARanking(t *testing.T) {
	t.Parallel()
	var d Delta
	answer := `{"results":[{"index":0,"relevance_score":1}],"meta":{"tokens":{"input_tokens":7}}}`
	if err := Rerank.Decode([]byte(answer), &d); err != nil || string(d.Usage) != `{"input_tokens":7}` {
		t.Errorf("got %s, %v", d.Usage, err)
	}
}

func TestErrorsInPlaceOfResults(t *testing.T) {
	t.Parallel()
	for answer, dialect := range map[string]Dialect{
		`{"error":{"message":"busy"}}`:                   Embeddings,
		`{"object":"error","message":"busy"}`:            Embeddings,
		`{"error":"busy","error_type":"Overloaded"}`:     Rerank,
		`[{"error":{"code":429,"message":"busy"}}]`:      Rerank,
		`{"object":"error","message":"busy","code":500}`: Rerank,
	} {
		var d Delta
		if err := dialect.Decode([]byte(answer), &d); err != nil || d.Error != "busy" {
			t.Errorf("%s: got %q, %v", answer, d.Error, err)
		}
	}
}

func TestBodiesOfTexts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dialect Dialect
		request Request
		want    string
	}{
		{Embeddings, Request{Model: "m", Inputs: []string{"a\n"}}, `{"model":"m","input":"a\n"}`},
		{Embeddings, Request{Model: "m", Inputs: []string{"a", "b"}, AddSpecial: new(bool),
			Vectors: VectorOptions{Dimensions: 8, EncodingFormat: "base64"}, MaxTokens: 3, Stream: true},
			`{"model":"m","input":["a","b"],"dimensions":8,"encoding_format":"base64","add_special_tokens":false}`},
		{Rerank, Request{Model: "m", Query: "q", Inputs: []string{"a"}}, `{"model":"m","query":"q","documents":["a"]}`},
		{Rerank, Request{Model: "m", Query: "q", Inputs: []string{"a", "b"}, Extra: Extra{"model": []byte("null")},
			Ranking: RankingOptions{QueryField: "question", DocumentsField: "texts", TopN: 1}},
			`{"question":"q","texts":["a","b"],"top_n":1}`},
	} {
		body, err := tt.dialect.Body(&tt.request)
		if err != nil || string(body) != tt.want {
			t.Errorf("got %s, %v, want %s", body, err, tt.want)
		}
	}
	for _, dialect := range []Dialect{Embeddings, Rerank} {
		_, err := dialect.Body(&Request{Format: []byte("{}")})
		if err == nil || !strings.Contains(err.Error(), "responseFormat has no effect on api") {
			t.Errorf("%s: got %v", dialect.Name(), err)
		}
	}
}

// An answer of any form is read to its end, and what is taken for whole can be counted.
func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"data":[{"index":0,"embedding":[1,-2.5e-3]},{"index":1,"embedding":"AACAPwAAAMA="}],"usage":{"total_tokens":3}}`))
	f.Add([]byte(`{"results":[{"index":1,"relevance_score":0.9}],"meta":{"tokens":{"input_tokens":7}}}`))
	f.Add([]byte(`[{"index":0,"score":0.9},{"error":{"message":"a"}},3]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &Request{Query: string(data), Inputs: []string{string(data), "b"}}
		for _, dialect := range []Dialect{Embeddings, Rerank} {
			var d Delta
			err := dialect.Decode(data, &d)
			if err == nil && dialect.(Checker).Check(r, &d) == nil && d.Results.Count != 2 {
				t.Errorf("%s: %q: taken for an answer with %d results", dialect.Name(), data, d.Results.Count)
			}
			if body, err := dialect.Body(r); err != nil || !json.Valid(body) {
				t.Errorf("%s: %q: got %s, %v", dialect.Name(), data, body, err)
			}
		}
	})
}
