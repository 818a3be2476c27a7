package trace

import (
	"math"
	"strconv"
	"time"
)

// place is where a record is read again, and when it went: 24 bytes, for each record of a trace.
type place struct {
	at     uint64        // the offset, the number of the file, and whether it is in the spool
	start  time.Duration // on the trace's clock; never if the record has no instant
	length uint32
	line   uint32
}

// never is the start of a record without an instant.
const never = math.MinInt64

// offsetBits is enough for files of 16 TiB, and leaves room for half a million files.
const (
	offsetBits = 44
	fileBits   = 19
)

// file returns the number of the file of a record.
func (p place) file() int { return int(p.at >> offsetBits & (1<<fileBits - 1)) }

// spooled reports whether a record is read again from the spool.
func (p place) spooled() bool { return p.at>>(offsetBits+fileBits) != 0 }

// offset returns where the record is, in the file or in the spool.
func (p place) offset() int64 { return int64(p.at & (1<<offsetBits - 1)) }

// origin returns the file and the line of a record.
func (p place) origin(files []File) string {
	return files[p.file()].Name + ":" + strconv.FormatUint(uint64(p.line), 10)
}

// placeList is a list of places that grows without being copied. The zero value is ready.
type placeList struct {
	chunks [][]place // all but the last have chunkPlaces
	n      int
}

// chunkPlaces is how many places are allocated at once, unless there are fewer.
const chunkPlaces = 1 << 14

// newPlaceList returns a list of n places.
func newPlaceList(n int) (l placeList) {
	for l.n = n; n > 0; n -= chunkPlaces {
		l.chunks = append(l.chunks, make([]place, min(n, chunkPlaces)))
	}
	return l
}

// add appends a place.
func (l *placeList) add(p place) {
	last := l.n / chunkPlaces
	switch {
	case last == len(l.chunks) && last == 0:
		l.chunks = append(l.chunks, nil) // it grows
	case last == len(l.chunks):
		l.chunks = append(l.chunks, make([]place, 0, chunkPlaces))
	}
	l.chunks[last] = append(l.chunks[last], p)
	l.n++
}

// at returns place number i.
func (l *placeList) at(i int) *place { return &l.chunks[i/chunkPlaces][i%chunkPlaces] }
