package datasets

import "errors"

// Batches makes items of several texts each: item i has those of the items i·Size to i·Size+Size-1 of a set of prompts.
type Batches struct {
	Set  Set
	Size int // at least 1
}

// At returns item number i.
func (b *Batches) At(i int64) (Item, error) { return texts(b.Set, i*int64(b.Size), b.Size) }

// texts returns an item of n prompts of a set, from number first on.
func texts(set Set, first int64, n int) (Item, error) {
	batch := Item{Inputs: make([]string, 0, n)}
	for k := range int64(n) {
		item, err := set.At(first + k)
		switch {
		case err != nil:
			return Item{}, err
		case item.Messages != nil || item.Chat != nil:
			return Item{}, errors.New("the data set has chats, and texts are asked for")
		case item.Inputs != nil:
			return Item{}, errors.New("some records of the data set have documents, and others a prompt alone")
		}
		batch.Inputs = append(batch.Inputs, item.Prompt)
		batch.PromptTokens += item.PromptTokens
		batch.Bare = item.Bare
	}
	return batch, nil
}

// Len returns the number of whole batches before a text comes again, at least 1, and false if the set is endless.
func (b *Batches) Len() (int64, bool) {
	n, finite := b.Set.Len()
	if !finite {
		return 0, false
	}
	return max(1, n/int64(b.Size)), true
}

// WithSalt returns the batches of the set with a further salt.
func (b *Batches) WithSalt(salt string) (Set, error) {
	salted, ok := b.Set.(SaltedSet)
	if !ok {
		return b, nil
	}
	set, err := salted.WithSalt(salt)
	return &Batches{Set: set, Size: b.Size}, err
}

// rankings makes items of a query and documents of the texts of a set of prompts: the first of n+1 is the query.
type rankings struct {
	set Set
	n   int // documents
}

// NewRankings returns a set of queries with documents: those of the set's records, or else made of its texts, n
// documents each.
func NewRankings(set Set, n int) (Set, error) {
	first, err := set.At(0)
	if err != nil || first.Inputs != nil {
		return set, err
	}
	return &rankings{set, n}, nil
}

// At returns item number i.
func (r *rankings) At(i int64) (Item, error) {
	all, err := texts(r.set, i*int64(r.n+1), r.n+1)
	if err != nil {
		return Item{}, err
	}
	return Item{Query: all.Inputs[0], Inputs: all.Inputs[1:]}, nil
}

// Len returns the number of items before a text comes again, at least 1, and false if the set is endless.
func (r *rankings) Len() (int64, bool) { return (&Batches{Set: r.set, Size: r.n + 1}).Len() }

// WithSalt returns the rankings of the set with a further salt.
func (r *rankings) WithSalt(salt string) (Set, error) {
	salted, ok := r.set.(SaltedSet)
	if !ok {
		return r, nil
	}
	set, err := salted.WithSalt(salt)
	return &rankings{set, r.n}, err
}
