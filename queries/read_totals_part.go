package queries

import (
	"database/sql"
	"slices"

	"github.com/daybook-ledger/daybook/domain/money"
)

// addPart adds what stood at a place within a day, or as known at a horizon that is passed.
//
// Of a chain that is what stands at an entry few steps behind, where the totals are known, less what lies between. Late
// entries are in the closings with all others; those that do not count are taken away. Where the horizon is long ago they are
// left out instead, and those that do count are added.
func (s *snapshot) addPart(found map[position]totals, ids []int64, at place, h horizon) error {
	bounds := []any{at.Day, at.Nanos, at.Transaction, at.Index, h.bound()}
	ends, late, err := s.addEnds(found, ids, bounds, h.forward())
	if err != nil {
		return err
	}
	for ends := range slices.Chunk(ends, listed) {
		placeholders, args := inList(ends)
		if err := s.eachAmount(passedSQL(placeholders), slices.Concat(bounds, args), found, totals.without); err != nil {
			return err
		}
	}
	if len(late) == 0 {
		return nil
	}
	placeholders, args := inList(late)
	if h.forward() {
		return s.eachAmount(lateKnownSQL+placeholders+`)`, slices.Concat(bounds, args), found, totals.with)
	}
	if h.passed() {
		if err := s.eachAmount(lateUnknownSQL+placeholders+`)`, slices.Concat([]any{at.Day, h.bound()}, args), found, totals.without); err != nil {
			return err
		}
	}
	if at.wholeDays() {
		return nil
	}
	return s.eachAmount(lateInDaySQL+placeholders+`)`, slices.Concat(bounds, args), found, totals.without)
}

// endsSQL reads the last closings by the end of a place's day, each with an entry of its chain that is not before the place,
// and the totals of the chain there, if the entry is a mark.
func (d *dialect) endsSQL(placeholders string) string {
	return `WITH closing (account_id, asset, debits, credits, late_debits, late_credits, chain_end) AS MATERIALIZED (
	SELECT c.account_id, c.asset, c.debits, c.credits, c.late_debits, c.late_credits,
		` + d.chainEnd(`c`, `> (?1, ?2, ?3, ?4)`, `?5`) + fromClosings(placeholders) + `)
SELECT closing.*, m.debits, m.credits FROM closing LEFT JOIN entries m ON m.entry_id = closing.chain_end`
}

// addEnds adds what stands at the ends of the chains, together with the late entries by the end of the day or without them.
// It gives the ends, and the accounts that have late entries.
func (s *snapshot) addEnds(found map[position]totals, ids []int64, bounds []any, withoutLate bool) (ends, late []int64, err error) {
	placeholders, args := inList(ids)
	err = s.each(s.reader.endsSQL(placeholders), slices.Concat(bounds, args), func(rows *sql.Rows) error {
		var at position
		var all totals
		var of, mark nullTotals
		var end sql.NullInt64
		err := rows.Scan(&at.account, &at.asset, &all.debits, &all.credits, &of.debits, &of.credits, &end, &mark.debits, &mark.credits)
		if err != nil {
			return err
		}
		if end.Valid {
			ends = append(ends, end.Int64)
		}
		if of.valid() {
			late = append(late, at.account)
		}
		t, err := all.less(of.totals())
		if mark.valid() {
			t = mark.totals()
		}
		if err == nil && !withoutLate {
			t, err = t.plus(of.totals())
		}
		found[at] = t
		return err
	})
	slices.Sort(late)
	return ends, slices.Compact(late), err
}

// pastBounds is what does not count: past the place, or of a transaction past the last.
const pastBounds = `((e.day, e.nanos, e.transaction_id, e.idx) > (?1, ?2, ?3, ?4) OR e.transaction_id > ?5)`

// passedSQL walks back along chains while entries do not count.
func passedSQL(placeholders string) string {
	return `WITH RECURSIVE passed (account_id, asset, side, amount, previous) AS (
	SELECT e.account_id, e.asset, e.side, e.amount, e.previous FROM entries e
	WHERE ` + pastBounds + ` AND e.entry_id IN (` + placeholders + `)
	UNION ALL
	SELECT e.account_id, e.asset, e.side, e.amount, e.previous FROM passed CROSS JOIN entries e
	WHERE e.entry_id = passed.previous AND ` + pastBounds + `)
SELECT passed.account_id, passed.asset, passed.side, passed.amount FROM passed`
}

// A "+" before a column keeps the database from choosing an index for it that would read more.
const (
	lateSQL = `SELECT e.account_id, e.asset, e.side, e.amount FROM entries e WHERE e.place IS NULL AND `

	// lateKnownSQL reads what counts.
	lateKnownSQL = lateSQL + `(+e.day, +e.nanos, +e.transaction_id, +e.idx) <= (?1, ?2, ?3, ?4) AND e.transaction_id <= ?5 AND e.account_id IN (`

	// lateUnknownSQL and lateInDaySQL read what does not: because it was not known, and because of its place in the day.
	lateUnknownSQL = lateSQL + `+e.day <= ?1 AND e.transaction_id > ?2 AND e.account_id IN (`
	lateInDaySQL   = lateSQL + `e.day = ?1 AND (e.nanos, e.transaction_id, e.idx) > (?2, ?3, ?4) AND +e.transaction_id <= ?5 AND e.account_id IN (`
)

// nullTotals are columns of totals that may be NULL, each by itself.
type nullTotals struct{ debits, credits sql.Null[money.Amount] }

func (t nullTotals) valid() bool { return t.debits.Valid || t.credits.Valid }

func (t nullTotals) totals() totals { return totals{t.debits.V, t.credits.V} }
