// Package cache keeps what was used lately, within bounds, so that projections need not read their own rows again.
package cache

// Cache maps keys to values and forgets those not used for a while. Between two calls of [Cache.Turn] it forgets nothing:
// what a batch of work has looked up stays the same value until the batch ends. It is not safe for concurrent use.
type Cache[K comparable, V any] struct {
	young, old map[K]V
	limit      int
}

// New is an empty cache that holds limit values between turns, or a few times that.
func New[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{young: make(map[K]V), limit: limit}
}

// Get gives the value of a key, if it is known, and makes it one that was used lately.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	if value, found := c.young[key]; found {
		return value, true
	}
	value, found := c.old[key]
	if found {
		c.young[key] = value
	}
	return value, found
}

// Put sets the value of a key.
func (c *Cache[K, V]) Put(key K, value V) { c.young[key] = value }

// Turn begins a batch of work. Once enough has gathered, what was not used since the last time that happened is forgotten.
func (c *Cache[K, V]) Turn() {
	if len(c.young) < c.limit {
		return
	}
	c.old = c.young
	c.young = make(map[K]V)
}

// Clear forgets everything.
func (c *Cache[K, V]) Clear() {
	c.old = nil
	clear(c.young)
}
