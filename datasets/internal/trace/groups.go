package trace

import (
	"slices"
	"strings"
)

// assign finds the session of the next record, and joins those that it links.
func (x *indexer) assign(e Entry) {
	var k uint32
	if e.Session == "" && len(e.Links) == 0 {
		if x.of == nil {
			return
		}
		k = x.session()
	} else {
		x.separate()
		k = x.root(x.keyed(e.Session))
		for _, key := range e.Links {
			k = x.join(k, x.root(x.keyed(key)))
		}
	}
	x.of = append(x.of, k)
}

// separate gives each record so far a session of its own, unless they were assigned to some.
func (x *indexer) separate() {
	for x.of == nil && len(x.joined) < x.places.n {
		x.session()
	}
	if x.of == nil {
		x.of = append([]uint32{}, x.joined...)
	}
}

// session returns a new session.
func (x *indexer) session() uint32 {
	k := uint32(len(x.joined))
	x.joined = append(x.joined, k)
	return k
}

// keyed returns the session of a key, a new one if the key is new or "".
func (x *indexer) keyed(key string) uint32 {
	if k, ok := x.keys[key]; ok && key != "" {
		return k
	}
	k := x.session()
	if key != "" {
		x.keys[strings.Clone(key)] = k
	}
	return k
}

// root returns the session that another was joined with.
func (x *indexer) root(k uint32) uint32 {
	for x.joined[k] != k {
		x.joined[k] = x.joined[x.joined[k]]
		k = x.joined[k]
	}
	return k
}

// join makes one session of two, and returns it.
func (x *indexer) join(a, b uint32) uint32 {
	if a == b {
		return a
	}
	a, b = min(a, b), max(a, b)
	x.joined[b] = a
	return a
}

// gather makes the groups. They are in the order of their first records.
func (x *indexer) gather() {
	const none = ^uint32(0)
	groupOf := slices.Repeat([]uint32{none}, len(x.joined))
	for i := range x.of {
		k := x.root(x.of[i])
		if groupOf[k] == none {
			groupOf[k] = uint32(len(x.groups))
			x.groups = append(x.groups, group{number: uint32(i)})
		}
		x.of[i] = groupOf[k]
		x.groups[groupOf[k]].to++ // the count, for now
		if x.calls == nil {
			x.groups[groupOf[k]].calls++
		} else {
			x.groups[groupOf[k]].calls += x.calls[i]
		}
	}
	end := uint32(0)
	for i := range x.groups {
		n := x.groups[i].to
		x.groups[i].from, x.groups[i].to = end, end
		end += n
	}
	sorted := newPlaceList(x.places.n)
	for i := range x.places.n {
		g := &x.groups[x.of[i]]
		*sorted.at(int(g.to)) = *x.places.at(i)
		g.to++
	}
	x.places = sorted
}
