package ledger

import (
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Code names a reason to reject a command. Codes are part of the HTTP contract.
type Code string

// The reasons, in the order in which they are tested: shape, (idempotency, which the engine tests), existence, state,
// balance. Where several apply a command is rejected for the first.
const (
	InvalidField          Code = "invalid_field"
	UnbalancedTransaction Code = "unbalanced_transaction"

	LedgerNotFound      Code = "ledger_not_found"
	AccountNotFound     Code = "account_not_found"
	TransactionNotFound Code = "transaction_not_found"
	HoldNotFound        Code = "hold_not_found"
	LedgerExists        Code = "ledger_exists"
	AccountExists       Code = "account_exists"
	ReferenceExists     Code = "reference_exists"
	AccountNotDeclared  Code = "account_not_declared"

	AlreadyReverted Code = "already_reverted"
	HoldNotOpen     Code = "hold_not_open"
	PeriodIsClosed  Code = "period_closed"
	AccountIsClosed Code = "account_closed"
	AccountNotEmpty Code = "account_not_empty"
	AssetNotAllowed Code = "asset_not_allowed"
	ChartConflict   Code = "chart_conflict"

	PreconditionFailed Code = "precondition_failed"
	CaptureExceedsHold Code = "capture_exceeds_hold"

	AmountOutOfRange     Code = "amount_out_of_range"
	InsufficientFunds    Code = "insufficient_funds"
	BalanceLimitExceeded Code = "balance_limit_exceeded"
)

// Rejection is the error of a command that cannot be accepted. It changes nothing.
//
//nolint:errname // a rejection is not an error of anybody's, and the contract's word for it
type Rejection struct {
	Code Code
	// Detail is a sentence that a person can act on.
	Detail string
	// Fields are the parts of the command at fault, where some are.
	Fields []Field

	// What the rejection is about, where it is about that.
	Account     address.Address
	Asset       money.Asset
	Available   *money.Signed // InsufficientFunds: what the account has to give
	Required    *money.Amount // InsufficientFunds: what the command would take
	Balance     *money.Signed // PreconditionFailed: what the account has, where its balance was not as wanted
	Transaction uint64        // ReferenceExists, AlreadyReverted: the transaction that has the reference, or reverted it
	Hold        uint64        // ReferenceExists, Hold…: the hold that has the reference, or that cannot be used
	FirstOpen   *Day          // PeriodIsClosed: the first day on which a transaction may be effective
}

// Field is a part of a command's JSON form that is at fault.
type Field struct {
	// Pointer is a JSON pointer (RFC 6901) into the command, such as "/transfers/0/amount".
	Pointer string
	Detail  string
}

// Error gives the code and the detail.
func (r *Rejection) Error() string { return string(r.Code) + ": " + r.Detail }
