package rowlog

import (
	"fmt"
	"iter"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Follower is one loop over a subscription.
type Follower interface {
	// Advance yields what has come since it was last called, and tells whether to go on.
	Advance(yield func(eventstore.Recorded) bool) (bool, error)
	// Wait returns when there may be more: when changed is closed, or earlier.
	Wait(changed <-chan struct{}) error
}

// Subscribe is [eventstore.Store.Subscribe]: each loop over it begins with a follower of its own. The bell is rung whenever
// there may be more to read.
func Subscribe(bell *Bell, begin func() Follower) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		follower := begin()
		for {
			// Taken before the log is read: what is appended after the reading closes it.
			changed := bell.Next()
			goOn, err := follower.Advance(func(r eventstore.Recorded) bool { return yield(r, nil) })
			if err == nil && goOn {
				err = follower.Wait(changed)
			}
			if err != nil {
				yield(eventstore.Recorded{}, fmt.Errorf("subscription to the log: %w", err))
			}
			if err != nil || !goOn {
				return
			}
		}
	}
}
