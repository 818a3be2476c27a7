package tokenizer

// Plain are the ids of the model's own vocabulary but for special tokens, in ascending order: what random text can be
// decoded from. Tokens added to the model are not among them, nor are ids at or above the vocabulary's size, which some
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
