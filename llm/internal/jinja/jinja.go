// Package jinja renders Jinja2 templates as chat templates use them: as an ImmutableSandboxedEnvironment does, with
// trim_blocks, lstrip_blocks, loop controls and without automatic escaping.
//
// Values, methods and messages are Python's. What the package does not know is an error that names it, never a guess:
// a template either renders as Jinja2 renders it, or not at all. Rendering is bounded in steps, depth and memory.
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

// Error is what stops a template: a construct that Jinja2 or this package refuses, or what the template itself raised.
type Error struct {
	Line    int // of the template's text, 0 if unknown
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// fail stops the parsing or rendering that goes on; catch, which Parse and Render defer, hands the error on.
func fail(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	panic(&Error{Message: message})
}

// maxMessage bounds what a message takes from a template and its variables.
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
	if p.cur().kind != tokenEOF {
		p.fail("unexpected tag %q", p.cur().text)
	}
	return p.t, nil
}

// The bounds of a rendering: steps of evaluation, bytes of the texts and lists it makes in all and at once, and the
// depth of calls.
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
	exprs        int // being evaluated
	line         int
}

// Render writes the template with the variables given.
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

// spend counts the bytes of a text or list that is to be made.
func (r *render) spend(n int) {
	if r.total += n; n < 0 || n > maxOnce || r.total > maxTotal || r.total < 0 {
		fail("the template makes more than %d MB", maxOnce>>20)
	}
	r.step(1 + n>>10)
}

// enter goes one call deeper; leave comes back.
func (r *render) enter() {
	if r.depth++; r.depth > maxDepth {
		fail("the template nests more than %d calls", maxDepth)
	}
}

func (r *render) leave() { r.depth-- }

// write puts text into the output.
func (r *render) write(text string) {
	r.spend(len(text))
	if r.out.Len()+len(text) > maxOnce {
		r.spend(maxOnce + 1)
	}
	r.out.WriteString(text)
}

// capture gives what f writes instead of putting it into the output.
func (r *render) capture(f func()) string {
	outer := r.out
	r.out = new(strings.Builder)
	defer func() { r.out = outer }()
	f()
	return r.out.String()
}

// scope holds the variables of a block; those of the blocks around it are seen through it.
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
