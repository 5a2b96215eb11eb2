package ledger

import (
	"maps"
	"math/big"
	"slices"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Metadata is what clients attach to ledgers, accounts and transactions: text under text keys. Nil and empty are alike.
type Metadata map[string]string

// Side is the side of an entry: debit or credit.
type Side uint8

// The two sides.
const (
	Debit Side = iota
	Credit
)

// Entry is one line of a transaction.
type Entry struct {
	Account address.Address
	Asset   money.Asset
	Side    Side
	Amount  money.Amount
}

// AccountType decides an account's normal side: debit for Asset and Expense, credit for the others.
type AccountType string

// The five account types.
const (
	Asset     AccountType = "asset"
	Expense   AccountType = "expense"
	Liability AccountType = "liability"
	Equity    AccountType = "equity"
	Income    AccountType = "income"
)

// Limits bound an account, in every asset, on its normal side. Nil is no limit (or, for an account opened explicitly,
// that of the chart's rule). Min bounds what is available (the posted balance less what holds would take); it may be
// negative, which is a credit line. Max bounds the posted balance plus what holds would add.
type Limits struct {
	Min *money.Signed
	Max *money.Signed
}

// Template names a chart that comes with Daybook.
type Template string

// The templates. General has no limits; Wallets lets no account but world and world:** go below zero.
const (
	General Template = "general"
	Wallets Template = "wallets"
)

// Undeclared says what becomes of an account that no rule of the chart matches.
type Undeclared string

// Whether an address that no rule matches may be used.
const (
	Allow  Undeclared = "allow"
	Reject Undeclared = "reject"
)

// Chart is a ledger's rules: which addresses may exist, with which types and limits.
type Chart struct {
	Undeclared Undeclared
	Rules      []Rule
}

// Rule is one line of a chart. Of the rules that match an address the most specific one holds: literal over * over **,
// compared segment by segment from the left.
type Rule struct {
	Pattern address.Pattern
	// AnyCase makes the pattern's first segment match in any letter case; one in the right case is more specific. The
	// templates have such rules, so that "Assets:Cash" is an asset too.
	AnyCase bool
	Type    AccountType
	Limits  Limits
	// Assets are those that the account may hold; none listed means all.
	Assets []money.Asset
}

// String is "debit" or "credit".
func (s Side) String() string {
	if s == Debit {
		return "debit"
	}
	return "credit"
}

// keys gives the keys in order.
func (m Metadata) keys() []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// AssertionSums are debits and credits over entries of matching accounts, apart for the two normal sides. They may
// exceed 128 bits. The balance that they come to is on the normal side where all entries are on accounts of one side,
// and debits less credits where they are not.
type AssertionSums struct {
	DebitNormal, CreditNormal Sums
}

// Sums are debits and credits without a bound; nil is zero.
type Sums struct{ Debits, Credits *big.Int }
