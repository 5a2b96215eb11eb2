package lag

import (
	"maps"
	"sync"
)

// Count counts what read models lack: the events of all ledgers less those that a read model has. It is safe for concurrent use.
//
// Of a ledger it knows where it ends, as far as somebody said who appended to it, read it or projected it. That may be said twice, late, by
// whomever and in any order, and what nobody said of one append is made up for by the next one to the same ledger. So that it
// knows ledgers too that nobody appends to, it has to be told once of all that read models may lack events of; before, it
// tells nothing.
type Count struct {
	changed func(lacks map[string]uint64)

	mu sync.Mutex
	// ledgers has how many events each has, and log is their sum.
	ledgers map[string]uint64
	log     uint64
	counted bool
	// has is how many events read models have, of those that are being fed, and lacks what they lack, once that is known.
	has, lacks map[string]uint64
}

// NewCount makes a count that knows nothing. What each read model lacks is given to changed whenever that may be another; it must not
// keep the map, nor call the count.
func NewCount(changed func(lacks map[string]uint64)) *Count {
	return &Count{
		changed: changed, ledgers: make(map[string]uint64), has: make(map[string]uint64), lacks: make(map[string]uint64),
	}
}

// Appended says that a ledger has events up to a revision.
func (c *Count) Appended(ledger string, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(ledger, last+1)
	c.tell()
}

// Log says of ledgers how many events they have, or had.
func (c *Count) Log(ledgers map[string]uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ledger, events := range ledgers {
		c.grow(ledger, events)
	}
	c.tell()
}

// Counted says that all ledgers were told of that read models may lack events of, to which more are told of as they are appended.
func (c *Count) Counted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted = true
	c.tell()
}

// Has says that a read model which is being fed has so many events. Where the ledgers end that it has them of was told before.
func (c *Count) Has(projection string, events uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.has[projection] = events
	c.tell()
}

// Gone says that a read model is not being fed any more.
func (c *Count) Gone(projection string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.has, projection)
	delete(c.lacks, projection)
	c.tell()
}

// Lacks is what each read model lacks that is being fed; nil as long as nobody can know.
func (c *Count) Lacks() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counted {
		return nil
	}
	return maps.Clone(c.lacks)
}

func (c *Count) grow(ledger string, events uint64) {
	if known := c.ledgers[ledger]; events > known {
		c.ledgers[ledger] = events
		c.log += events - known
	}
}

func (c *Count) tell() {
	if !c.counted {
		return
	}
	for projection, events := range c.has {
		c.lacks[projection] = c.log - min(events, c.log)
	}
	c.changed(c.lacks)
}
