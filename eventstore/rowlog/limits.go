package rowlog

import (
	"cmp"
	"fmt"
	"time"
)

// maxAppendBytes is what an append can have at most: the databases take less than 1 GB in a row, and a record is never split.
const maxAppendBytes = 512 << 20

// Limits are the bounds that stores on SQL databases have in common; the zero value of each stands for its default.
type Limits struct {
	// MaxAppendBytes is what one append may have: 64 MiB, and at most 512 MiB.
	MaxAppendBytes int
	// MaxWaiting is how many appends may wait before more are refused with ErrOverloaded: 4,096. Together they may have four
	// times MaxAppendBytes.
	MaxWaiting int
	// PollInterval is how often subscriptions look for appends that nobody told them of: every 500 ms.
	PollInterval time.Duration
}

// FillIn puts the default where nothing is said, and refuses what makes no sense.
func (l *Limits) FillIn() error {
	l.MaxAppendBytes = cmp.Or(l.MaxAppendBytes, 64<<20)
	l.MaxWaiting = cmp.Or(l.MaxWaiting, 4096)
	l.PollInterval = cmp.Or(l.PollInterval, 500*time.Millisecond)
	if l.MaxAppendBytes < 1 || l.MaxAppendBytes > maxAppendBytes || l.MaxWaiting < 1 || l.PollInterval < 1 {
		return fmt.Errorf("options of the event store: want 1 to %d bytes an append, at least one append waiting, "+
			"and a positive poll interval", maxAppendBytes)
	}
	return nil
}
