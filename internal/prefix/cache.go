package prefix

import "sort"

// Cache models the prefix cache of a server: it holds the blocks of prompts, and drops those that were not used for
// longest. Of one prompt it drops the last blocks first, so that the beginning of a block that it holds is held too.
// What a server holds for requests in flight, and the blocks of its answers, are not in the model.
//
// NewCache makes one. It must not be used concurrently.
type Cache struct {
	limit  int // blocks; 0 means no bound
	places map[Hash]int32
	list   []entry // entry 0 is the ring's beginning: its newer is the oldest entry, its older the newest
	free   []int32
}

// entry is a block in the ring of those in use, by the places of its neighbours.
type entry struct {
	hash         Hash
	newer, older int32
}

// NewCache returns an empty cache for a number of blocks; 0 means no bound.
func NewCache(blocks int) *Cache {
	return &Cache{limit: max(0, blocks), places: map[Hash]int32{}, list: make([]entry, 1)}
}

// Len returns the number of blocks held.
func (c *Cache) Len() int { return len(c.places) }

// Request returns how many of a prompt's first blocks are held, and then holds all of them, as far as there is room.
func (c *Cache) Request(hashes []Hash) (known int) {
	known = sort.Search(len(hashes), func(i int) bool { // what is before a block that is held is held, too
		_, held := c.places[hashes[i]]
		return !held
	})
	if c.limit == 0 {
		for _, h := range hashes[known:] {
			c.places[h] = 0
		}
		return known
	}
	for i := min(len(hashes), c.limit) - 1; i >= 0; i-- { // the first becomes the newest
		c.use(hashes[i])
	}
	for len(c.places) > c.limit {
		c.drop(c.list[0].newer)
	}
	return known
}

// use makes a block the newest.
func (c *Cache) use(h Hash) {
	at, held := c.places[h]
	if held {
		c.unlink(at)
	} else {
		at = c.room()
		c.places[h] = at
	}
	newest := c.list[0].older
	c.list[at] = entry{hash: h, older: newest}
	c.list[newest].newer, c.list[0].older = at, at
}

// room returns an unused entry.
func (c *Cache) room() int32 {
	if n := len(c.free); n > 0 {
		at := c.free[n-1]
		c.free = c.free[:n-1]
		return at
	}
	c.list = append(c.list, entry{})
	return int32(len(c.list) - 1)
}

func (c *Cache) drop(at int32) {
	c.unlink(at)
	delete(c.places, c.list[at].hash)
	c.free = append(c.free, at)
}

func (c *Cache) unlink(at int32) {
	e := c.list[at]
	c.list[e.older].newer, c.list[e.newer].older = e.newer, e.older
}
