package ledger

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Command is a request to change one ledger. The set is closed: it is the types of this file.
//
// [Validate] checks the shape of a command by itself; [Decide] checks it against a book. Decide takes only commands
// that Validate accepts.
type Command interface{ isCommand() }

// OpenLedger starts a ledger. Its chart is Chart, or that of Template where Chart is nil ("general" where Template is
// empty too). Giving both is refused.
type OpenLedger struct {
	Name     string
	Template Template
	Chart    *Chart
	Metadata Metadata
}

// OpenAccount opens an account explicitly, before or instead of its first entry.
type OpenAccount struct {
	Address address.Address
	// Type is empty to take the chart's.
	Type AccountType
	// Limits override those of the chart's rule, each one that is set.
	Limits   Limits
	Metadata Metadata
}

// PostTransaction moves amounts between accounts. Accounts that do not exist are opened where the chart allows it.
type PostTransaction struct {
	Movement

	// Preconditions are tested against the book as it is before the transaction.
	Preconditions []Precondition
}

// Movement is what PostTransaction and PlaceHold have in common: what moves, when it counts, and what is said of it.
type Movement struct {
	// Entries balance to zero in every asset and take effect together. Transfers is the other way to say what moves:
	// one of the two is given. Decide writes transfers out as entries: debit From, credit To.
	Entries   []Entry
	Transfers []Transfer
	// EffectiveAt is when the transaction counts; the zero time stands for the moment at which it is recorded.
	EffectiveAt time.Time
	// Late says what becomes of an effective time in a closed period: refused, or moved to the first open day.
	Late Late
	// Reference is unique in its ledger for ever, among transactions and holds alike; empty for none.
	Reference   string
	Description string
	Metadata    Metadata
}

// Transfer moves an amount of one asset from one or more accounts to one or more others. Transfers of a transaction are
// worked out one after another, each seeing what the ones before have done.
type Transfer struct {
	Asset money.Asset
	// Amount is how much: exactly, or as much as there is.
	Amount TransferAmount
	// From are the accounts that give, in this order, each until it has no more (or no more than its UpTo). A transfer
	// of an exact amount from one account without UpTo is not limited here, but by the account's limits alone.
	From []Source
	// To are the accounts that take: one without a share, or several whose shares add up to the whole.
	To []Destination
}

// TransferAmount is how much a transfer moves.
type TransferAmount struct {
	// Exactly is the amount, unless All is set or UpTo is not zero.
	Exactly money.Amount
	// All is what the sources have available; UpTo is the same, but at most so much.
	All  bool
	UpTo money.Amount
}

// Source is an account that gives. UpTo bounds what it gives; zero is no bound.
type Source struct {
	Account address.Address
	UpTo    money.Amount
}

// Destination is an account that takes: a share of what moves (rounded down to whole units), or what the shares leave.
type Destination struct {
	Account   address.Address
	Share     Share
	Remainder bool
}

// Share is a fraction from 0 (exclusive) to 1: Numerator/Denominator. The zero Share stands for the whole.
type Share struct{ Numerator, Denominator uint64 }

// Late says what becomes of a transaction whose effective time lies in a closed period.
type Late string

// A late transaction is refused, or moved to the first open day with its intended time kept.
const (
	RefuseLate  Late = ""
	RerouteLate Late = "reroute"
)

// Precondition demands that an account's balance, or what it has available, is within bounds. Bounds that are nil demand
// nothing. An account that does not exist has zero of everything.
type Precondition struct {
	Account   address.Address
	Asset     money.Asset
	Balance   Bounds
	Available Bounds
}

// Bounds are what a balance is compared with, signed, on the normal side.
type Bounds struct{ GTE, LTE, EQ *money.Signed }

// PlaceHold sets entries aside, to be captured later, in whole or in part.
type PlaceHold struct {
	Movement

	Preconditions []Precondition
	// ExpiresAt is when the hold ends by itself; ExpiresIn counts from the moment at which it is recorded. Both zero:
	// never. Not both are given.
	ExpiresAt time.Time
	ExpiresIn time.Duration
}

// CaptureHold posts what a hold has set aside: Amount of it where the hold is of one transfer, or Entries or Transfers
// (exact ones) within what is held, or all that is left where none of these is given.
type CaptureHold struct {
	Movement

	ID     uint64
	Amount money.Amount
	// Final releases what this capture leaves.
	Final bool
}

// VoidHold releases all that a hold still sets aside.
type VoidHold struct {
	ID     uint64
	Reason string
}

// ExpireHold ends a hold whose time has come. It is Daybook's own command.
type ExpireHold struct{ ID uint64 }

// RevertTransaction posts the opposite of a transaction, once.
type RevertTransaction struct {
	ID uint64
	// Original are the entries of the transaction, as the log has them: the book does not keep them.
	Original []Entry
	Reason   string
	// EffectiveAt and Late are those of the reversal.
	EffectiveAt time.Time
	Late        Late
	// Force lets the reversal break limits. It is recorded.
	Force bool
}

// ReplaceChart puts a whole new chart in the place of the ledger's.
type ReplaceChart struct{ Chart Chart }

// CloseAccount forbids further entries on an account that has nothing; ReopenAccount allows them again.
type CloseAccount struct {
	Address address.Address
	Reason  string
}

// ReopenAccount allows entries again on an account that was closed.
type ReopenAccount struct {
	Address address.Address
	Reason  string
}

// SetAccountMetadata changes an account's metadata by a merge patch.
type SetAccountMetadata struct {
	Address address.Address
	Patch   MetadataPatch
}

// SetTransactionMetadata changes a transaction's metadata by a merge patch.
type SetTransactionMetadata struct {
	ID uint64
	// Original is the metadata that the transaction was posted with, as the log has them.
	Original Metadata
	Patch    MetadataPatch
}

// MetadataPatch is a JSON merge patch (RFC 7386) of metadata: nil removes a key.
type MetadataPatch map[string]*string

// ClosePeriod forbids effective times up to the end of a day.
type ClosePeriod struct {
	Through Day
	Reason  string
}

// ReopenPeriod takes back the closing through that day, and every later one.
type ReopenPeriod struct {
	Through Day
	Reason  string
}

// DeclareAssertion states what the balance of the accounts that match a pattern has to be. It is evaluated by
// EvaluateAssertion first, and then with every transaction that touches it.
type DeclareAssertion struct {
	Pattern address.Pattern
	Asset   money.Asset
	// At leaves entries out that are effective after it; the zero time leaves out none.
	At     time.Time
	Bounds Bounds
}

// EvaluateAssertion completes a declaration with what the accounts had before it. It is Daybook's own command: the sums
// come from the log, which the book does not keep.
type EvaluateAssertion struct {
	ID uint64
	// Before are the sums over matching entries that come before the declaration, by the normal side of their accounts.
	Before AssertionSums
}

func (OpenLedger) isCommand()             {}
func (OpenAccount) isCommand()            {}
func (PostTransaction) isCommand()        {}
func (PlaceHold) isCommand()              {}
func (CaptureHold) isCommand()            {}
func (VoidHold) isCommand()               {}
func (ExpireHold) isCommand()             {}
func (RevertTransaction) isCommand()      {}
func (ReplaceChart) isCommand()           {}
func (CloseAccount) isCommand()           {}
func (ReopenAccount) isCommand()          {}
func (SetAccountMetadata) isCommand()     {}
func (SetTransactionMetadata) isCommand() {}
func (ClosePeriod) isCommand()            {}
func (ReopenPeriod) isCommand()           {}
func (DeclareAssertion) isCommand()       {}
func (EvaluateAssertion) isCommand()      {}
