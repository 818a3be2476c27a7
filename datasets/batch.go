package datasets

import "errors"

// Batches makes items of several texts each: item i has those of the items i·Size to i·Size+Size-1 of a set of prompts.
type Batches struct {
	Set  Set
	Size int // at least 1
}

// At returns item number i.
func (b *Batches) At(i int64) (Item, error) {
	batch := Item{Inputs: make([]string, 0, b.Size)}
	for k := range b.Size {
		item, err := b.Set.At(i*int64(b.Size) + int64(k))
		if err != nil {
			return Item{}, err
		}
		if item.Messages != nil || item.Chat != nil {
			return Item{}, errors.New("the data set has chats, and a batch is made of texts")
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
	if err != nil {
		return nil, err
	}
	return &Batches{Set: set, Size: b.Size}, nil
}
