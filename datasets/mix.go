package datasets

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

// Mix deals its numbers to sets by exact shares: item k is item n of one of the sets, and both which set that is and n
// follow from k and the seed alone. Each set gives its items in their order. A mix is endless.
type Mix struct {
	sets []Set
	deal *deal.Deal
}

// NewMix returns a mix of sets with the given shares, which are above 0 and add up to 1.
func NewMix(seed int64, shares []float64, sets ...Set) (*Mix, error) {
	if len(shares) != len(sets) {
		return nil, fmt.Errorf("%d shares of %d sets", len(shares), len(sets))
	}
	d, err := deal.New(seed^0x6d6978, shares...) // other orders than those of what else is dealt by the seed
	if err != nil {
		return nil, fmt.Errorf("shares: %w", err)
	}
	return &Mix{sets, d}, nil
}

// SetsOf returns the sets of a mix, or a set that is none by itself.
func SetsOf(set Set) []Set {
	if m, ok := set.(*Mix); ok {
		return m.sets
	}
	return []Set{set}
}

// Of returns which set item number k is of, from 0, and its number there.
func (m *Mix) Of(k int64) (set int, number int64) { return m.deal.At(k) }

// At returns item number k. Its Part is the number of its set, from 1.
func (m *Mix) At(k int64) (Item, error) {
	set, number := m.Of(k)
	item, err := m.sets[set].At(number)
	item.Part = set + 1
	return item, err
}

// Len reports that the mix is endless: each of its sets begins again by itself.
func (m *Mix) Len() (int64, bool) { return 0, false }

// WithSalt returns the mix with a further salt of the sets that can have one.
func (m *Mix) WithSalt(salt string) (Set, error) {
	with := &Mix{make([]Set, len(m.sets)), m.deal}
	for i, set := range m.sets {
		with.sets[i] = set
		if s, ok := set.(SaltedSet); ok {
			var err error
			if with.sets[i], err = s.WithSalt(salt); err != nil {
				return nil, err
			}
		}
	}
	return with, nil
}
