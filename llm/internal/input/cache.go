package input

import "sync"

// Cache holds what is read once for all VUs of a process, by file and options. The zero value is empty. It may be used
// concurrently.
type Cache[K comparable, T any] struct {
	mu  sync.Mutex
	all map[K]func() (T, error)
}

// Get opens an entry at the first call for its key; later calls wait for that one. An error is final.
func (c *Cache[K, T]) Get(key K, open func() (T, error)) (T, error) {
	c.mu.Lock()
	if c.all == nil {
		c.all = map[K]func() (T, error){}
	}
	once := c.all[key]
	if once == nil {
		once = sync.OnceValues(open)
		c.all[key] = once
	}
	c.mu.Unlock()
	return once()
}

// Len returns the number of entries that were asked for.
func (c *Cache[K, T]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}
