package ledger

import (
	"math/big"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
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
	// IntendedAt is the effective time that was asked for, where that lay in a closed period; zero otherwise.
	IntendedAt  time.Time
	Reference   string
	Description string
	Metadata    Metadata
	// Reverts is the transaction that this one is the opposite of; Forced, that it might break limits; Reason, why.
	Reverts uint64
	Forced  bool
	Reason  string
	// Hold is the hold that this transaction captures.
	Hold uint64
}

// HoldPlaced sets entries aside.
type HoldPlaced struct {
	// ID numbers the ledger's holds: 1, 2, 3 …
	ID          uint64
	Entries     []Entry
	EffectiveAt time.Time
	// ExpiresAt is zero for a hold that does not end by itself.
	ExpiresAt   time.Time
	Reference   string
	Description string
	Metadata    Metadata
}

// HoldCaptured precedes, in the same append, the transaction that posts what was captured.
type HoldCaptured struct {
	HoldOrigin

	ID          uint64
	Transaction uint64
	// Entries are what was captured now, Remaining what is still set aside afterwards (none where Final).
	Entries   []Entry
	Remaining []Entry
	Final     bool
}

// HoldVoided releases what a hold still set aside, because somebody asked for it.
type HoldVoided struct {
	HoldOrigin

	ID     uint64
	Reason string
}

// HoldExpired releases what a hold still set aside, because its time had come.
type HoldExpired struct {
	HoldOrigin

	ID uint64
}

// HoldOrigin tells where a hold comes from, so that a reader of one event can find the others.
type HoldOrigin struct {
	// Placed is the revision of the hold's HoldPlaced.
	Placed uint64
	// Captures are the transactions that have captured of it, this one included, in order.
	Captures []uint64
}

// ChartReplaced puts a chart in the place of the one before. It does not change the types of accounts that exist.
type ChartReplaced struct{ Chart Chart }

type (
	// AccountClosed forbids further entries on an account.
	AccountClosed struct {
		Address address.Address
		Reason  string
	}
	// AccountReopened allows them again.
	AccountReopened struct {
		Address address.Address
		Reason  string
	}
)

type (
	// AccountMetadataSet gives an account's metadata as they are from now on, whole.
	AccountMetadataSet struct {
		Address  address.Address
		Metadata Metadata
	}
	// TransactionMetadataSet gives a transaction's metadata as they are from now on, whole.
	TransactionMetadataSet struct {
		ID       uint64
		Metadata Metadata
	}
)

type (
	// PeriodClosed forbids effective times up to the end of a day.
	PeriodClosed struct {
		Through Day
		Reason  string
	}
	// PeriodReopened takes back the closing through a day, and every later one. Closed is the last closed day afterwards,
	// nil where no day is closed.
	PeriodReopened struct {
		Through Day
		Closed  *Day
		Reason  string
	}
)

// AssertionDeclared states what a balance has to be.
type AssertionDeclared struct {
	// ID numbers the ledger's assertions: 1, 2, 3 …
	ID      uint64
	Pattern address.Pattern
	Asset   money.Asset
	// At is zero where no entry is left out.
	At     time.Time
	Bounds Bounds
}

type (
	// AssertionHeld tells that an assertion holds: at its first evaluation, and from then on whenever it was broken before.
	// Transaction is the one that brought it about, 0 for the first evaluation. Sums are those that Balance was made of.
	AssertionHeld struct {
		ID          uint64
		Transaction uint64
		Balance     *big.Int
		Sums        AssertionSums
	}
	// AssertionBroken tells that an assertion does not hold, or no longer. It has what AssertionHeld has.
	AssertionBroken struct {
		ID          uint64
		Transaction uint64
		Balance     *big.Int
		Sums        AssertionSums
	}
)

func (LedgerOpened) isEvent()           {}
func (AccountOpened) isEvent()          {}
func (TransactionPosted) isEvent()      {}
func (HoldPlaced) isEvent()             {}
func (HoldCaptured) isEvent()           {}
func (HoldVoided) isEvent()             {}
func (HoldExpired) isEvent()            {}
func (ChartReplaced) isEvent()          {}
func (AccountClosed) isEvent()          {}
func (AccountReopened) isEvent()        {}
func (AccountMetadataSet) isEvent()     {}
func (TransactionMetadataSet) isEvent() {}
func (PeriodClosed) isEvent()           {}
func (PeriodReopened) isEvent()         {}
func (AssertionDeclared) isEvent()      {}
func (AssertionHeld) isEvent()          {}
func (AssertionBroken) isEvent()        {}
