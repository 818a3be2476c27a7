package run

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// packLists appends the lists of a record: the arrivals, and the tokens of the chunks as running totals.
func packLists(dst []byte, rec *record.Request, totals *[]int64) []byte {
	dst = packTimes(dst, rec.Chunks)
	if len(rec.ChunkTokens) > 0 {
		*totals = (*totals)[:0]
		sum := int64(0)
		for _, n := range rec.ChunkTokens {
			sum += int64(n)
			*totals = append(*totals, sum)
		}
		dst = packTimes(dst, *totals)
	}
	dst = packTimes(dst, rec.Reasoning)
	return packTimes(dst, rec.ToolCalls)
}

// packTimes appends ascending numbers: the first, and the Rice code of each gap's distance from the mean gap. So a gap
// takes about as many bits as its jitter has, which is less than its size. A code consists of a quotient, as so many
// zeros and a one, and of the lowest bits, as many as the middle one of the distances has, less one.
func packTimes(dst []byte, times []int64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(times)))
	if len(times) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(times[0])) // the reader refuses negative ones
	last := len(times) - 1
	if last == 0 {
		return dst
	}
	mean := (times[last] - times[0]) / int64(last)
	dst = binary.AppendUvarint(dst, uint64(mean)) // the reader refuses times that go backwards
	low := lowBits(times, mean)
	dst = append(dst, byte(low))
	w := bitWriter{dst: dst}
	for i, t := range times[1:] {
		z := zigzag(t - times[i] - mean)
		if quotient := z >> low; quotient < escape {
			w.put(1<<quotient|(z&(1<<low-1))<<(quotient+1), uint(quotient)+1+low)
			continue
		}
		w.put(1<<escape, escape+1)
		w.put(z&(1<<32-1), 32)
		w.put(z>>32, 32)
	}
	return w.end()
}

const (
	escape     = 15 // zeros in front of a distance that is written in full
	mostLow    = 40 // so that a code has at most 56 bits, which is what bitReader reads at once
	bitsAtOnce = 56
)

// lowBits returns the number of low bits for the distances of gaps from the mean gap.
func lowBits(times []int64, mean int64) uint {
	var lengths [65]int
	for i, t := range times[1:] {
		lengths[bits.Len64(zigzag(t-times[i]-mean))]++
	}
	length, left := 0, (len(times)-1)/2
	for left >= lengths[length] {
		left -= lengths[length]
		length++
	}
	return uint(min(max(length-1, 0), mostLow))
}

// unpackTimes appends packed numbers to times.
func (u *unpacker) unpackTimes(times []int64) []int64 {
	n := int(u.uint64()) // packTimes wrote it from an int
	if n == 0 {
		return times
	}
	times = slices.Grow(times, n)
	at := int64(u.uint64())
	times = append(times, at)
	if n == 1 {
		return times
	}
	mean, low := int64(u.uint64()), uint(u.byte())
	mask := uint64(1)<<low - 1
	r := bitReader{data: u.data}
	for range n - 1 {
		word := r.peek()
		quotient := uint(bits.TrailingZeros64(word))
		var z uint64
		if quotient < escape {
			z = uint64(quotient)<<low | word>>(quotient+1)&mask
			r.at += quotient + 1 + low
		} else {
			r.at += escape + 1
			z = r.take32()
			z |= r.take32() << 32
		}
		at += mean + unzigzag(z)
		times = append(times, at)
	}
	u.data = u.data[(r.at+7)/8:]
	return times
}

// bitWriter appends bits to bytes, the lowest bit first.
type bitWriter struct {
	dst  []byte
	word uint64
	n    uint // bits in word, fewer than 8 between calls
}

// put appends the lowest bits of x, at most 56. The others must be 0.
func (w *bitWriter) put(x uint64, n uint) {
	w.word |= x << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.dst = append(w.dst, byte(w.word))
		w.word >>= 8
	}
}

// end appends the bits of a last byte.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.dst = append(w.dst, byte(w.word))
	}
	return w.dst
}

// bitReader reads what a bitWriter wrote.
type bitReader struct {
	data []byte
	at   uint // in bits
}

// peek returns the next bits, at least 56 of them or all that are left.
func (r *bitReader) peek() uint64 {
	from := r.at / 8
	if from+8 <= uint(len(r.data)) {
		return binary.LittleEndian.Uint64(r.data[from:]) >> (r.at % 8)
	}
	var word uint64
	for i, b := range r.data[from:] {
		word |= uint64(b) << (8 * i)
	}
	return word >> (r.at % 8)
}

func (r *bitReader) take32() uint64 {
	x := r.peek() & (1<<32 - 1)
	r.at += 32
	return x
}

// Unpack fills the lists and the usage map of rec, and reuses their memory.
func (q *Request) Unpack(rec *record.Request) {
	u := q.unpackChunks(rec)
	rec.Reasoning = u.unpackTimes(rec.Reasoning[:0])
	rec.ToolCalls = u.unpackTimes(rec.ToolCalls[:0])
	rec.Usage = fillPattern(rec.Usage[:0], q.usage, u)
}

// UnpackChunks fills the content chunks of rec and their tokens, and reuses their memory. The other lists are lost.
func (q *Request) UnpackChunks(rec *record.Request) { q.unpackChunks(rec) }

// unpackChunks returns what is packed after the chunks.
func (q *Request) unpackChunks(rec *record.Request) (rest unpacker) {
	_, u := q.unpackDetails()
	rec.Chunks = u.unpackTimes(rec.Chunks[:0])
	rec.ChunkTokens = rec.ChunkTokens[:0]
	rec.Reasoning = rec.Reasoning[:0]
	if q.Tokenized {
		rec.Reasoning = u.unpackTimes(rec.Reasoning) // the running totals, for a moment
		last := int64(0)
		for _, total := range rec.Reasoning {
			rec.ChunkTokens, last = append(rec.ChunkTokens, int(total-last)), total
		}
	}
	return u
}
