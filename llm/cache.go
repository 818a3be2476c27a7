package llm

import "sync"

// cache holds what is read once for all VUs of the process, by file and options.
type cache[T any] struct {
	mu  sync.Mutex
	all map[string]func() (T, error)
}

// get opens an entry at the first call for its key; the others wait for that. An error is final.
func (c *cache[T]) get(key string, open func() (T, error)) (T, error) {
	c.mu.Lock()
	if c.all == nil {
		c.all = map[string]func() (T, error){}
	}
	once := c.all[key]
	if once == nil {
		once = sync.OnceValues(open)
		c.all[key] = once
	}
	c.mu.Unlock()
	return once()
}
