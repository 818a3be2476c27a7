package run

import (
	"encoding/binary"
	"math"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Details holds what few figures need of a request. It stays packed until [Request.Details] is called.
type Details struct {
	Connected, FirstByte, Attempt int64 // 0 if the event never happened
	BytesSent, BytesReceived      int64
	// WriteDelay is the time from when a connection was available until the request was written, 0 if unknown.
	WriteDelay int64

	Turn, PromptAsked, Retries     int32
	ClientPrompt, ClientCompletion int32 // counted by the client, or none
	ServerReasoning                int32 // part of the server's completion tokens, or none
	PromptRaw                      bool
	PromptHash                     record.Hash
	// Inputs is the number of texts or documents that the request has, VectorLength and Scores describe its answer.
	// Each is none where there is no such number.
	Inputs, VectorLength, Scores int32

	figures            figures
	prefix             string
	id, session, error []byte
	call               []byte // packed; see packCall
}

// ID returns the request's ID.
func (d *Details) ID() string { return d.prefix + string(d.id) }

// SessionID returns the ID of the request's session, "" if it has none.
func (d *Details) SessionID() string { return string(d.session) }

// Error returns the message of a failure.
func (d *Details) Error() string { return string(d.error) }

// newDetails returns the details of a record, which they share the memory of.
func newDetails(rec *record.Request, c record.Counts) Details {
	d := Details{
		Connected: rec.Connected, FirstByte: rec.FirstByte, Attempt: rec.Attempt, BytesSent: rec.BytesSent,
		BytesReceived: rec.BytesReceived, WriteDelay: writeDelay(rec), Turn: narrow(rec.Turn),
		PromptAsked: narrow(rec.PromptAsked), Retries: narrow(rec.Retries),
		ClientPrompt: narrowOrNone(rec.Prompt), ClientCompletion: narrowOrNone(rec.Completion),
		ServerReasoning: none, PromptRaw: rec.PromptRaw, PromptHash: rec.PromptHash,
		Inputs: orNone(rec.Inputs), VectorLength: orNone(rec.VectorLength), Scores: orNone(rec.Scores),
		figures: newFigures(rec, c),
	}
	n := gjson.GetBytes(rec.Usage, "completion_tokens_details.reasoning_tokens")
	if !n.Exists() {
		n = gjson.GetBytes(rec.Usage, "output_tokens_details.reasoning_tokens")
	}
	if n.Type == gjson.Number &&
		n.Num >= 0 && n.Num < math.MaxInt32 {
		d.ServerReasoning = int32(n.Num)
	}
	return d
}

// writeDelay returns how long the write took, and 0 for a request too long for the system to accept at once: the
// writing of a long request waits for the network, too.
func writeDelay(rec *record.Request) int64 {
	const acceptedAtOnce = 64 << 10 // bytes, fewer than the buffer of a connection holds
	if rec.Written == 0 || rec.Connected == 0 || rec.BytesSent > acceptedAtOnce {
		return 0
	}
	return max(0, rec.Written-max(rec.Connected, rec.Start))
}

func narrowOrNone(n *int) int32 {
	if n == nil {
		return none
	}
	return narrow(*n)
}

// orNone returns a number that may be missing.
func orNone(n *int64) int32 {
	if n == nil {
		return none
	}
	return narrow(int(min(*n, math.MaxInt32)))
}

// Flags with which the packed details begin.
const (
	promptRaw    = 1 << iota
	promptHashed // the hash follows
)

// HashOf returns the hash of a request's body, 0 if it is unknown. It is faster than [Request.Details].
func HashOf(q *Request) record.Hash {
	if len(q.packed) == 0 || q.packed[0]&promptHashed == 0 {
		return 0
	}
	return record.Hash(binary.LittleEndian.Uint64(q.packed[1:]))
}

// packDetails appends the details of a request. The instants are packed as their distances from its start, so that they
// move with it.
func packDetails(dst []byte, d *Details, rec *record.Request, q *Request) []byte {
	flags := byte(0)
	if d.PromptRaw {
		flags |= promptRaw
	}
	if d.PromptHash != 0 {
		flags |= promptHashed
	}
	if dst = append(dst, flags); d.PromptHash != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d.PromptHash))
	}
	for _, at := range [...]int64{d.Connected, d.FirstByte, d.Attempt} {
		dst = packInstant(dst, at, q.Start)
	}
	for _, n := range [...]int64{
		d.BytesSent, d.BytesReceived, d.WriteDelay, int64(d.Turn), int64(d.PromptAsked), int64(d.Retries),
		int64(d.ClientPrompt), int64(d.ClientCompletion), int64(d.ServerReasoning),
	} {
		dst = binary.AppendVarint(dst, n)
	}
	if q.TakesInputs {
		for _, n := range [...]int32{d.Inputs, d.VectorLength, d.Scores} {
			dst = binary.AppendVarint(dst, int64(n))
		}
	}
	if q.derived = d.figures.same(q.derive()); !q.derived {
		for _, seconds := range d.figures {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(seconds))
		}
	}
	for _, text := range [...]string{rec.ID[len(q.idPrefix):], rec.SessionID, rec.Error} {
		dst = packText(dst, text)
	}
	if q.Replayed {
		dst = packText(dst, d.call)
	}
	return dst
}

// packInstant appends an instant that may be 0, as its distance from another.
func packInstant(dst []byte, at, start int64) []byte {
	if at == 0 {
		return append(dst, 0)
	}
	return binary.AppendUvarint(dst, zigzag(at-start)+1)
}

// ID returns the request's ID.
func (q *Request) ID() string {
	d := q.Details()
	return d.ID()
}

// Details unpacks the details of a request.
func (q *Request) Details() Details {
	d, _ := q.unpackDetails()
	return d
}

// unpackDetails returns the details, and what is packed after them.
func (q *Request) unpackDetails() (d Details, rest unpacker) {
	u := unpacker{q.packed}
	d.PromptRaw = u.byte()&promptRaw != 0
	if d.PromptHash = HashOf(q); d.PromptHash != 0 {
		u.data = u.data[8:]
	}
	d.Connected, d.FirstByte, d.Attempt = u.instant(q.Start), u.instant(q.Start), u.instant(q.Start)
	d.BytesSent, d.BytesReceived, d.WriteDelay = u.int64(), u.int64(), u.int64()
	d.Turn, d.PromptAsked, d.Retries = u.int32(), u.int32(), u.int32()
	d.ClientPrompt, d.ClientCompletion, d.ServerReasoning = u.int32(), u.int32(), u.int32()
	d.Inputs, d.VectorLength, d.Scores = none, none, none
	if q.TakesInputs {
		d.Inputs, d.VectorLength, d.Scores = u.int32(), u.int32(), u.int32()
	}
	if !q.derived {
		for i := range d.figures {
			d.figures[i] = u.float64()
		}
	}
	d.prefix, d.id, d.session, d.error = q.idPrefix, u.text(), u.text(), u.text()
	if q.Replayed {
		d.call = u.text()
	}
	return d, u
}

// unpacker reads what this package packed from the front of data.
type unpacker struct{ data []byte }

func (u *unpacker) byte() byte {
	b := u.data[0]
	u.data = u.data[1:]
	return b
}

func (u *unpacker) uint64() uint64 {
	if b := u.data[0]; b < 0x80 { // most numbers are small
		u.data = u.data[1:]
		return uint64(b)
	}
	n, size := binary.Uvarint(u.data)
	u.data = u.data[size:]
	return n
}

func (u *unpacker) int64() int64 { return unzigzag(u.uint64()) }
func (u *unpacker) int32() int32 { return int32(u.int64()) } // packed from an int32

func (u *unpacker) instant(start int64) int64 {
	n := u.uint64()
	if n == 0 {
		return 0
	}
	return start + unzigzag(n-1)
}

func (u *unpacker) float64() float64 {
	bits := binary.LittleEndian.Uint64(u.data)
	u.data = u.data[8:]
	return math.Float64frombits(bits)
}

func (u *unpacker) text() []byte {
	n := u.uint64()
	text := u.data[:n]
	u.data = u.data[n:]
	return text
}

// zigzag maps numbers near 0 to small ones without a sign.
func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(z uint64) int64 { return int64(z>>1) ^ -int64(z&1) }
