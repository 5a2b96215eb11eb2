package wire

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Append writes any value of this package as JSON: no null for lists and maps that are empty, members of maps sorted.
// The types that are written often have methods of their own, which give the same bytes faster.
func Append(b []byte, value any) ([]byte, error) {
	data, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return b, err
	}
	return append(b, data...), nil
}

// AppendJSON writes the transaction.
func (t *Transaction) AppendJSON(b []byte) []byte {
	return t.AppendJSONWith(b, func(b []byte) []byte { return AppendEntries(b, t.Entries) })
}

// AppendJSONWith writes the transaction with the list of entries that a function writes, for those who have them in
// another form than t.Entries.
func (t *Transaction) AppendJSONWith(b []byte, entries func([]byte) []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendUint(b, t.ID, 10)
	b = append(b, `,"ledger":`...)
	b = AppendString(b, t.Ledger)
	b = append(b, `,"status":`...)
	b = AppendString(b, t.Status)
	b = append(b, `,"entries":`...)
	b = entries(b)
	b = append(b, `,"effective_at":`...)
	b = appendTime(b, t.EffectiveAt)
	if t.IntendedAt != nil {
		b = append(b, `,"intended_at":`...)
		b = appendTime(b, *t.IntendedAt)
	}
	b = append(b, `,"recorded_at":`...)
	b = appendTime(b, t.RecordedAt)
	b = append(b, `,"reference":`...)
	if t.Reference == nil {
		b = append(b, `null`...)
	} else {
		b = AppendString(b, *t.Reference)
	}
	b = append(b, `,"description":`...)
	b = AppendString(b, t.Description)
	b = append(b, `,"metadata":`...)
	b = AppendMetadata(b, t.Metadata)
	b = append(b, `,"reverts":`...)
	b = appendNumber(b, t.Reverts)
	b = append(b, `,"reverted_by":`...)
	b = appendNumber(b, t.RevertedBy)
	if t.Forced {
		b = append(b, `,"forced":true`...)
	}
	if t.Reason != "" {
		b = append(b, `,"reason":`...)
		b = AppendString(b, t.Reason)
	}
	b = append(b, `,"hold":`...)
	b = appendNumber(b, t.Hold)
	b = append(b, `,"actor":`...)
	b = AppendString(b, t.Actor)
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, t.Revision, 10)
	return append(b, '}')
}

// AppendEntries writes a list of entries.
func AppendEntries(b []byte, entries []Entry) []byte {
	b = append(b, '[')
	for i := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = entries[i].AppendJSON(b)
	}
	return append(b, ']')
}

// AppendJSON writes the entry.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"account":`...)
	b = AppendString(b, e.Account)
	b = append(b, `,"asset":`...)
	b = AppendString(b, e.Asset)
	if e.Debit != "" {
		b = append(b, `,"debit":`...)
		b = AppendString(b, e.Debit)
	}
	if e.Credit != "" {
		b = append(b, `,"credit":`...)
		b = AppendString(b, e.Credit)
	}
	return append(b, '}')
}

// AppendJSON writes the account.
func (a *Account) AppendJSON(b []byte) []byte {
	b = append(b, `{"address":`...)
	b = AppendString(b, a.Address)
	b = append(b, `,"type":`...)
	b = AppendString(b, a.Type)
	b = append(b, `,"status":`...)
	b = AppendString(b, a.Status)
	b = append(b, `,"limits":{"min_balance":`...)
	b = appendOptional(b, a.Limits.MinBalance)
	b = append(b, `,"max_balance":`...)
	b = appendOptional(b, a.Limits.MaxBalance)
	b = append(b, `},"metadata":`...)
	b = AppendMetadata(b, a.Metadata)
	b = append(b, `,"opened_at":`...)
	b = appendTime(b, a.OpenedAt)
	b = append(b, `,"balances":[`...)
	for i := range a.Balances {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.Balances[i].AppendJSON(b)
	}
	return append(b, `]}`...)
}

// AppendJSON writes the balance.
func (l *Balance) AppendJSON(b []byte) []byte {
	b = append(b, `{"asset":`...)
	b = AppendString(b, l.Asset)
	for _, member := range [...]struct{ name, value string }{
		{`,"debits":`, l.Debits},
		{`,"credits":`, l.Credits},
		{`,"pending_debits":`, l.PendingDebits},
		{`,"pending_credits":`, l.PendingCredits},
		{`,"balance":`, l.Balance},
		{`,"available":`, l.Available},
	} {
		b = append(b, member.name...)
		b = AppendString(b, member.value)
	}
	return append(b, '}')
}

// AppendMetadata writes metadata with its keys in order; none is an empty object.
func AppendMetadata(b []byte, m map[string]string) []byte {
	if len(m) == 0 {
		return append(b, `{}`...)
	}
	var few [16]string
	keys := slices.AppendSeq(few[:0], maps.Keys(m))
	slices.Sort(keys)
	for i, k := range keys {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = AppendString(b, k)
		b = append(b, ':')
		b = AppendString(b, m[k])
	}
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendNumber(b []byte, n *uint64) []byte {
	if n == nil {
		return append(b, `null`...)
	}
	return strconv.AppendUint(b, *n, 10)
}

func appendOptional(b []byte, s *string) []byte {
	if s == nil {
		return append(b, `null`...)
	}
	return AppendString(b, *s)
}

// AppendString writes a JSON string. It copies a text of plain characters as it is, and leaves every other to the JSON
// library. What is not UTF-8 becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := jsontext.AppendQuote(b, s)
			return quoted
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
