package wire

import (
	"encoding/json"
	"strconv"
	"time"
)

// StatementLine is one entry of an account's statement: Debit or Credit is set, the other is empty. BalanceAfter is the
// account's balance in the asset after the entry, in effective order, signed on the account's normal side.
type StatementLine struct {
	TransactionID uint64    `json:"transaction_id"`
	Asset         string    `json:"asset"`
	Debit         string    `json:"debit,omitempty"`
	Credit        string    `json:"credit,omitempty"`
	BalanceAfter  string    `json:"balance_after"`
	EffectiveAt   time.Time `json:"effective_at"`
	RecordedAt    time.Time `json:"recorded_at"`
	Description   string    `json:"description"`
	Reference     *string   `json:"reference"`
}

// AppendJSON writes the line.
func (l *StatementLine) AppendJSON(b []byte) []byte {
	b = append(b, `{"transaction_id":`...)
	b = strconv.AppendUint(b, l.TransactionID, 10)
	b = append(b, `,"asset":`...)
	b = AppendString(b, l.Asset)
	if l.Debit != "" {
		b = append(b, `,"debit":`...)
		b = AppendString(b, l.Debit)
	}
	if l.Credit != "" {
		b = append(b, `,"credit":`...)
		b = AppendString(b, l.Credit)
	}
	b = append(b, `,"balance_after":`...)
	b = AppendString(b, l.BalanceAfter)
	b = append(b, `,"effective_at":`...)
	b = appendTime(b, l.EffectiveAt)
	b = append(b, `,"recorded_at":`...)
	b = appendTime(b, l.RecordedAt)
	b = append(b, `,"description":`...)
	b = AppendString(b, l.Description)
	b = append(b, `,"reference":`...)
	b = appendOptional(b, l.Reference)
	return append(b, '}')
}

// Statement is a page of an account's statement. Opening and Closing are the balances before the first line and after the
// last one of the whole statement, whichever page it is: one for each asset that is asked for, or in which the account had
// moved by its end, in order of asset.
type Statement struct {
	Page[StatementLine]

	Opening []AssetBalance `json:"opening"`
	Closing []AssetBalance `json:"closing"`
}

// AppendJSON writes the page.
func (s *Statement) AppendJSON(b []byte) []byte {
	b = append(b, `{"data":`...)
	b = appendList[StatementLine](b, s.Data)
	b = append(b, `,"next_cursor":`...)
	b = appendOptional(b, s.NextCursor)
	b = append(b, `,"opening":`...)
	b = appendList[AssetBalance](b, s.Opening)
	b = append(b, `,"closing":`...)
	b = appendList[AssetBalance](b, s.Closing)
	return append(b, '}')
}

// appendList writes a list of what knows how it is written.
func appendList[T any, P interface {
	*T
	AppendJSON(b []byte) []byte
}](b []byte, list []T) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = P(&list[i]).AppendJSON(b)
	}
	return append(b, ']')
}

// AssetBalance is a balance in an asset, signed, on the account's normal side.
type AssetBalance struct {
	Asset   string `json:"asset"`
	Balance string `json:"balance"`
}

// AppendJSON writes the balance.
func (a *AssetBalance) AppendJSON(b []byte) []byte {
	b = append(b, `{"asset":`...)
	b = AppendString(b, a.Asset)
	b = append(b, `,"balance":`...)
	b = AppendString(b, a.Balance)
	return append(b, '}')
}

// BalanceRow is the balance of an account, or of a group of accounts, in one asset. Account is the account's address,
// or the address that the group shares; it is empty where all accounts are one group. Balance is on the normal side of
// the accounts, or debits less credits where they do not share one. Numbers may have more than 128 bits in a group.
type BalanceRow struct {
	Account string `json:"account,omitempty"`
	Asset   string `json:"asset"`
	Debits  string `json:"debits"`
	Credits string `json:"credits"`
	Balance string `json:"balance"`
}

// AppendJSON writes the row.
func (r *BalanceRow) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	if r.Account != "" {
		b = append(b, `"account":`...)
		b = AppendString(b, r.Account)
		b = append(b, ',')
	}
	b = append(b, `"asset":`...)
	b = AppendString(b, r.Asset)
	b = append(b, `,"debits":`...)
	b = AppendString(b, r.Debits)
	b = append(b, `,"credits":`...)
	b = AppendString(b, r.Credits)
	b = append(b, `,"balance":`...)
	b = AppendString(b, r.Balance)
	return append(b, '}')
}

// Balances are rows in order of account and asset, as they stood at a revision.
type Balances struct {
	Balances []BalanceRow `json:"balances"`
	Revision uint64       `json:"revision"`
}

// Event is an event as a CloudEvents 1.0 JSON object. Daybook's attributes beyond those of the standard are Revision
// and those after it.
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
	Revision        uint64          `json:"revision"`
	Actor           string          `json:"actor"`
	CorrelationID   string          `json:"correlationid,omitempty"`
	CausationID     string          `json:"causationid,omitempty"`
	SchemaVersion   int             `json:"schemaversion"`
	PreviousHash    string          `json:"prevhash"`
	Hash            string          `json:"hash"`
}
