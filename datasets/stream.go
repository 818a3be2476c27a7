package datasets

import (
	"fmt"
	"io"
	"sync"
)

// window and windowBytes limit the items that a Stream remembers, and the size of their texts.
const (
	window      = 1 << 16
	windowBytes = 64 << 20
)

// block and blockBytes limit the items that a Stream shuffles at a time, and the size of their texts.
const (
	block      = 1 << 13
	blockBytes = 64 << 20
)

// Stream is a set of files too large for memory. It reads them as far as items are asked for, and again from the front
// past the end. It remembers its last items, because they are asked for out of order and, in a distributed test, some
// instances ask only for every second or third. An item that is asked for later than that is found by reading again
// from the front.
//
// A seed shuffles blocks of 8192 items each, or fewer if the items are large.
type Stream struct {
	files []File
	kind  Kind
	opts  Options

	mu         sync.Mutex
	reader     *reader
	recent     map[int64]Item
	order      []int64 // keys of recent, oldest first
	bytes      int     // size of the texts in recent
	ahead      []Item  // rest of the current block, in its order
	next       int64   // number of the next item, from 0 again for each pass
	length     int64   // -1 until the end was seen
	nextReport int64   // number of records after which Seen is called next
}

// OpenStream opens files and reads their first item, so that a fault at the start is reported at once.
func OpenStream(files []File, kind Kind, opts Options) (*Stream, error) {
	s := &Stream{files: files, kind: kind, opts: opts, length: -1, nextReport: 1000, recent: map[int64]Item{}}
	s.restart()
	_, err := s.At(0)
	return s, err
}

// restart goes back to the front of the files. It keeps the remembered items: at the end of a pass some callers still
// ask for its last items.
func (s *Stream) restart() {
	if s.reader != nil {
		s.reader.close()
	}
	s.reader = newReader(s.files, s.kind, s.opts)
	s.ahead, s.next = nil, 0
}

// At returns item number i. It fails if it must read on and cannot.
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
				return s.reader.noItemError()
			}
			s.length = s.next
			s.restart()
			return nil
		}
	}
	s.remember(s.next, s.ahead[0])
	s.ahead[0] = Item{} // only recent keeps the item
	s.ahead = s.ahead[1:]
	s.next++
	return nil
}

// remember keeps an item and forgets the oldest items.
func (s *Stream) remember(k int64, item Item) {
	if _, known := s.recent[k]; known {
		return
	}
	s.recent[k] = item
	s.order = append(s.order, k)
	s.bytes += item.size()
	for len(s.order) > window || s.bytes > windowBytes && len(s.order) > 1 {
		s.bytes -= s.recent[s.order[0]].size()
		delete(s.recent, s.order[0])
		s.order = s.order[1:]
	}
}

// size returns the number of bytes of an item's texts.
func (i Item) size() int {
	n := len(i.Prompt) + len(i.Chat) + len(i.Params)
	for _, m := range i.Messages {
		n += len(m.Content)
	}
	return n
}

// readBlock reads the items that are shuffled together: one item without a seed.
func (s *Stream) readBlock() error {
	n := 1
	if s.opts.Seed != nil {
		n = block
	}
	s.ahead = s.ahead[:0]
	for bytes := 0; len(s.ahead) < n && bytes < blockBytes; {
		item, err := s.reader.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("reading on: %w", err)
		}
		s.ahead = append(s.ahead, item)
		bytes += item.size()
	}
	s.reportSeen(len(s.ahead) == 0)
	if s.opts.Seed != nil {
		shuffle(s.ahead, *s.opts.Seed+s.next)
	}
	return nil
}

// reportSeen calls Seen during the first pass through the files.
func (s *Stream) reportSeen(end bool) {
	c := s.reader.counts
	n := c.Records()
	if s.opts.Seen == nil || s.length >= 0 || !end && n < s.nextReport {
		return
	}
	for s.nextReport <= n {
		s.nextReport *= 10
	}
	s.opts.Seen(c, end)
}

// Len returns the number of items, and false while the end has not been seen.
func (s *Stream) Len() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.length), s.length >= 0
}
