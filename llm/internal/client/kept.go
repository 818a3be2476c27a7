package client

import (
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// kept is the reasoning and the calls of tools of an answer, piece by piece as they came, if the request asks for them.
// They are put together at the end, because only then it is known which of them count.
type kept struct {
	on     bool
	text   []byte
	pieces []keptPiece
	call   int32 // index of the call that the last pieces are of, with their level; noCall for none
	level  uint8
}

// keptPiece is a piece of an answer. Their sizes add up to the length of the text.
type keptPiece struct {
	kind  api.PieceKind
	level uint8 // how often the answer may have said the same before: new text is on level 0
	named bool  // of a call, as in api.Piece
	index int32 // likewise
	size  int32 // of the text; of a call, that of its id
}

// noCall is no index of a call.
const noCall = -2

// take keeps the pieces of a delta, whether or not they repeat what has come.
func (k *kept) take(d *api.Delta) {
	var level uint8
	switch {
	case d.Again:
		level = 2
	case d.Message:
		level = 1
	}
	from := 0
	for i := range d.Pieces {
		p := &d.Pieces[i]
		n := len(k.text)
		if p.Kind == api.PieceCall {
			k.text = p.AppendID(k.text)
		}
		k.text = append(k.text, d.Aside[from:from+p.Size]...)
		from += p.Size
		k.add(keptPiece{p.Kind, level, p.Named, int32(p.Index), int32(len(k.text) - n)})
	}
}

// add adds a piece, to the one before if it goes on with that.
func (k *kept) add(p keptPiece) {
	switch n := len(k.pieces); p.kind {
	case api.PieceCall:
		if p.index >= 0 && p.index == k.call && p.level == k.level && p.size == 0 {
			return
		}
		k.call, k.level = p.index, p.level
	case api.PieceServer:
		k.call = noCall
	case api.PieceReasoning, api.PieceArguments:
		if n > 0 && k.pieces[n-1].kind == p.kind && k.pieces[n-1].level == p.level {
			k.pieces[n-1].size += p.size
			return
		}
	}
	k.pieces = append(k.pieces, p)
}

// cutTo removes what came after the first n pieces, which have size bytes.
func (k *kept) cutTo(n, size int) {
	k.pieces, k.text, k.call = k.pieces[:n], k.text[:size], noCall
	for _, p := range k.pieces {
		size -= int(p.size)
	}
	if n > 0 {
		k.pieces[n-1].size += int32(size) // it went on after the cut
	}
}

// assembly puts the pieces of an answer together.
type assembly struct {
	reasoning keptText
	calls     []*keptCall
	byID      map[string]*keptCall
	byIndex   map[int32]*keptCall
	last      *keptCall // what the next pieces are of; nil for nothing that counts
}

// keptText is a text of which only what is on the level of its first piece counts: the others repeat it.
type keptText struct {
	strings.Builder
	level uint8
}

func (t *keptText) add(level uint8, text []byte) {
	if t.Len() == 0 {
		t.level = level
	}
	if level == t.level {
		t.Write(text)
	}
}

type keptCall struct {
	id              string
	index           int32
	level           uint8
	name, arguments keptText
}

// assemble returns the reasoning and the calls.
func (k *kept) assemble() (reasoning string, calls []api.ToolCall) {
	a := assembly{byID: map[string]*keptCall{}, byIndex: map[int32]*keptCall{}}
	from := 0
	for _, p := range k.pieces {
		a.add(p, k.text[from:from+int(p.size)])
		from += int(p.size)
	}
	for _, c := range a.calls {
		if c.name.Len() == 0 {
			continue // no tool can be called without
		}
		call := api.ToolCall{ID: c.id, Name: c.name.String(), Arguments: c.arguments.String()}
		if call.Arguments == "" {
			call.Arguments = "{}" // as Anthropic's servers, which send nothing
		}
		calls = append(calls, call)
	}
	return a.reasoning.String(), calls
}

func (a *assembly) add(p keptPiece, text []byte) {
	switch p.kind {
	case api.PieceReasoning:
		a.reasoning.add(p.level, text)
	case api.PieceServer:
		a.last = nil
	case api.PieceCall:
		a.last = a.call(p, string(text))
	case api.PieceName:
		a.name(p.level, text)
	case api.PieceArguments:
		if a.last != nil {
			a.last.arguments.add(p.level, text)
		}
	}
}

// call returns the call that the next pieces are of. Most servers number the calls of an answer, and send an id with
// the first piece of each. Some send no numbers, one number for all, or an id with each piece.
func (a *assembly) call(p keptPiece, id string) *keptCall {
	c := a.byIndex[p.index]
	switch known := a.byID[id]; {
	case c != nil && (id == "" || c.id == "" || c.id == id):
	case id != "" && known != nil && (p.index < 0 || p.level > 0):
		c = known
	case p.index < 0 && id == "" && !p.named && len(a.calls) > 0:
		c = a.calls[len(a.calls)-1]
	default:
		c = a.newCall(p.index, p.level)
	}
	if c != nil && c.id == "" && id != "" {
		c.id, a.byID[id] = id, c
	}
	return c
}

// newCall returns a new call, or nil if it can only be one that has come in another form.
func (a *assembly) newCall(index int32, level uint8) *keptCall {
	if len(a.calls) > 0 && a.calls[0].level < level {
		return nil
	}
	c := &keptCall{index: index, level: level}
	a.calls = append(a.calls, c)
	if index >= 0 {
		a.byIndex[index] = c
	}
	return c
}

// name adds to the name of a call. Some servers repeat the name with each piece, and some have one number for all
// calls, so that another name after arguments begins another call.
func (a *assembly) name(level uint8, text []byte) {
	c := a.last
	switch {
	case c == nil || c.name.Len() > 0 && c.name.level != level || c.name.String() == string(text):
		return
	case c.name.Len() > 0 && c.arguments.Len() > 0:
		if c = a.newCall(c.index, level); c == nil {
			return
		}
		a.last = c
	}
	c.name.add(level, text)
}
