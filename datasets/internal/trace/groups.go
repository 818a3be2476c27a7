package trace

import (
	"slices"
	"strings"
)

// assignment tells the session of each record. The zero value is ready.
type assignment struct {
	keys    map[string]uint32 // session by key
	joined  []uint32          // of each session, the one that it is part of, or its own number
	spoiled map[uint32]bool   // sessions that lack a record
	of      []uint32          // of each record, its session; nil while each is one of its own
}

// assign finds the session of a record that comes behind a number of others, and joins those that it links.
func (s *assignment) assign(e Entry, before int) {
	switch {
	case e.grouped():
		k := s.sessionOf(e, before)
		s.of = append(s.of, k)
	case s.of != nil:
		s.of = append(s.of, s.session())
	}
}

// grouped reports whether a record may be of a session with others.
func (e *Entry) grouped() bool { return e.Session != "" || len(e.Links) > 0 }

// sessionOf returns the session of a record that has a key, behind a number of others, and joins those that it links.
func (s *assignment) sessionOf(e Entry, before int) uint32 {
	s.separate(before)
	k := s.root(s.keyed(e.Session))
	for _, key := range e.Links {
		k = s.join(k, s.root(s.keyed(key)))
	}
	return k
}

// spoil notes that the session of a record with a key lacks it. It reports false if that was known.
func (s *assignment) spoil(e Entry, before int) bool {
	k := s.sessionOf(e, before)
	if s.spoiled[k] {
		return false
	}
	if s.spoiled == nil {
		s.spoiled = map[uint32]bool{}
	}
	s.spoiled[k] = true
	return true
}

// separate gives each record so far a session of its own, unless they were assigned to some.
func (s *assignment) separate(records int) {
	for s.of == nil && len(s.joined) < records {
		s.session()
	}
	if s.of == nil {
		s.of = append([]uint32{}, s.joined...)
	}
}

// session returns a new session.
func (s *assignment) session() uint32 {
	k := uint32(len(s.joined))
	s.joined = append(s.joined, k)
	return k
}

// keyed returns the session of a key, a new one if the key is new or "".
func (s *assignment) keyed(key string) uint32 {
	if k, ok := s.keys[key]; ok && key != "" {
		return k
	}
	k := s.session()
	if key != "" {
		if s.keys == nil {
			s.keys = map[string]uint32{}
		}
		s.keys[strings.Clone(key)] = k
	}
	return k
}

// root returns the session that another was joined with.
func (s *assignment) root(k uint32) uint32 {
	for s.joined[k] != k {
		s.joined[k] = s.joined[s.joined[k]]
		k = s.joined[k]
	}
	return k
}

// join makes one session of two, and returns it.
func (s *assignment) join(a, b uint32) uint32 {
	if a == b {
		return a
	}
	a, b = min(a, b), max(a, b)
	s.joined[b] = a
	return a
}

// gather makes the groups. They are in the order of their first records.
func (x *indexer) gather() {
	const none = ^uint32(0)
	groupOf := slices.Repeat([]uint32{none}, len(x.sessions.joined))
	for i := range x.sessions.of {
		k := x.sessions.root(x.sessions.of[i])
		if groupOf[k] == none {
			groupOf[k] = uint32(len(x.groups))
			x.groups = append(x.groups, group{number: uint32(i)})
		}
		x.sessions.of[i] = groupOf[k]
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
		g := &x.groups[x.sessions.of[i]]
		*sorted.at(int(g.to)) = *x.places.at(i)
		g.to++
	}
	x.places = sorted
}
