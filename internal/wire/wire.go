// Package wire has the JSON types of Daybook's answers: what commands return when they are accepted and what queries
// return when they are asked. One type serves both, so that a transaction looks the same however it was reached.
//
// Amounts are decimal strings of whole smallest units; times are RFC 3339 in UTC with up to nanoseconds.
package wire

import "time"

// Entry is one line of a transaction: Debit or Credit is set, the other is empty.
type Entry struct {
	Account string `json:"account"`
	Asset   string `json:"asset"`
	Debit   string `json:"debit,omitempty"`
	Credit  string `json:"credit,omitempty"`
}

// Transaction is a posted transaction. IntendedAt is the effective time that was asked for, where that lay in a closed
// period; Forced tells of a reversal that was let past limits, Reason why it was posted. The three are left out where
// there is nothing to say.
type Transaction struct {
	ID          uint64            `json:"id"`
	Ledger      string            `json:"ledger"`
	Status      string            `json:"status"`
	Entries     []Entry           `json:"entries"`
	EffectiveAt time.Time         `json:"effective_at"`
	IntendedAt  *time.Time        `json:"intended_at,omitzero"`
	RecordedAt  time.Time         `json:"recorded_at"`
	Reference   *string           `json:"reference"`
	Description string            `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Reverts     *uint64           `json:"reverts"`
	RevertedBy  *uint64           `json:"reverted_by"`
	Forced      bool              `json:"forced,omitzero"`
	Reason      string            `json:"reason,omitzero"`
	Hold        *uint64           `json:"hold"`
	Actor       string            `json:"actor"`
	Revision    uint64            `json:"revision"`
}

// Limits are the bounds in force on an account; null is no bound.
type Limits struct {
	MinBalance *string `json:"min_balance"`
	MaxBalance *string `json:"max_balance"`
}

// Balance is what an account has in one asset. Balance and Available are signed, on the account's normal side.
type Balance struct {
	Asset          string `json:"asset"`
	Debits         string `json:"debits"`
	Credits        string `json:"credits"`
	PendingDebits  string `json:"pending_debits"`
	PendingCredits string `json:"pending_credits"`
	Balance        string `json:"balance"`
	Available      string `json:"available"`
}

// Account is an account with its balances, one an asset, in order of asset.
type Account struct {
	Address  string            `json:"address"`
	Type     string            `json:"type"`
	Status   string            `json:"status"`
	Limits   Limits            `json:"limits"`
	Metadata map[string]string `json:"metadata"`
	OpenedAt time.Time         `json:"opened_at"`
	Balances []Balance         `json:"balances"`
}

// Chart is a ledger's rules.
type Chart struct {
	Undeclared string `json:"undeclared"`
	Rules      []Rule `json:"rules"`
}

// Rule is one line of a chart. AnyCase makes the pattern's first segment match in any letter case; the templates' rules
// have it.
type Rule struct {
	Pattern    string   `json:"pattern"`
	AnyCase    bool     `json:"any_case,omitzero"`
	Type       string   `json:"type"`
	MinBalance *string  `json:"min_balance,omitempty"`
	MaxBalance *string  `json:"max_balance,omitempty"`
	Assets     []string `json:"assets,omitempty"`
}

// Ledger is a ledger and how far it has come.
type Ledger struct {
	Name         string            `json:"name"`
	CreatedAt    time.Time         `json:"created_at"`
	Revision     uint64            `json:"revision"`
	Accounts     uint64            `json:"accounts"`
	Transactions uint64            `json:"transactions"`
	Chart        Chart             `json:"chart"`
	Metadata     map[string]string `json:"metadata"`
}

// Page is one page of a list. NextCursor is null on the last.
type Page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}
