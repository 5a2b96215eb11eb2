package entries

import (
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/projector"
)

// closing is what stands at the end of a day.
type closing struct {
	day int64
	// all are the totals of all entries, delayed the part of them that late ones have.
	all, delayed ledger.Totals
	// last, place and nanos are of the chain's last entry; zero where it has none yet.
	last, place, nanos int64
	// changed says that the row is to be written.
	changed bool
}

// scan reads all columns but those of the account and asset, which may stand before them.
func (c *closing) scan(rows *sqlx.Rows, before ...any) error {
	var last, place, nanos sql.NullInt64
	var debits, credits sql.Null[money.Amount]
	err := rows.Scan(append(before, &c.day, &c.all.Debits, &c.all.Credits, &last, &place, &nanos, &debits, &credits)...)
	if err != nil {
		return fmt.Errorf("read a closing: %w", err)
	}
	c.last, c.place, c.nanos = last.Int64, place.Int64, nanos.Int64
	c.delayed = ledger.Totals{Debits: debits.V, Credits: credits.V}
	return nil
}

// row appends the columns, if the closing has changed.
func (c *closing) row(values []any, key [2]any) []any {
	if !c.changed {
		return values
	}
	var nanos any
	if c.place > 0 {
		nanos = c.nanos
	}
	return append(values, key[0], key[1], c.day, projector.Amount(c.all.Debits), projector.Amount(c.all.Credits),
		number(c.last), number(c.place), nanos, amount(c.delayed.Debits), amount(c.delayed.Credits))
}

// number is a number as a column holds it that has NULL for none.
func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// amount is an amount as a column holds it that has NULL for none.
func amount(of money.Amount) any {
	if of.IsZero() {
		return nil
	}
	return projector.Amount(of)
}

// addTo adds the entry to totals, if they do not get too large by it.
func (a *arrival) addTo(totals *ledger.Totals) (ok bool) {
	side := &totals.Debits
	if a.side == ledger.Credit {
		side = &totals.Credits
	}
	*side, ok = side.Add(a.amount)
	return ok
}

// add adds totals of late entries. An error is [projector.ErrTotal].
func (c *closing) add(late *ledger.Totals) error {
	if late.Debits.IsZero() && late.Credits.IsZero() {
		return nil
	}
	c.changed = true
	if !sum(&c.all, late) || !sum(&c.delayed, late) {
		return projector.ErrTotal
	}
	return nil
}

func sum(to, of *ledger.Totals) (ok bool) {
	debits, fits := to.Debits.Add(of.Debits)
	credits, fit := to.Credits.Add(of.Credits)
	to.Debits, to.Credits = debits, credits
	return fits && fit
}

// spread adds late entries to the closings of their days and of all days after; both are in the order of days, and the
// first closing is before all the entries. A day that has no closing gets one like that before it.
func spread(standing []closing, late []arrival) ([]closing, error) {
	all := make([]closing, 0, len(standing)+len(late))
	var added ledger.Totals // by the late entries so far
	for i := range standing {
		all = append(all, standing[i])
		if err := all[len(all)-1].add(&added); err != nil {
			return nil, err
		}
		for ; len(late) > 0 && (i+1 == len(standing) || late[0].day < standing[i+1].day); late = late[1:] {
			last := all[len(all)-1]
			if last.day < late[0].day {
				last.day = late[0].day
				all = append(all, last)
			}
			var one ledger.Totals
			if !late[0].addTo(&one) || !sum(&added, &one) {
				return nil, projector.ErrTotal
			}
			if err := all[len(all)-1].add(&one); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}
