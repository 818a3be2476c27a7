package input

import (
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// Set is an open data set. Stages that must not find each other's prompts in the server's prefix cache salt it further,
// each with a salt of its own; see With. It may be used concurrently.
type Set struct {
	datasets.Set           // nil if the items are sessions
	Sessions     *Sessions // nil if they are not
	file         string    // "" if the set is generated
	parts        []*Set    // of a mix

	mu      sync.Mutex // guards the making of newest
	newest  atomic.Pointer[salted]
	repeats sync.Once // guards the warning that a file is used up

	prepared sync.Once // guards the making of media
}

// Len returns the number of distinct items, and false if it is unlimited or not known yet.
func (s *Set) Len() (int64, bool) {
	if s.Sessions != nil {
		return s.Sessions.Len()
	}
	return s.Set.Len()
}

// salted is a set with a further salt.
type salted struct {
	salt string
	set  datasets.Set
	err  error
}

// With returns the set with a further salt, or itself for "". Texts of files stay what they are. Conversations of all
// kinds begin anew with a salt, and their numbers go on. Only the newest salt is kept: stages follow one another.
func (s *Set) With(salt string) (datasets.Set, error) {
	if salt == "" || s.Sessions != nil {
		return s.Set, nil
	}
	if now := s.newest.Load(); now != nil && now.salt == salt {
		return now.set, now.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.newest.Load()
	if before != nil && before.salt == salt {
		return before.set, before.err
	}
	now := &salted{salt: salt}
	switch set := s.Set.(type) {
	case *Conversations:
		now.set, now.err = set.salted(salt, before)
	case datasets.SaltedSet:
		now.set, now.err = set.WithSalt(salt)
	default:
		now.set = set
	}
	s.newest.Store(now)
	return now.set, now.err
}

// salted returns conversations with a further salt, numbered on from those of the salt before, if there was one.
func (c *Conversations) salted(salt string, before *salted) (datasets.Set, error) {
	scripts := c.Scripts
	if made, ok := scripts.(datasets.SaltedScripts); ok {
		var err error
		if scripts, err = made.WithSalt(salt); err != nil {
			return nil, err
		}
	}
	last := c
	if before != nil && before.err == nil {
		last = before.set.(*Conversations) // of the same set
	}
	return &Conversations{Sessions: last.Anew(scripts)}, nil
}

// WarnOfRepeats logs a warning, at most once, if the item or conversation of a number is one of a file that an earlier
// number had. What is generated does not repeat, as each salt makes other texts.
func (s *Set) WarnOfRepeats(log logrus.FieldLogger, number int64) {
	s, number = setOf(s, number)
	if s.file == "" {
		return
	}
	n, known := s.Len()
	if !known || number < n {
		return
	}
	s.repeats.Do(func() {
		what := "prompts"
		if _, ok := s.Set.(*Conversations); ok {
			what = "conversations"
		}
		log.Warnf("the %d %s of %s repeat: the server's prefix cache may make later probes faster. Name a longer file "+
			"or a generated data set", n, what, s.file)
	})
}
