package outfile

import (
	"fmt"
	"io"
)

// spare is left free on a disk: a full one stops others, too.
const spare = 64 << 20

// lookEvery is how much is written between two looks at the disk.
const lookEvery = 32 << 20

// NoRoomError says that a content is larger than it may be, or than the disk has room for. What was written of it is
// of no use.
type NoRoomError struct{ what string }

// Error says which bound it was.
func (e *NoRoomError) Error() string { return e.what }

// Room refuses a content of a size for which the disk of a folder has no room. Where the room is not known there is
// enough.
func Room(dir string, size int64) error {
	if free, known := free(dir); known && size > free-spare {
		const mega = 1_000_000
		what := fmt.Sprintf("%d MB to come, and the disk of %s has %d MB free", (max(size, 1)-1)/mega+1, dir, free/mega)
		return &NoRoomError{what}
	}
	return nil
}

// Bounded writes a content whose size another side chooses. It is not for concurrent use.
type Bounded struct {
	W    io.Writer
	Dir  string // whose disk is filled
	Most int64  // bytes; more are a *NoRoomError
	Why  string // that is the bound, as "which the server announced"
	Done int64  // bytes that are there

	looked int64
}

// Write writes data, or nothing and a *NoRoomError.
func (b *Bounded) Write(data []byte) (int, error) {
	n := int64(len(data))
	if n > b.Most-b.Done {
		return 0, &NoRoomError{fmt.Sprintf("the content is larger than %d bytes, %s", b.Most, b.Why)}
	}
	if b.looked -= n; b.looked < 0 {
		if err := Room(b.Dir, n); err != nil {
			return 0, err
		}
		b.looked = lookEvery
	}
	written, err := b.W.Write(data)
	b.Done += int64(written)
	return written, err
}
