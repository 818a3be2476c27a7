package tokenizer

// Plain returns the ids of the model's own vocabulary except special tokens, in ascending order: random text can be
// decoded from them. They exclude tokens added to the model, and ids at or above the vocabulary's size, which some
// models have behind gaps. The cost is a look at each token of the model.
func (t *Tokenizer) Plain() []int32 {
	ids := make([]int32, 0, t.model.len())
	for id := range int32(t.model.len()) { // ids are 32 bits
		if i, ok := t.added.byID[id]; ok && t.added.tokens[i].special {
			continue
		}
		if _, ok := t.model.piece(id); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
