// Package projector says what a read model has to be so that the runner can keep it: its tables, and how events change
// their rows.
//
// The runner decodes each event once, gives it the short numbers of its ledger and accounts, and hands batches of them to
// every projection within one write transaction. A projection does nothing else than change its own tables through that
// transaction: what it writes is a function of its rows and the events alone.
package projector

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Event is an event of a ledger with what its envelope says of it.
type Event struct {
	Ledger     string
	LedgerID   int64
	Revision   uint64
	RecordedAt time.Time
	Actor      string
	Body       ledger.Event
	// Accounts are the numbers of the accounts that the event is about: one for each of what [Addresses] gives.
	Accounts []int64
}

// Addresses gives the accounts that an event is about: either one, or those of entries, in their order. Of HoldCaptured
// these are the entries that remain.
func Addresses(body ledger.Event) (one address.Address, entries []ledger.Entry) {
	switch e := body.(type) {
	case ledger.TransactionPosted:
		return "", e.Entries
	case ledger.AccountOpened:
		return e.Address, nil
	case ledger.AccountClosed:
		return e.Address, nil
	case ledger.AccountReopened:
		return e.Address, nil
	case ledger.AccountMetadataSet:
		return e.Address, nil
	case ledger.HoldPlaced:
		return "", e.Entries
	case ledger.HoldCaptured:
		return "", Remaining(e)
	default:
		return "", nil
	}
}

// Remaining is what a hold still sets aside after some of it was captured.
func Remaining(captured ledger.HoldCaptured) []ledger.Entry {
	if captured.Final {
		return nil
	}
	return captured.Remaining
}

// Projection is a read model: its tables, and the making of what fills one generation of them.
type Projection struct {
	Model views.Model
	New   func(generation int64) Applier
}

// Applier fills the tables of one generation. The runner calls it from one goroutine at a time.
type Applier interface {
	// Apply writes what the events change. They come in the order of each ledger's revisions, none twice, none missing.
	// An error means that an event cannot be applied (see [Fail]), or is the database's own.
	Apply(tx *views.Tx, events []Event) error
	// Reset forgets all that is remembered of rows: the last transaction did not commit, or somebody else wrote.
	Reset()
}

// Deferrer is an applier that need not write at once what later events may well change again. One that fills tables
// which nobody sees yet saves most of its writing so, as long as its rows fit into memory: if it does not come to the end,
// the tables are dropped.
type Deferrer interface {
	Applier
	// Defer lets it put off writing, until Flush or when too much has gathered. It is called before the first Apply.
	Defer()
	// Flush writes what was put off.
	Flush(tx *views.Tx) error
}

// Fail says which event could not be applied, and why.
func Fail(event *Event, err error) error {
	return fmt.Errorf("apply revision %d of ledger %q: %w", event.Revision, event.Ledger, err)
}

// ErrTotal says that an event cannot be applied because a total would pass 2^128-1. No ledger's event does that.
var ErrTotal = errors.New("a total passes 2^128-1")

// Timestamp writes a time as the columns named …_at hold it.
func Timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Text is a text as a column holds it that has NULL for none.
func Text(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Number is a number, counted from 1, as a column holds it that has NULL for none.
func Number(n uint64) any {
	if n == 0 {
		return nil
	}
	return Revision(n)
}

// Amount is an amount as a column of text is given it. What fits is given as an integer: SQLite writes the same digits,
// and no text has to be made for it.
func Amount(of money.Amount) any {
	if hi, lo := of.Words(); hi == 0 && lo <= math.MaxInt64 {
		return int64(lo)
	}
	return of.String()
}

// Limit is a bound as a column holds it that has NULL for none.
func Limit(of *money.Signed) any {
	if of == nil {
		return nil
	}
	return of.String()
}

// Revision is a revision, or another number of what the log counts, as a column holds it.
func Revision(r uint64) int64 {
	if r > 1<<62 {
		panic("revision " + strconv.FormatUint(r, 10) + " is beyond what any log can hold")
	}
	return int64(r)
}
