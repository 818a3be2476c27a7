package client

// choices decides which choice of an answer is followed: the first that comes. The texts of several choices, added up,
// would be no answer at all. Some servers number the chunks of their one choice in its index; as long as the indexes
// may be such numbers, all chunks are followed.
type choices struct {
	any     bool // a choice came
	only    int  // index of the choice that is followed
	last    int  // index in the newest event
	single  bool // indexes do not number chunks
	several bool // there were other choices
	first   mark // state after the first event
}

// mark is a position in a record and its texts.
type mark struct{ chunks, reasoning, toolCalls, text, aside, pieces, kept int }

func (r *reply) mark() mark {
	rec := r.outcome.rec
	return mark{len(rec.Chunks), len(rec.Reasoning), len(rec.ToolCalls), r.transcript.size, len(r.aside),
		len(r.kept.pieces), len(r.kept.text)}
}

// cutTo removes what came after a mark.
func (r *reply) cutTo(m mark) {
	rec := r.outcome.rec
	rec.Chunks = rec.Chunks[:m.chunks]
	rec.Reasoning = rec.Reasoning[:m.reasoning]
	rec.ToolCalls = rec.ToolCalls[:m.toolCalls]
	r.aside = r.aside[:m.aside]
	r.transcript.cutTo(m.text, m.chunks)
	r.kept.cutTo(m.pieces, m.kept)
	rec.FinishReason = ""
	r.evidence.output = m.chunks+m.reasoning+m.toolCalls > 0
	rec.CompletionRaw = rec.CompletionRaw && m.reasoning+m.toolCalls > 0
}

// followed reports whether an event brings something of the choice that is followed.
func (r *reply) followed() bool {
	d, c := &r.delta, &r.choices
	if d.Choices == 0 {
		return false
	}
	c.several = c.several || d.Choices > 1
	if !c.any {
		c.any, c.only, c.last = true, d.Index, d.Index
		return true
	}
	if c.last == c.only && !c.single {
		c.first = r.mark() // everything so far had one index
	}
	if !c.single && (r.outcome.rec.FinishReason != "" || d.Index != c.last+1 &&
		(d.Index != c.last || len(d.Content) > 0)) {
		r.single()
	}
	c.last = d.Index
	if c.single && d.Index != c.only {
		c.several = true
		d.FinishReason = ""
		return false
	}
	return true
}

// single stops assuming that indexes number chunks.
func (r *reply) single() {
	c := &r.choices
	c.single = true
	if c.last != c.only {
		c.several = true
		r.cutTo(c.first)
	}
}

// settleChoices decides about an answer of few events.
func (r *reply) settleChoices() {
	if c := &r.choices; !c.single && c.last < c.only+2 {
		r.single()
	}
}
