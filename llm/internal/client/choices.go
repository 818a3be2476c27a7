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
type mark struct{ chunks, reasoning, toolCalls, text, aside int }

func (x *exchange) mark() mark {
	return mark{len(x.rec.Chunks), len(x.rec.Reasoning), len(x.rec.ToolCalls), x.transcript.size, len(x.aside)}
}

// cutTo removes what came after a mark.
func (x *exchange) cutTo(m mark) {
	x.rec.Chunks = x.rec.Chunks[:m.chunks]
	x.rec.Reasoning = x.rec.Reasoning[:m.reasoning]
	x.rec.ToolCalls = x.rec.ToolCalls[:m.toolCalls]
	x.aside = x.aside[:m.aside]
	x.transcript.cutTo(m.text, m.chunks)
	x.rec.FinishReason = ""
	x.evidence.output = m.chunks+m.reasoning+m.toolCalls > 0
	x.rec.CompletionRaw = x.rec.CompletionRaw && m.reasoning+m.toolCalls > 0
}

// followed reports whether an event brings something of the choice that is followed.
func (x *exchange) followed() bool {
	d, c := &x.delta, &x.choices
	if d.Choices == 0 {
		return false
	}
	c.several = c.several || d.Choices > 1
	if !c.any {
		c.any, c.only, c.last = true, d.Index, d.Index
		return true
	}
	if c.last == c.only && !c.single {
		c.first = x.mark() // everything so far had one index
	}
	if !c.single && (x.rec.FinishReason != "" || d.Index != c.last+1 && (d.Index != c.last || len(d.Content) > 0)) {
		x.single()
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
func (x *exchange) single() {
	c := &x.choices
	c.single = true
	if c.last != c.only {
		c.several = true
		x.cutTo(c.first)
	}
}

// settleChoices decides about an answer of few events.
func (x *exchange) settleChoices() {
	if c := &x.choices; !c.single && c.last < c.only+2 {
		x.single()
	}
}
