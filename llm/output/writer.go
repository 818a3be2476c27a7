package output

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

const (
	// fullBlock is the size, in bytes, from which a block is written before its second is over: larger writes keep a
	// processor longer.
	fullBlock = 64 << 10
	// maxHeld and maxBlocks bound the lines that wait for the disk, in bytes and in blocks.
	maxHeld, maxBlocks = 256 << 20, 4096
	// slowDisk is how far behind the load the writer is when a user is told.
	slowDisk = 5 * time.Second
)

// block holds whole lines.
type block struct {
	text    []byte
	lines   int
	made    time.Time // when the first line was made
	full    bool      // more lines follow at once
	private bool      // it has texts of requests or answers
}

// writer writes blocks on a goroutine of its own. The other methods are called on one other goroutine.
type writer struct {
	file     *file
	log      logrus.FieldLogger
	path     string // in messages
	blocks   chan block
	used     chan []byte // memory of blocks that are written
	stopping chan struct{}
	stopped  chan struct{} // closed when all is written, or cannot be

	held    atomic.Int64 // bytes that wait for the disk
	oldest  atomic.Int64 // when the block that is being written was made, in Unix nanoseconds; 0 if there is none
	failing atomic.Bool  // the last write failed

	slow bool  // the user knows that the disk is slow
	most int64 // bytes that may wait
	lost int   // lines for which there was no room in memory, or none on the disk at the end

	err error // of the last write; for finish
}

func startWriter(f *file, log logrus.FieldLogger) *writer {
	w := &writer{file: f, log: log, path: plain.Terminal(f.path), most: maxHeld, blocks: make(chan block, maxBlocks),
		used: make(chan []byte, 4), stopping: make(chan struct{}), stopped: make(chan struct{})}
	go w.run()
	return w
}

// put hands a block over, or counts its lines as lost when too much is waiting already.
func (w *writer) put(b block) {
	if held := w.held.Add(int64(len(b.text))); held <= w.most {
		select {
		case w.blocks <- b:
			return
		default:
		}
	}
	w.held.Add(-int64(len(b.text)))
	if w.lost == 0 {
		w.log.Errorf("%.1f MB of records wait for the disk of %s: from now on records are lost, and the run fails",
			mega(w.held.Load()), w.path)
	}
	w.lost += b.lines
}

// room returns memory for the next block.
func (w *writer) room() []byte {
	select {
	case text := <-w.used:
		return text[:0]
	default:
		return make([]byte, 0, fullBlock+fullBlock/4)
	}
}

// reuse keeps the memory of a block that is written, unless it is large or there is enough.
func (w *writer) reuse(text []byte) {
	if cap(text) > 2*fullBlock {
		return
	}
	select {
	case w.used <- text:
	default:
	}
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// tell logs once that the disk is slow. Errors of the disk are logged when they happen.
func (w *writer) tell() {
	oldest := w.oldest.Load()
	if oldest == 0 || w.slow || w.failing.Load() {
		return
	}
	if behind := time.Since(time.Unix(0, oldest)); behind >= slowDisk {
		w.slow = true
		w.log.Warnf("the disk of %s is slow: it is %s behind the load, and %.1f MB of records wait in memory. The "+
			"load and the times in the records do not suffer, but above %d MB records are lost", w.path,
			behind.Round(time.Second), mega(w.held.Load()), w.most>>20)
	}
}

// finish writes the last block after all others, and returns the error that was left in the end.
func (w *writer) finish(last block) error {
	waits := time.AfterFunc(2*time.Second, func() {
		w.log.Infof("the end of the test waits for the disk: %.1f MB of records are not in %s yet",
			mega(w.held.Load()), w.path)
	})
	defer waits.Stop()
	close(w.stopping)
	w.held.Add(int64(len(last.text)))
	w.blocks <- last
	close(w.blocks)
	<-w.stopped
	return w.err
}

func (w *writer) run() {
	defer close(w.stopped)
	lost := 0
	for b := range w.blocks {
		if w.err != nil {
			lost += b.lines
			continue
		}
		w.oldest.Store(b.made.UnixNano())
		w.err = w.persist(b)
		w.oldest.Store(0)
		w.held.Add(-int64(len(b.text)))
		w.reuse(b.text)
	}
	<-w.stopping // from now on no other goroutine counts
	w.lost += lost
}

// persist writes a block. It tries again until it succeeds, or once more when the output stops.
func (w *writer) persist(b block) error {
	for stopping := false; ; {
		err := w.write(b)
		w.report(err)
		if err == nil || stopping {
			return err
		}
		select {
		case <-time.After(flushPeriod):
		case <-w.stopping:
			stopping = true
		}
		b = block{} // its lines are with what the file could not write
	}
}

// write puts the file back if it is gone, closes it to other users before texts come into it, and writes a block.
func (w *writer) write(b block) error {
	remark, err := w.file.rescue()
	if remark != "" {
		w.log.Warn(remark)
	}
	if b.private {
		if err := w.file.keepPrivate(); err != nil { // as on some network drives
			w.log.WithError(err).Warnf("the texts of requests and answers in %s can be read by others", w.path)
		}
	}
	return errors.Join(err, w.file.write(b))
}

// report logs the first of several errors in a row.
func (w *writer) report(err error) {
	if failed := w.failing.Swap(err != nil); err != nil && !failed {
		w.log.WithError(err).Errorf("records are not being written to %s; what fits in memory is kept and tried again",
			w.path)
	}
}
