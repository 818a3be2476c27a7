package datasets

import (
	"fmt"
	"io"
	"sync"
)

// window is how many items a Stream remembers.
const window = 1 << 16

// block is how many items a Stream shuffles at a time.
const block = 1 << 13

// Stream is a set of files too large for memory: they are read as far as items are asked for, and again from the front
// past the end. Its last items are remembered, for they are asked for in disorder, and by some instances of a test only
// every second or third; one asked for later than that is found by reading again from the front.
//
// A seed shuffles blocks of 8192 items each.
type Stream struct {
	files []File
	kind  Kind
	opts  Options

	mu     sync.Mutex
	read   *reader
	recent map[int64]Item
	ahead  []Item // of the block begun, in its order
	next   int64  // number of the next item to come, from 0 on again for each pass
	length int64  // -1 until the end was seen
}

// OpenStream opens files and reads their first item, so that what is wrong from the start is told at once.
func OpenStream(files []File, kind Kind, opts Options) (*Stream, error) {
	s := &Stream{files: files, kind: kind, opts: opts, length: -1}
	s.restart()
	_, err := s.At(0)
	return s, err
}

func (s *Stream) restart() {
	if s.read != nil {
		s.read.close()
	}
	s.read = &reader{files: s.files, kind: s.kind, opts: s.opts}
	s.recent, s.ahead, s.next = map[int64]Item{}, nil, 0
}

// At is item number i. It reads on if it must, which errors are of.
func (s *Stream) At(i int64) (Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		k := i
		if s.length > 0 {
			k = i % s.length
		}
		if item, ok := s.recent[k]; ok {
			return item, nil
		}
		if k < s.next {
			s.restart()
		}
		if err := s.advance(); err != nil {
			return Item{}, err
		}
	}
}

// advance reads one item into recent, or finds the end.
func (s *Stream) advance() error {
	if len(s.ahead) == 0 {
		if err := s.readBlock(); err != nil {
			return err
		}
		if len(s.ahead) == 0 {
			if s.next == 0 {
				return s.read.nothing()
			}
			s.length = s.next
			s.restart()
			return nil
		}
	}
	s.recent[s.next] = s.ahead[0]
	s.ahead = s.ahead[1:]
	delete(s.recent, s.next-window)
	s.next++
	return nil
}

// readBlock reads what is shuffled together: one item without a seed.
func (s *Stream) readBlock() error {
	n := 1
	if s.opts.Seed != nil {
		n = block
	}
	s.ahead = make([]Item, 0, n)
	for len(s.ahead) < n {
		item, err := s.read.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("reading on: %w", err)
		}
		s.ahead = append(s.ahead, item)
	}
	if s.opts.Seed != nil {
		shuffle(s.ahead, *s.opts.Seed+s.next)
	}
	return nil
}

// Len is the number of items, and false while the end has not been seen.
func (s *Stream) Len() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.length), s.length >= 0
}
