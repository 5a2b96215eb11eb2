package ledger

import (
	"errors"
	"fmt"
	"time"
)

// reverts are the reversals of a book, in the order in which they came.
type reverts struct {
	list  pages[revert]
	index index // by the original
}

type revert struct{ original, by uint64 }

func (b *Book) decideRevert(c *RevertTransaction, at time.Time) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if c.ID == 0 || c.ID > b.transactions || len(c.Original) == 0 {
		return nil, &Rejection{
			Code:        TransactionNotFound,
			Transaction: c.ID,
			Detail:      fmt.Sprintf("the ledger has no transaction %d; its last one is %d", c.ID, b.transactions),
		}
	}
	if by, reverted := b.RevertedBy(c.ID); reverted {
		return nil, &Rejection{
			Code:        AlreadyReverted,
			Transaction: by,
			Detail:      fmt.Sprintf("transaction %d was reverted before, by transaction %d", c.ID, by),
		}
	}
	p := posting{
		deal:        deal{effect: effect{posted: opposite(c.Original)}, forced: c.Force},
		transaction: TransactionPosted{Reverts: c.ID, Forced: c.Force, Reason: c.Reason},
		wanted:      c.EffectiveAt,
		reroute:     c.Late,
	}
	return b.post(&p, at)
}

// opposite gives the entries with their sides swapped.
func opposite(entries []Entry) []Entry {
	swapped := make([]Entry, len(entries))
	for i, e := range entries {
		e.Side = Credit - e.Side
		swapped[i] = e
	}
	return swapped
}

// RevertedBy gives the transaction that reverted another one, if one has.
func (b *Book) RevertedBy(original uint64) (by uint64, reverted bool) {
	at, reverted := b.reverts.index.find(hashID(original), func(i uint32) bool { return b.reverts.list.at(i).original == original })
	if !reverted {
		return 0, false
	}
	return b.reverts.list.at(at).by, true
}

var (
	errRevertsItself = errors.New("it reverts no transaction before it")
	errRevertedTwice = errors.New("it reverts what was reverted before")
)

func (b *Book) canRevert(e *TransactionPosted) error {
	if e.Reverts == 0 {
		return nil
	}
	if e.Reverts >= e.ID {
		return errRevertsItself
	}
	if _, reverted := b.RevertedBy(e.Reverts); reverted {
		return errRevertedTwice
	}
	return nil
}

func (b *Book) addRevert(original, by uint64) {
	at := b.reverts.list.len()
	b.reverts.index.add(hashID(original), at)
	b.reverts.list.add(revert{original, by})
	b.onRollback(func() {
		b.reverts.index.remove(hashID(original), at)
		b.reverts.list.truncate(at)
	})
}

// hashID spreads numbers given out in order; nobody gains from choosing them.
func hashID(id uint64) uint64 {
	h := id * golden
	return (h ^ h>>32) * golden
}
