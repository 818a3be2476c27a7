// Package jinja renders Jinja2 templates as chat templates use them: as an ImmutableSandboxedEnvironment does, with
// trim_blocks, lstrip_blocks, loop controls and without automatic escaping.
//
// Values, methods and messages are Python's. A construct that the package does not support is an error that names the
// construct, never a guess: a template either renders as Jinja2 renders it, or not at all. Rendering is limited in
// steps, depth and memory.
package jinja

import (
	"fmt"
	"strings"
)

// Template is a parsed template. It may be rendered concurrently.
type Template struct {
	body []node
	// Loops and Assigned are the loops and the assignments of the template in the order of its text.
	Loops    []*For
	Assigned []*Set
}

// Error is the reason that a template stops: a construct that Jinja2 or this package refuses, or an error that the
// template itself raised.
type Error struct {
	Line    int // line of the template's text, 0 if unknown
	Message string
}

// Error returns the message with the line, if the line is known.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// fail stops parsing or rendering by a panic. Parse and Render defer catch, which turns the panic into an error.
func fail(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	panic(&Error{Message: message})
}

// maxMessage limits how many bytes of a template and its variables a message shows.
const maxMessage = 300

func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	case error:
		*err = fmt.Errorf("the template engine failed: %w", p)
	default:
		*err = fmt.Errorf("the template engine failed: %v", p)
	}
}

// Parse reads a template.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	p := &parser{tokens: lex(source), t: new(Template)}
	p.t.body = p.parseBody()
	if p.current().kind != tokenEOF {
		p.fail("unexpected tag %q", p.current().text)
	}
	return p.t, nil
}

// The limits of a rendering: steps of evaluation, bytes of the texts and lists that it makes in all and at once, and
// the depth of calls.
const (
	maxSteps = 4_000_000
	maxTotal = 1<<31 - 1
	maxOnce  = 64 << 20
	maxDepth = 400
)

// render is one rendering of a template.
type render struct {
	out          *strings.Builder
	filters      map[string]filter
	steps, total int
	depth        int
	exprDepth    int // being evaluated
	line         int
}

// Render returns the text of the template with the variables given.
func (t *Template) Render(vars map[string]Value) (text string, err error) {
	r := &render{out: new(strings.Builder), filters: filters}
	defer func() {
		if e, ok := err.(*Error); ok && e.Line == 0 {
			e.Line = r.line
		}
	}()
	defer catch(&err)
	top := &scope{vars: map[string]Value{}, parent: &scope{vars: vars, parent: builtins}}
	r.run(t.body, top)
	return r.out.String(), nil
}

// step counts a step of evaluation.
func (r *render) step(n int) {
	if r.steps += n; r.steps > maxSteps {
		fail("the template takes more than %d steps", maxSteps)
	}
}

// spend counts the bytes of a text or list that is about to be made.
func (r *render) spend(n int) {
	if r.total += n; n < 0 || n > maxOnce || r.total > maxTotal || r.total < 0 {
		fail("the template makes more than %d MB", maxOnce>>20)
	}
	r.step(1 + n>>10)
}

// enter counts a nested call; leave undoes it.
func (r *render) enter() {
	if r.depth++; r.depth > maxDepth {
		fail("the template nests more than %d calls", maxDepth)
	}
}

func (r *render) leave() { r.depth-- }

// write adds text to the output.
func (r *render) write(text string) {
	r.spend(len(text))
	if r.out.Len()+len(text) > maxOnce {
		r.spend(maxOnce + 1)
	}
	r.out.WriteString(text)
}

// capture returns the text that f writes, which does not reach the output.
func (r *render) capture(f func()) string {
	outer := r.out
	r.out = new(strings.Builder)
	defer func() { r.out = outer }()
	f()
	return r.out.String()
}

// scope holds the variables of a block. Variables of the enclosing blocks are visible, too.
type scope struct {
	vars   map[string]Value
	parent *scope
}

func (s *scope) inner() *scope { return &scope{parent: s} }

func (s *scope) set(name string, v Value) {
	if s.vars == nil {
		s.vars = map[string]Value{}
	}
	s.vars[name] = v
}

func (s *scope) get(name string) Value {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v
		}
	}
	return undefined{fmt.Sprintf("%q is undefined", name)}
}
