package breaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/jmespath/go-jmespath"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// maxExpression bounds an expression, in bytes. Parser and evaluation recurse once per level, and a stack overflow ends
// the process.
const maxExpression = 16 << 10

// expression is a condition on a request.
type expression struct {
	plain func(*record.Request) bool // set instead of path if no evaluation is needed
	path  *jmespath.JMESPath
}

// compile compiles one of the lists of a definition.
func compile(list string, texts []string) (all []expression, err error) {
	for i, text := range texts {
		e, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: expression %w", list, i, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// parse compiles an expression. Its errors begin with the expression.
func parse(text string) (expression, error) {
	switch text {
	case Every:
		return expression{plain: func(*record.Request) bool { return true }}, nil
	case Failures:
		return expression{plain: (*record.Request).Failed}, nil
	}
	if len(text) > maxExpression {
		return expression{}, fmt.Errorf("%q… is longer than %d bytes", text[:40], maxExpression)
	}
	path, err := guard(func() (*jmespath.JMESPath, error) { return jmespath.Compile(text) })
	if err != nil {
		return expression{}, explainSyntax(text, err)
	}
	e := expression{path: path}
	if err := e.tryOut(); err != nil {
		return expression{}, fmt.Errorf("%q: %w, so it never holds", text, err)
	}
	return e, nil
}

// tryOut evaluates an expression on a request that failed and on one that succeeded. Only then does JMESPath find that
// a function does not exist or has the wrong number of arguments. Without this check, the breaker would never open, and
// that would look like a healthy server.
func (e expression) tryOut() error {
	for _, r := range [...]*record.Request{
		{Start: 1, End: 2, ErrorType: record.ErrorHTTP, Status: 503, Error: "busy"},
		{Start: 1, End: 2, Streaming: true, Chunks: []int64{1},
			Usage: json.RawMessage(`{"prompt_tokens":1,"completion_tokens":1}`), SessionID: "s"},
	} {
		_, err := e.search(NewSample(r))
		if err == nil {
			continue
		}
		switch what := strings.ToLower(strings.TrimSuffix(err.Error(), ".")); {
		case strings.HasPrefix(what, "unknown function"):
			return errors.New(what)
		case what == "invalid arity", what == "incorrect number of args":
			return errors.New("a function has the wrong number of arguments")
		}
	}
	return nil
}

// explainSyntax adds the column of the fault.
func explainSyntax(text string, err error) error {
	var syntax jmespath.SyntaxError
	if errors.As(err, &syntax) {
		what := strings.TrimPrefix(syntax.Error(), "SyntaxError: ")
		first, n := utf8.DecodeRuneInString(what)
		return fmt.Errorf("%q at column %d: %s", text, column(text, syntax.Offset), strings.ToLower(string(first))+
			what[n:])
	}
	if at, ok := badLiteral(text); ok {
		return fmt.Errorf(
			"%q at column %d: what is between backticks must be JSON; a string goes between single quotes", text,
			column(text, at))
	}
	return fmt.Errorf("%q: %w", text, err)
}

// column returns the column of a byte offset, in characters from 1.
func column(text string, offset int) int {
	return utf8.RuneCountInString(text[:min(max(offset, 0), len(text))]) + 1
}

// badLiteral returns the offset of the first literal between backticks that is not JSON.
func badLiteral(text string) (offset int, found bool) {
	quote, start := byte(0), 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote == 0 && (c == '`' || c == '\'' || c == '"'):
			quote, start = c, i
		case quote == c && c != 0:
			if c == '`' && !json.Valid([]byte(strings.ReplaceAll(text[start+1:i], "\\`", "`"))) {
				return start, true
			}
			quote = 0
		}
	}
	return 0, false
}

// anyHolds reports whether an expression of a list holds.
func anyHolds(list []expression, s *Sample) bool {
	for _, e := range list {
		if e.holds(s) {
			return true
		}
	}
	return false
}

// holds reports whether an expression holds. An expression that cannot be evaluated does not.
func (e expression) holds(s *Sample) bool {
	if e.plain != nil {
		return e.plain(s.r)
	}
	value, err := e.search(s)
	return err == nil && truthy(value)
}

func (e expression) search(s *Sample) (any, error) {
	return guard(func() (any, error) { return e.path.Search(s.view()) })
}

// guard turns a panic into an error, because users write the expressions and the library may panic on them.
func guard[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be evaluated: %v", p)
		}
	}()
	return f()
}

// truthy reports whether Python takes a value for true: not null, false, 0, or anything empty.
func truthy(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() > 0
	}
	return true
}
