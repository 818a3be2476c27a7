package jinja

// eval returns the value of an expression.
func (r *render) eval(e Expr, s *scope) Value {
	r.step(1)
	r.enterExpr()
	defer func() { r.exprDepth-- }()
	switch e := e.(type) {
	case *Const:
		return e.Value
	case *Name:
		return s.get(e.Name)
	case *captured:
		return s.get("")
	case *Attr:
		return attribute(r, r.eval(e.Operand, s), e.Name)
	case *Item:
		return subscript(r, r.eval(e.Operand, s), r.eval(e.Key, s))
	case *Slice:
		return slice(r, e, s)
	case *Filter:
		return applyFilter(r, e.Name, r.eval(e.Operand, s), r.args(e.args, s))
	case *Test:
		return applyTest(r, e.Name, r.eval(e.Operand, s), r.args(e.args, s))
	case *call:
		return r.call(r.eval(e.callee, s), r.args(e.args, s))
	case *listExpr:
		return NewList(r.evalAll(e.items, s)...)
	case *tupleExpr:
		return newTuple(r.evalAll(e.items, s)...)
	case *dictExpr:
		d := new(Dict)
		for i, k := range e.keys {
			r.spend(32)
			d.Set(r.eval(k, s), r.eval(e.values[i], s))
		}
		return d
	case *concat:
		text := ""
		for _, part := range e.parts {
			one := str(r, r.eval(part, s))
			r.spend(len(text) + len(one))
			text += one
		}
		return text
	case *cond:
		switch {
		case truth(r.eval(e.test, s)):
			return r.eval(e.then, s)
		case e.otherwise == nil:
			return undefined{"the inline if-expression evaluated to false and no else section was defined"}
		}
		return r.eval(e.otherwise, s)
	}
	return r.operation(e, s)
}

// enterExpr limits the nesting of all expressions that are being evaluated.
func (r *render) enterExpr() {
	if r.exprDepth++; r.exprDepth > 50*maxDepth {
		fail("nested too deeply")
	}
}

func (r *render) evalAll(list []Expr, s *scope) []Value {
	r.spend(16 * len(list))
	values := make([]Value, len(list))
	for i, e := range list {
		values[i] = r.eval(e, s)
	}
	return values
}

func (r *render) operation(e Expr, s *scope) Value {
	switch e := e.(type) {
	case *unary:
		return r.unary(e.op, r.eval(e.operand, s))
	case *binary:
		a := r.eval(e.left, s)
		if e.op == "and" && !truth(a) || e.op == "or" && truth(a) {
			return a
		}
		b := r.eval(e.right, s)
		if e.op == "and" || e.op == "or" {
			return b
		}
		return operate(r, e.op, a, b)
	case *comparison:
		a := r.eval(e.first, s)
		for i, op := range e.ops {
			b := r.eval(e.rest[i], s)
			if !r.holds(op, a, b) {
				return false
			}
			a = b
		}
		return true
	}
	fail("an expression of type %T is not supported", e)
	return nil
}

func (r *render) unary(op string, v Value) Value {
	if op == "not" {
		return !truth(v)
	}
	defined(v)
	zero := Value(int64(0))
	if f, ok := v.(float64); ok && op == "-" {
		return -f
	}
	if _, ok := number(v); !ok {
		fail("bad operand type for unary %s: '%s'", op, typeName(v))
	}
	if op == "-" {
		return operate(r, "-", zero, v)
	}
	return operate(r, "+", zero, v)
}

func (r *render) holds(op string, a, b Value) bool {
	switch op {
	case "==":
		return equal(r, a, b)
	case "!=":
		return !equal(r, a, b)
	case "in":
		return contains(r, a, b)
	case "not in":
		return !contains(r, a, b)
	}
	c := compare(r, op, a, b)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// args evaluates the arguments of a call.
func (r *render) args(a args, s *scope) callArgs {
	c := callArgs{list: r.evalAll(a.list, s)}
	if a.unpackList != nil {
		c.list = append(c.list, items(r, r.eval(a.unpackList, s))...)
	}
	for i, name := range a.names {
		c.names, c.named = append(c.names, name), append(c.named, r.eval(a.named[i], s))
	}
	if a.unpackDict != nil {
		d, ok := r.eval(a.unpackDict, s).(*Dict)
		if !ok {
			fail("argument after ** must be a mapping")
		}
		for _, k := range d.keys {
			name, ok := k.(string)
			if !ok {
				fail("keywords must be strings")
			}
			c.names, c.named = append(c.names, name), append(c.named, d.values[k])
		}
	}
	return c
}

func (r *render) call(of Value, a callArgs) Value {
	r.enter()
	defer r.leave()
	switch f := of.(type) {
	case *function:
		return f.call(r, a)
	case *macro:
		return f.call(r, a)
	case *loopState:
		if f.recurse == nil || len(a.list) != 1 {
			fail("the loop must have the 'recursive' marker to be called, with one argument")
		}
		return f.recurse(a.list[0])
	}
	defined(of)
	fail("'%s' object is not callable", typeName(of))
	return nil
}

// missing stands for an argument that was not given.
type missing struct{}

// bind orders the arguments of a call by the names of the parameters.
func (a callArgs) bind(name string, params ...string) []Value {
	values := make([]Value, len(params))
	for i := range values {
		values[i] = missing{}
	}
	if len(a.list) > len(params) {
		fail("%s takes at most %d arguments, got %d", name, len(params), len(a.list))
	}
	copy(values, a.list)
next:
	for i, given := range a.names {
		for j, p := range params {
			if p == given && values[j] == (missing{}) {
				values[j] = a.named[i]
				continue next
			}
		}
		fail("%s: the argument %q is not supported", name, given)
	}
	return values
}

// orDefault returns a value, or the default in place of an argument that was not given.
func orDefault(v, other Value) Value {
	if v == (missing{}) {
		return other
	}
	return v
}
