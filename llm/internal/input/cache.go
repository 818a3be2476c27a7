package input

import "sync"

// Cache holds values that are opened once for all VUs of a process. The zero value is empty. It may be used
// concurrently.
type Cache[K comparable, T any] struct {
	mu  sync.Mutex
	all map[K]func() (T, error)
}

// Get returns the entry of a key. The first call for the key opens it; later calls wait for the first. An error is
// final.
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

// Len returns the number of keys for which Get was called.
func (c *Cache[K, T]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// All returns the entries that could be opened.
func (c *Cache[K, T]) All() (list []T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, open := range c.all {
		if entry, err := open(); err == nil {
			list = append(list, entry)
		}
	}
	return list
}
