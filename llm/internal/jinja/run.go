package jinja

// jump is a break or continue on its way to its loop.
type jump int

const (
	onward jump = iota
	breaking
	continuing
)

// run executes statements.
func (r *render) run(body []node, s *scope) jump {
	r.enter()
	defer r.leave()
	for _, n := range body {
		r.step(1)
		if j := r.statement(n, s); j != onward {
			return j
		}
	}
	return onward
}

func (r *render) statement(n node, s *scope) jump {
	switch n := n.(type) {
	case *text:
		r.write(n.data)
	case *output:
		r.line = n.line
		r.write(str(r, r.eval(n.value, s)))
	case *For:
		r.line = n.line
		r.loop(n, s, r.eval(n.Over, s), 0)
	case *ifs:
		r.line = n.line
		body := n.elseBody
		if truth(r.eval(n.test, s)) {
			body = n.body
		}
		return r.run(body, s)
	case *Set:
		r.line = n.line
		r.assign(n.Target, r.eval(n.Value, s), s)
	case *setBlock:
		r.line = n.line
		captured := r.captured(n.body, s)
		r.assign(n.target, r.filtered(n.filters, captured, s), s)
	case *macroDef:
		s.set(n.name, &macro{n, s})
	case *callBlock:
		r.line = n.line
		a := r.args(n.call.args, s)
		a.names, a.named = append(a.names, "caller"), append(a.named, &macro{n.caller, s})
		r.write(str(r, r.call(r.eval(n.call.callee, s), a)))
	case *filterBlock:
		r.line = n.line
		r.write(str(r, r.filtered(n.filters, r.captured(n.body, s), s)))
	case *with:
		inner := s.inner()
		for i, t := range n.targets {
			r.assign(t, r.eval(n.values[i], s), inner)
		}
		return r.run(n.body, inner)
	case *generation:
		own := map[string]Value{"varargs": newTuple(), "kwargs": new(Dict), "caller": undefined{"no caller defined"}}
		return r.run(n.body, &scope{own, s})
	case *loopJump:
		if n.isBreak {
			return breaking
		}
		return continuing
	}
	return onward
}

func (r *render) captured(body []node, s *scope) string {
	return r.capture(func() { r.run(body, s.inner()) })
}

// filtered applies the filters of a block to its text.
func (r *render) filtered(filters Expr, text string, s *scope) Value {
	if _, ok := filters.(*captured); ok {
		return text
	}
	inner := s.inner()
	inner.set("", text)
	return r.eval(filters, inner)
}

// assign sets a name, several names or a field of a namespace.
func (r *render) assign(target Expr, v Value, s *scope) {
	switch t := target.(type) {
	case *Name:
		s.set(t.Name, v)
	case *attrRef:
		ns, ok := s.get(t.namespace).(*namespace)
		if !ok {
			fail("cannot assign attribute on non-namespace object")
		}
		ns.fields.Set(t.name, v)
	case *tupleExpr:
		items := items(r, v)
		if len(items) != len(t.items) {
			fail("cannot unpack %d values into %d names", len(items), len(t.items))
		}
		for i, one := range t.items {
			r.assign(one, items[i], s)
		}
	}
}

// macro is a macro together with the variables it sees.
type macro struct {
	def   *macroDef
	outer *scope
}

// call returns the text that a macro writes.
func (m *macro) call(r *render, a callArgs) Value {
	s := m.outer.inner()
	named := new(Dict)
	for i, name := range a.names {
		named.Set(name, a.named[i])
	}
	var unset []param
	for i, p := range m.def.params {
		v, ok := named.Get(p.name)
		switch {
		case i < len(a.list) && ok:
			fail("macro %q got multiple values for argument %q", m.def.name, p.name)
		case i < len(a.list):
			v, ok = a.list[i], true
		case !ok:
			v = undefined{"parameter '" + p.name + "' was not provided"}
			unset = append(unset, p)
		}
		named.remove(p.name)
		s.set(p.name, v)
	}
	for _, p := range unset {
		if p.value != nil {
			s.set(p.name, r.eval(p.value, s))
		}
	}
	m.bindRest(s, a, named)
	r.enter()
	defer r.leave()
	return r.capture(func() { r.run(m.def.body, s) })
}

// bindRest sets the arguments that have no parameter. They are allowed only if the body mentions their names.
func (m *macro) bindRest(s *scope, a callArgs, named *Dict) {
	if caller, ok := named.Get("caller"); ok && m.def.calls {
		named.remove("caller")
		s.set("caller", caller)
	} else if m.def.calls {
		s.set("caller", undefined{"no caller defined"})
	}
	var more []Value
	if len(a.list) > len(m.def.params) {
		more = a.list[len(m.def.params):]
	}
	switch {
	case m.def.variadic:
		s.set("varargs", newTuple(more...))
	case len(more) > 0:
		fail("macro %q takes not more than %d argument(s)", m.def.name, len(m.def.params))
	}
	switch {
	case m.def.keywords:
		s.set("kwargs", named)
	case len(named.keys) > 0:
		fail("macro %q takes no keyword argument %q", m.def.name, named.keys[0])
	}
}

func (d *Dict) remove(key Value) {
	if _, ok := d.values[key]; !ok {
		return
	}
	delete(d.values, key)
	for i, k := range d.keys {
		if k == key {
			d.keys = append(d.keys[:i:i], d.keys[i+1:]...)
			return
		}
	}
}
