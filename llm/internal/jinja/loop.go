package jinja

// loopState is the variable named loop. It looks ahead only when asked to.
type loopState struct {
	r       *render
	over    Value
	next    func() (Value, bool)
	ahead   []Value // read, but not yet gone through
	at      int     // of the current item
	depth   int
	before  Value // the item before the current one
	current Value
	changed *List
	recurse func(over Value) Value // of a recursive loop
}

func (l *loopState) advance() bool {
	v, ok := l.peek()
	if !ok {
		return false
	}
	l.before, l.current = l.current, v
	l.ahead = l.ahead[1:]
	l.at++
	return true
}

func (l *loopState) peek() (Value, bool) {
	if len(l.ahead) == 0 {
		v, ok := l.next()
		if !ok {
			return nil, false
		}
		l.ahead = append(l.ahead, v)
	}
	return l.ahead[0], true
}

// length returns the number of items of the whole loop, and reads the input to its end for it.
func (l *loopState) length() int {
	for v, ok := l.next(); ok; v, ok = l.next() {
		l.r.spend(16)
		l.ahead = append(l.ahead, v)
	}
	return l.at + 1 + len(l.ahead)
}

func (l *loopState) attr(name string) (Value, bool) {
	switch name {
	case "index":
		return int64(l.at + 1), true
	case "index0":
		return int64(l.at), true
	case "first":
		return l.at == 0, true
	case "last":
		_, more := l.peek()
		return !more, true
	case "length":
		return int64(l.length()), true
	case "revindex":
		return int64(l.length() - l.at), true
	case "revindex0":
		return int64(l.length() - l.at - 1), true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		if l.at == 0 {
			return undefined{"there is no previous item"}, true
		}
		return l.before, true
	case "nextitem":
		if v, ok := l.peek(); ok {
			return v, true
		}
		return undefined{"there is no next item"}, true
	case "cycle":
		return &function{name, func(_ *render, a callArgs) Value {
			if len(a.list) == 0 {
				fail("no items for cycling given")
			}
			return a.list[l.at%len(a.list)]
		}}, true
	case "changed":
		return &function{name, func(r *render, a callArgs) Value {
			now := newTuple(a.list...)
			same := l.changed != nil && equal(r, l.changed, now)
			l.changed = now
			return !same
		}}, true
	}
	return nil, false
}

// loop runs the body of a loop for each value.
func (r *render) loop(f *For, s *scope, over Value, depth int) {
	next := iterate(r, over)
	if f.cond != nil {
		next = r.withCondition(f, s, next)
	}
	l := &loopState{r: r, over: over, next: next, at: -1, depth: depth}
	if f.recursive {
		l.recurse = func(over Value) Value {
			return r.capture(func() { r.loop(f, s, over, depth+1) })
		}
	}
	r.enter()
	defer r.leave()
	ran := false
	for l.advance() {
		r.step(4) // for the scope
		inner := &scope{vars: map[string]Value{"loop": l}, parent: s}
		r.assign(f.Target, l.current, inner)
		j := r.run(f.body, inner)
		if ran = ran || j == onward; j == breaking {
			break
		}
	}
	if !ran { // Jinja2's rule: no iteration ran the body to its end
		r.run(f.elseBody, s.inner())
	}
}

// withCondition passes only the items for which the condition of a loop holds.
func (r *render) withCondition(f *For, s *scope, next func() (Value, bool)) func() (Value, bool) {
	return func() (Value, bool) {
		for {
			v, ok := next()
			if !ok {
				return nil, false
			}
			inner := s.inner()
			r.assign(f.Target, v, inner)
			if truth(r.eval(f.cond, inner)) {
				return v, true
			}
		}
	}
}
