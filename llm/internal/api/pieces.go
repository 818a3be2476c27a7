package api

// Piece is a piece of Delta.Aside. The pieces are in the order of that text, and their sizes add up to its length.
type Piece struct {
	Kind PieceKind
	Size int // bytes of Delta.Aside

	Index int  // of a PieceCall: by which the server tells the calls of an answer apart; -1 if it does not
	Named bool // of a PieceCall: a name follows
	id    []byte
}

// PieceKind is a kind of pieces.
type PieceKind uint8

// The kinds of pieces.
const (
	PieceReasoning PieceKind = iota
	PieceCall                // without text: what follows is of this call of a tool
	PieceServer              // without text: what follows is of a tool that the server itself calls
	PieceName                // of the tool
	PieceArguments
)

// AppendID appends the id of a PieceCall, if it has one.
func (p *Piece) AppendID(dst []byte) []byte { return appendUnescaped(dst, p.id) }

// piece adds the piece that Aside got since it had from bytes, unless that is empty.
func (d *Delta) piece(kind PieceKind, from int) {
	if size := len(d.Aside) - from; size > 0 {
		d.Pieces = append(d.Pieces, Piece{Kind: kind, Size: size})
	}
}

// beginCall begins the pieces of a call, and returns the place of the first.
func (d *Delta) beginCall(index int) (at int) {
	d.Pieces = append(d.Pieces, Piece{Kind: PieceCall, Index: index})
	return len(d.Pieces) - 1
}

// noPiece is the place of none.
const noPiece = -1

// inCall begins a call unless one begins at the place, and returns the place.
func (d *Delta) inCall(at, index int) int {
	if at == noPiece {
		return d.beginCall(index)
	}
	return at
}

// endCall ends the pieces of what turns out to be a call, or none. servers says that the server itself calls the tool.
func (d *Delta) endCall(at int, servers bool) {
	begin, empty := &d.Pieces[at], true
	for _, p := range d.Pieces[at+1:] {
		begin.Named = begin.Named || p.Kind == PieceName
		empty = empty && p.Kind == PieceReasoning
	}
	switch {
	case empty && len(begin.id) == 0 && len(d.Pieces) == at+1:
		d.Pieces = d.Pieces[:at]
	case empty && len(begin.id) == 0, servers:
		begin.Kind = PieceServer
	}
}

// place reads an index; it returns noIndex for anything else.
func place(raw []byte) int {
	n := 0
	for _, c := range raw {
		if c < '0' || c > '9' || n > 1<<20 {
			return noIndex
		}
		n = 10*n + int(c-'0')
	}
	if len(raw) == 0 {
		return noIndex
	}
	return n
}

// bare returns what is between the quotes of a string token, and nothing of any other value.
func bare(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}
