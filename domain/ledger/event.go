package ledger

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
)

// Event is what happened to a ledger. The set is closed: it is the types of this file. An event says all that was
// decided, so that evolving a book, or a read model, never evaluates a rule again.
//
// Who recorded it, when, and where it stands in the log is not part of the event but of its envelope.
type Event interface{ isEvent() }

// LedgerOpened is the first event of every ledger. Chart is complete: a template has been written out.
//
//nolint:revive // the log has the event under this name
type LedgerOpened struct {
	Name     string
	Template Template
	Chart    Chart
	Metadata Metadata
}

// AccountOpened precedes an account's first entry. Implicit ones come in the same append as the transaction that
// needed them.
type AccountOpened struct {
	Address address.Address
	Type    AccountType
	// Limits are the account's own; those of the chart's rule apply where they are nil.
	Limits   Limits
	Metadata Metadata
	Implicit bool
}

// TransactionPosted moves amounts, as its entries say.
type TransactionPosted struct {
	// ID numbers the ledger's transactions: 1, 2, 3 …
	ID          uint64
	Entries     []Entry
	EffectiveAt time.Time
	Reference   string
	Description string
	Metadata    Metadata
}

func (LedgerOpened) isEvent()      {}
func (AccountOpened) isEvent()     {}
func (TransactionPosted) isEvent() {}
