package sim

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
)

// queue admits a number of requests at a time. Those that wait stand in lines, each in the order of its arrivals: in
// one line under fifo, else in a line for each priority. The next to be admitted is the first of the line with the
// smallest key. A request comes and is admitted in O(log lines), and leaves in O(1).
type queue struct {
	scheduling string
	high       bool // high priorities go first
	weights    map[int]float64
	stopped    func() bool // nobody is admitted while it is true; nil means never

	mu      sync.Mutex
	places  int
	free    int // below 0 while more are processed than there are places
	waiting int
	lines   map[int]*line
	order   lines
	now     float64 // key of the line that was served last
}

// line is the requests of a priority that wait. Its key is fixed by the priority, or under fair scheduling what the
// priority has had, in tokens over its weight: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), in which
// the key is the start tag of the line's first request, and a line that had nobody waiting begins at the key that was
// served last, so that nobody saves up for later.
type line struct {
	priority int
	key      float64
	list.List
}

// waiter is a request that waits.
type waiter struct {
	work float64       // tokens
	turn chan struct{} // closed when it is admitted
	line *line
	at   *list.Element
}

func newQueue(o *Options) *queue {
	return &queue{scheduling: o.Scheduling, high: o.PriorityOrder == OrderHigh, weights: o.Weights,
		places: o.MaxNumSeqs, free: o.MaxNumSeqs, lines: map[int]*line{}}
}

// enter waits for a place, and reports whether it got one before ctx ended.
func (q *queue) enter(ctx context.Context, priority int, work float64) bool {
	w := q.join(priority, work)
	if w == nil {
		return true
	}
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
		q.quit(w)
		return false
	}
}

// join takes a place, and else, where somebody has to wait, returns a waiter at the end of a line.
func (q *queue) join(priority int, work float64) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free > 0 && q.waiting == 0 && q.scheduling != ScheduleFair && !q.stands() {
		q.free--
		return nil
	}
	w := &waiter{work: work, turn: make(chan struct{}), line: q.line(priority)}
	w.at = w.line.PushBack(w)
	q.waiting++
	q.fill()
	return w
}

// stands reports whether nobody is admitted.
func (q *queue) stands() bool { return q.stopped != nil && q.stopped() }

// resume admits those who could not be admitted while the server was stopped.
func (q *queue) resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fill()
}

// resize changes the number of places.
func (q *queue) resize(places int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += places - q.places
	q.places = places
	q.fill()
}

// fill admits who waits, while there are places.
func (q *queue) fill() {
	if q.stands() {
		return
	}
	for q.free > 0 && q.waiting > 0 {
		q.free--
		q.next()
	}
}

// quit takes a waiter out of its line. If its turn came at the same moment, the place is passed on.
func (q *queue) quit(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.turn:
		q.pass()
	default:
		w.line.Remove(w.at)
		q.waiting--
	}
}

// leave passes the place on to the next in line.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pass()
}

func (q *queue) pass() {
	q.free++
	q.fill()
}

// line returns the line of a priority.
func (q *queue) line(priority int) *line {
	key := float64(priority)
	switch {
	case q.scheduling == ScheduleFair:
		key = q.now
	case q.scheduling != SchedulePriority:
		priority, key = 0, 0
	case q.high:
		key = -key
	}
	l := q.lines[priority]
	if l == nil {
		l = &line{priority: priority, key: key}
		q.lines[priority] = l
		heap.Push(&q.order, l)
	}
	return l
}

// next admits the first in line, while somebody waits. A line without anybody is kept until it is the smallest: under
// fair scheduling it has had more than others until then.
func (q *queue) next() {
	for {
		l := q.order[0]
		q.now = l.key
		first := l.Front()
		if first == nil {
			heap.Pop(&q.order)
			delete(q.lines, l.priority)
			continue
		}
		w := l.Remove(first).(*waiter)
		q.waiting--
		if q.scheduling == ScheduleFair {
			l.key += w.work / q.weight(l.priority)
			heap.Fix(&q.order, 0)
		}
		close(w.turn)
		return
	}
}

func (q *queue) weight(priority int) float64 {
	if w, given := q.weights[priority]; given {
		return w
	}
	return 1
}

// lines is a heap. Of lines with equal keys, that of the smaller priority goes first.
type lines []*line

func (l lines) Len() int { return len(l) }
func (l lines) Less(i, j int) bool {
	return l[i].key < l[j].key || l[i].key == l[j].key && l[i].priority < l[j].priority
}
func (l lines) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *lines) Push(x any)   { *l = append(*l, x.(*line)) }
func (l *lines) Pop() any {
	last := len(*l) - 1
	x := (*l)[last]
	*l = (*l)[:last]
	return x
}

// work returns what a request counts for under fair scheduling: its tokens, of the prompt and of the answer.
func (a *ask) work() float64 { return max(1, float64(a.promptTokens+a.maxTokens)) }
