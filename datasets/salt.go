package datasets

import "math/rand/v2"

// A set of generated texts, or of conversations made of such texts, can be salted further: for the parts of a run of
// which none must find the texts of another in the server's prefix cache. The lengths of an item, and the order of a
// finite set, are the same with every further salt that is not empty. The set itself stays as it is.
type (
	// SaltedSet is a set that can be salted further.
	SaltedSet interface {
		Set
		// WithSalt returns the set with a further salt. It makes no text, and takes little beside the set itself.
		WithSalt(salt string) (Set, error)
	}
	// SaltedScripts are conversations that can be salted further.
	SaltedScripts interface {
		Scripts
		// WithSalt returns the conversations with a further salt.
		WithSalt(salt string) (Scripts, error)
	}
)

// bothSalts returns the salt that two salts make.
func bothSalts(salt, further string) string {
	if further == "" {
		return salt
	}
	return salt + "\x00" + further
}

// streams returns the random numbers of an item's lengths and of its texts. Without a further salt both are the same
// numbers: those of texts continue with what lengths leave.
func streams(seed int64, lengthSalt, salt, purpose string, number int64) (lengths, texts *rand.Rand) {
	lengths = stream(seed, lengthSalt, purpose, number)
	if salt == lengthSalt {
		return lengths, lengths
	}
	return lengths, stream(seed, salt, purpose, number)
}

// WithSalt returns the set with a further salt.
func (r *Random) WithSalt(salt string) (Set, error) {
	s := *r
	s.Salt = bothSalts(s.Salt, salt)
	return &s, nil
}

// WithSalt returns the set with a further salt.
func (s *Synthetic) WithSalt(salt string) (Set, error) {
	salted := *s
	salted.Salt = bothSalts(s.Salt, salt)
	return &salted, nil
}

// WithSalt returns the set with a further salt.
func (s *SharedPrefix) WithSalt(salt string) (Set, error) { return s.withSalt(salt), nil }

func (s *SharedPrefix) withSalt(salt string) *SharedPrefix {
	salted := *s
	salted.Salt = bothSalts(s.Salt, salt)
	salted.openGroups()
	return &salted
}

// WithSalt returns the conversations with a further salt.
func (s sharedConversations) WithSalt(salt string) (Scripts, error) {
	return sharedConversations{SharedPrefix: s.withSalt(salt), turns: s.turns}, nil
}

// WithSalt returns the conversations with a further salt.
func (r *Replay) WithSalt(salt string) (Scripts, error) {
	salted := *r
	salted.Salt = bothSalts(r.Salt, salt)
	return &salted, salted.share()
}

// WithSalt returns the set with a further salt.
func (r *OriginalRandom) WithSalt(salt string) (Set, error) {
	s := *r
	s.Salt = bothSalts(s.Salt, salt)
	return &s, nil
}

// WithSalt returns the set with a further salt.
func (s *OriginalSynthetic) WithSalt(salt string) (Set, error) {
	salted := *s
	salted.Salt = bothSalts(s.Salt, salt)
	return &salted, nil
}

// WithSalt returns the set with a further salt.
func (s *OriginalSharedPrefix) WithSalt(salt string) (Set, error) {
	salted := *s
	salted.options.Salt = bothSalts(s.options.Salt, salt)
	salted.openGroups()
	return &salted, nil
}
