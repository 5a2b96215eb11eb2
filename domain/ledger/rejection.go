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

	LedgerNotFound  Code = "ledger_not_found"
	LedgerExists    Code = "ledger_exists"
	AccountExists   Code = "account_exists"
	ReferenceExists Code = "reference_exists"

	AccountNotDeclared Code = "account_not_declared"
	AssetNotAllowed    Code = "asset_not_allowed"

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
	Transaction uint64        // ReferenceExists: the transaction that has the reference
}

// Field is a part of a command's JSON form that is at fault.
type Field struct {
	// Pointer is a JSON pointer (RFC 6901) into the command, such as "/transfers/0/amount".
	Pointer string
	Detail  string
}

// Error gives the code and the detail.
func (r *Rejection) Error() string { return string(r.Code) + ": " + r.Detail }
