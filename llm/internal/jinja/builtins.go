package jinja

// builtins are the variables that every template sees.
var builtins = &scope{vars: map[string]Value{
	"range":     &function{"range", rangeOf},
	"dict":      &function{"dict", dictOf},
	"namespace": &function{"namespace", namespaceOf},
	"joiner":    &function{"joiner", joinerOf},
	"cycler":    &function{"cycler", cyclerOf},
	"lipsum":    &function{"lipsum", unsupported("the function lipsum")},
	"self":      &function{"self", unsupported("the variable self")},
	"raise_exception": &function{"raise_exception", func(r *render, a callArgs) Value {
		fail("the template raised: %s", str(r, a.bind("raise_exception", "message")[0]))
		return nil
	}},
	"strftime_now": &function{"strftime_now", strftimeNow},
}}

func unsupported(what string) func(*render, callArgs) Value {
	return func(*render, callArgs) Value {
		fail("%s is not supported", what)
		return nil
	}
}

// maxRange is the longest range that the sandbox of Jinja2 allows.
const maxRange = 100_000

func rangeOf(r *render, a callArgs) Value {
	v := a.bind("range", "start", "stop", "step")
	from, to, step := int64(0), int64(0), int64(1)
	if v[1] == (missing{}) {
		to = integer(v[0])
	} else {
		from, to, step = integer(v[0]), integer(v[1]), integer(orDefault(v[2], int64(1)))
	}
	if step == 0 {
		fail("range() arg 3 must not be zero")
	}
	list := &List{kind: rangeList}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(list.Items) == maxRange {
			fail("Range too big. The sandbox blocks ranges larger than %d.", maxRange)
		}
		list.Items = append(list.Items, i)
		if next := i + step; (next > i) != (step > 0) {
			break
		}
	}
	r.spend(16 * len(list.Items))
	return list
}

func dictOf(r *render, a callArgs) Value {
	d := new(Dict)
	if len(a.list) > 0 {
		switch from := a.list[0].(type) {
		case *Dict:
			d = from.copy()
		default:
			for _, pair := range items(r, from) {
				kv := items(r, pair)
				if len(kv) != 2 {
					fail("dictionary update sequence element has length %d; 2 is required", len(kv))
				}
				d.Set(kv[0], kv[1])
			}
		}
	}
	if len(a.list) > 1 {
		fail("dict expected at most 1 argument, got %d", len(a.list))
	}
	for i, name := range a.names {
		d.Set(name, a.named[i])
	}
	r.spend(32 * len(d.keys))
	return d
}

func namespaceOf(r *render, a callArgs) Value {
	return &namespace{dictOf(r, a).(*Dict)} // dictOf always returns a *Dict
}

func joinerOf(_ *render, a callArgs) Value {
	sep := orDefault(a.bind("joiner", "sep")[0], ", ")
	used := false
	return &function{"joiner", func(*render, callArgs) Value {
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

// cyclerOf returns a cycler, a namespace of its methods.
func cyclerOf(_ *render, a callArgs) Value {
	at := 0
	if len(a.list) == 0 {
		fail("at least one item has to be provided")
	}
	fields := new(Dict)
	fields.Set("next", &function{"next", func(*render, callArgs) Value {
		at++
		return a.list[(at-1)%len(a.list)]
	}})
	fields.Set("reset", &function{"reset", func(*render, callArgs) Value {
		at = 0
		return nil
	}})
	fields.Set("current", &function{"current", unsupported("cycler.current")})
	return &namespace{fields}
}
