package outfile

import (
	"fmt"
	"io"
)

// reserve is how many bytes stay free on a disk: a full disk stops other programs, too.
const reserve = 64 << 20

// checkEvery is how many bytes are written between two checks of the disk.
const checkEvery = 32 << 20

// NoRoomError reports that content is larger than its bound or than the room on the disk. The part that was written is
// of no use.
type NoRoomError struct{ what string }

// Error names the bound.
func (e *NoRoomError) Error() string { return e.what }

// Room returns a *NoRoomError if the disk of a folder has no room for size bytes. A disk whose room is not known has
// enough.
func Room(dir string, size int64) error {
	if free, known := free(dir); known && size > free-reserve {
		const mega = 1_000_000
		what := fmt.Sprintf("%d MB to come, and the disk of %s has %d MB free", (max(size, 1)-1)/mega+1, dir, free/mega)
		return &NoRoomError{what}
	}
	return nil
}

// Bounded writes content whose size another side chooses. It is for one goroutine.
type Bounded struct {
	W    io.Writer
	Dir  string // a folder on the disk that is written to
	Most int64  // bytes; more cause a *NoRoomError
	Why  string // the reason of Most, such as "which the server announced"
	Done int64  // bytes written so far

	unchecked int64 // bytes until the next check of the disk
}

// Write writes all of data, or returns a *NoRoomError and writes nothing.
func (b *Bounded) Write(data []byte) (int, error) {
	n := int64(len(data))
	if n > b.Most-b.Done {
		return 0, &NoRoomError{fmt.Sprintf("the content is larger than %d bytes, %s", b.Most, b.Why)}
	}
	if b.unchecked -= n; b.unchecked < 0 {
		if err := Room(b.Dir, n); err != nil {
			return 0, err
		}
		b.unchecked = checkEvery
	}
	written, err := b.W.Write(data)
	b.Done += int64(written)
	return written, err
}
