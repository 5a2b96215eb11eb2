// Package render gives what the domain decided the JSON form that answers have. Commands render the events that they
// lead to, projections the rows that queries answer from, so that a chart or an entry looks the same however it was
// reached. The types are those of internal/wire, which knows no domain and which queries may therefore import.
package render

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// Chart is a ledger's chart.
func Chart(c *ledger.Chart) wire.Chart {
	chart := wire.Chart{Undeclared: string(c.Undeclared), Rules: make([]wire.Rule, len(c.Rules))}
	for i := range c.Rules {
		r := &c.Rules[i]
		limits := Limits(r.Limits)
		chart.Rules[i] = wire.Rule{
			Pattern: r.Pattern.String(), AnyCase: r.AnyCase, Type: string(r.Type),
			MinBalance: limits.MinBalance, MaxBalance: limits.MaxBalance,
		}
		for _, asset := range r.Assets {
			chart.Rules[i].Assets = append(chart.Rules[i].Assets, string(asset))
		}
	}
	return chart
}

// Limits are an account's limits, or a rule's.
func Limits(l ledger.Limits) wire.Limits {
	return wire.Limits{MinBalance: optional(l.Min), MaxBalance: optional(l.Max)}
}

func optional(s *money.Signed) *string {
	if s == nil {
		return nil
	}
	text := s.String()
	return &text
}

// Entry is one line of a transaction.
func Entry(e *ledger.Entry) wire.Entry {
	entry := wire.Entry{Account: string(e.Account), Asset: string(e.Asset)}
	if e.Side == ledger.Debit {
		entry.Debit = e.Amount.String()
	} else {
		entry.Credit = e.Amount.String()
	}
	return entry
}

// AppendEntries appends a list of entries as JSON: the bytes that [wire.AppendEntries] gives of each [Entry], without a
// text for each amount. This is done for every transaction that is posted and projected.
func AppendEntries(b []byte, entries []ledger.Entry) []byte {
	b = append(b, '[')
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"account":`...)
		b = wire.AppendString(b, string(e.Account))
		b = append(b, `,"asset":`...)
		b = wire.AppendString(b, string(e.Asset))
		if e.Side == ledger.Debit {
			b = append(b, `,"debit":"`...)
		} else {
			b = append(b, `,"credit":"`...)
		}
		b, _ = e.Amount.AppendText(b) // never fails
		b = append(b, `"}`...)
	}
	return append(b, ']')
}
