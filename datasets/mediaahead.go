package datasets

import "sync"

// aheadBytes is how many bytes of new files are made ahead, and aheadItems for how many requests at most.
const aheadBytes, aheadItems = 64 << 20, 64

// mediaAhead makes the new files of the next items while those before are sent, one file at a time so that the other
// processors are free to send. The items that one instance draws have equal distances; where they have not, items wait
// for their own files.
type mediaAhead struct {
	m *Multimodal

	mu      sync.Mutex
	off     bool  // there are no new files, or nobody used those made ahead
	running bool  // a goroutine makes files
	top     int64 // highest number drawn; -1 if none was
	stride  int64 // smallest distance between two; 0 is unknown
	made    int64 // highest number made ahead
	depth   int64 // items to make ahead
	unused  int64 // files made ahead, less those that were used
}

func newMediaAhead(m *Multimodal) *mediaAhead {
	return &mediaAhead{m: m, off: m.options.Each == nil || m.options.Pool.Size > 0 && m.options.Pool.Reuse >= 1,
		top: -1, made: -1, depth: 4}
}

// passed notes that an item is drawn, and lets the files of those that follow be made.
func (a *mediaAhead) passed(i int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.off || i <= a.top {
		return
	}
	if gap := i - a.top; a.top >= 0 && (a.stride == 0 || gap < a.stride) {
		a.stride = gap
	}
	a.top = i
	if a.stride > 0 && !a.running {
		a.running = true
		go a.work()
	}
}

// used notes that a new file was drawn, and whether it was made ahead.
func (a *mediaAhead) used(ahead bool) {
	if ahead {
		a.mu.Lock()
		a.unused--
		a.mu.Unlock()
	}
}

// work makes files until enough items have theirs.
func (a *mediaAhead) work() {
	for {
		i, ok := a.next()
		if !ok {
			return
		}
		bytes, files := int64(0), int64(0)
		for _, each := range a.m.each.draw(i) {
			if each.pooled {
				continue
			}
			made, err := a.m.store.get(each.file, false)
			if err != nil {
				continue // the item that needs it tells
			}
			bytes += made.Bytes
			files++
		}
		a.note(bytes, files)
	}
}

// next returns the number of the next item to make files for, and false if there is none for now.
func (a *mediaAhead) next() (int64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := max(a.made, a.top) + 1
	if behind := (i - a.top) % a.stride; behind != 0 {
		i += a.stride - behind
	}
	if a.off || i > a.top+a.depth*a.stride {
		a.running = false
		return 0, false
	}
	a.made = i
	return i, true
}

// note takes how much the files of an item are.
func (a *mediaAhead) note(bytes, files int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if files == 0 {
		return
	}
	a.depth = min(max(aheadBytes/max(bytes, 1), 1), aheadItems)
	a.unused += files
	if a.unused > 4*aheadItems*files {
		a.off = true
	}
}

// begin notes that the files of the first n items are made.
func (a *mediaAhead) begin(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made = max(a.made, n-1)
}
