package api

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// Rerank is the dialect of the rerank endpoints of vLLM, Cohere, Jina and, at another path, TEI: a score for each
// document.
var Rerank Dialect = rerank{}

type rerank struct{ openAI }

func (rerank) Name() string { return "rerank" }
func (rerank) Verb() string { return "rerank" }
func (rerank) Path() string { return "/rerank" }
func (rerank) Input() Input { return InputRanking }

// Output returns that answers are scores.
func (rerank) Output() Output { return OutputResults }

// IgnoresEOS returns false: no tokens are generated.
func (rerank) IgnoresEOS() bool { return false }

// RankingOptions are the options of requests for rankings.
type RankingOptions struct {
	QueryField     string // the field with the query; "" means DefaultQueryField
	DocumentsField string // the field with the documents; "" means DefaultDocumentsField. TEI calls it texts.
	TopN           int    // how many of the scores to return, the best ones; 0 means all
}

// The usual names of the fields.
const (
	DefaultQueryField     = "query"
	DefaultDocumentsField = "documents"
)

func (o RankingOptions) queryField() string { return cmp.Or(o.QueryField, DefaultQueryField) }
func (o RankingOptions) documentsField() string {
	return cmp.Or(o.DocumentsField, DefaultDocumentsField)
}

// Check returns an error that names the faulty option.
func (o RankingOptions) Check() error {
	for _, field := range [...]struct{ option, name string }{
		{"queryField", o.queryField()}, {"documentsField", o.documentsField()},
	} {
		if !isFieldName(field.name) || field.name == "model" || field.name == "top_n" {
			return fmt.Errorf("%s: %q is not the name of a field such as documents", field.option, field.name)
		}
	}
	switch {
	case o.queryField() == o.documentsField():
		return errors.New("queryField and documentsField must have different names")
	case o.TopN < 0:
		return fmt.Errorf("topN must not be negative, got %d", o.TopN)
	}
	return nil
}

// Body writes the query before the documents.
func (e rerank) Body(r *Request) ([]byte, error) {
	if err := checkTextless(e, r); err != nil {
		return nil, err
	}
	w := newBody(r)
	w.text("model", r.Model)
	w.text(r.Ranking.queryField(), r.Query)
	w.texts(r.Ranking.documentsField(), r.Inputs)
	if r.Ranking.TopN > 0 {
		w.plain("top_n", strconv.Itoa(r.Ranking.TopN))
	}
	return w.finish()
}

// Decode reads a list of scores, which TEI sends alone and others as results, data or rankings, a usage map and an
// error.
func (rerank) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	if s.peek() == '[' {
		d.reset()
		readResults(&s, d, readScore)
		if s.err == nil && s.peek() != 0 {
			s.fail("the end")
		}
		return s.err
	}
	_, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "results", "data", "rankings":
			readResults(&s, d, readScore)
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		case "meta": // Cohere counts tokens here
			if tokens := find(s.skip(), []byte("tokens")); d.Usage == nil && len(tokens) > 0 && tokens[0] == '{' {
				d.Usage = tokens
			}
		default:
			f.member(key, s.skip())
		}
	}
	return leave(&s, d, &f, false)
}

// Check wants a score for each document, or for as many as were asked for, each by the document's index.
func (rerank) Check(r *Request, d *Delta) error {
	want := len(r.Inputs)
	if n := r.Ranking.TopN; n > 0 {
		want = min(n, want)
	}
	return d.Results.check(want, len(r.Inputs), "score", "document")
}

// readScore reads an object with the index of a document and its score.
func readScore(s *scanner, d *Delta) (index int) {
	index = noIndex
	var score []byte
	s.open('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "index":
			index = readIndex(s)
		case "relevance_score", "score", "logit":
			score = s.skip()
		case "error": // Google's endpoints send errors in an array
			readError(s, d)
		default:
			s.skip()
		}
	}
	k := d.Results.Count
	switch {
	case s.err != nil || d.Error != "":
	case index == noIndex:
		d.Results.fail("score %d has no index", k)
	case score == nil:
		d.Results.fail("result %d has no score", k)
	case !isFinite(score):
		d.Results.fail("score %d is %.50q, which is not finite", k, score)
	}
	return index
}
