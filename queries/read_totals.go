package queries

import (
	"database/sql"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/daybook-ledger/daybook/domain/money"
)

// asKnown are the projections that a balance in the past is made of.
func asKnown() []string {
	return []string{projectionAccounts, projectionEntries, projectionTransactions}
}

// position is an account's place for the totals of an asset.
type position struct {
	account int64
	asset   string
}

// horizon is what was known at a revision: the transactions up to one, and whether there are later ones.
type horizon struct {
	// last is the transaction with the greatest id at the revision, and newest that in the views; ids are dense.
	last, newest int64
}

// passed tells whether the views know transactions that the horizon does not.
func (h horizon) passed() bool { return h.last < h.newest }

// forward tells whether it is cheaper to add up the transactions up to the horizon than to take away those after it.
func (h horizon) forward() bool { return h.last < h.newest-h.last }

// horizon finds what was known at a revision that the projections have reached.
func (s *snapshot) horizon(revision uint64) (h horizon, err error) {
	one := func(into *int64) func(rows *sql.Rows) error {
		return func(rows *sql.Rows) error { return rows.Scan(into) }
	}
	err = s.each(`SELECT t.transaction_id FROM transactions t WHERE t.ledger_id = ? AND t.revision <= ?
ORDER BY t.revision DESC LIMIT 1`, []any{s.ledger, revision}, one(&h.last))
	if err != nil {
		return h, err
	}
	// The entries may be ahead of the transactions. How far does not matter, only that the horizon is passed then.
	if s.heads[projectionEntries] > s.heads[projectionTransactions] {
		h.newest = 1
	}
	var newest int64
	err = s.each(`SELECT t.transaction_id FROM transactions t WHERE t.ledger_id = ?
ORDER BY t.transaction_id DESC LIMIT 1`, []any{s.ledger}, one(&newest))
	h.newest += newest
	return h, err
}

// standing gives the totals of accounts over the entries up to a place, as known at a horizon. Positions that had not
// moved are zero or missing.
//
// Closings say what stood at the end of a day as it is known now, in one seek a position. What became known after the
// horizon is taken away from that; where the horizon is long ago, the entries before it are added up instead. Then come
// the entries of the place's own day.
func (s *snapshot) standing(ids []int64, at place, h horizon) (map[position]totals, error) {
	found := make(map[position]totals, len(ids))
	closed := at.Day
	if !at.wholeDays() {
		closed--
	}
	for ids := range portions(ids) {
		var err error
		switch {
		case h.passed() && h.forward():
			err = s.addKnown(found, ids, closed, h.last)
		case h.passed():
			if err = s.addClosings(found, ids, closed); err == nil {
				err = s.takeLater(found, ids, closed, h.last)
			}
		default:
			err = s.addClosings(found, ids, closed)
		}
		if err == nil && !at.wholeDays() {
			err = s.addDay(found, ids, at, h)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// portions cuts ids into lists that one statement takes.
func portions(ids []int64) iter.Seq[[]int64] { return slices.Chunk(ids, listed) }

// addClosings adds what stood at the end of a day. The assets of an account are those it has a balance in.
func (s *snapshot) addClosings(found map[position]totals, ids []int64, day int64) error {
	placeholders, args := inList(ids)
	return s.each(closingsSQL(placeholders), append([]any{day}, args...), func(rows *sql.Rows) error {
		var at position
		var t totals
		err := rows.Scan(&at.account, &at.asset, &t.debits, &t.credits)
		found[at] = t
		return err
	})
}

func closingsSQL(placeholders string) string {
	return `SELECT b.account_id, b.asset, c.debits, c.credits
FROM balances b CROSS JOIN closings c
WHERE c.account_id = b.account_id AND c.asset = b.asset
	AND c.day = (SELECT d.day FROM closings d WHERE d.account_id = b.account_id AND d.asset = b.asset AND d.day <= ?
		ORDER BY d.day DESC LIMIT 1)
	AND b.account_id IN (` + placeholders + `)`
}

// A "+" before a column keeps the database from choosing an index for it that would read more.
const entryTotalsSQL = `SELECT e.account_id, e.asset, e.side, e.amount FROM entries e WHERE `

func laterSQL(placeholders string) string {
	return entryTotalsSQL + `e.account_id IN (` + placeholders + `) AND e.transaction_id > ? AND +e.day <= ?`
}

func knownSQL(placeholders string) string {
	return entryTotalsSQL + `e.account_id IN (` + placeholders + `) AND e.transaction_id <= ? AND +e.day <= ?`
}

func daySQL(placeholders string) string {
	return entryTotalsSQL + `e.account_id IN (` + placeholders + `) AND e.day = ?
	AND (e.nanos, e.transaction_id, e.idx) <= (?, ?, ?) AND +e.transaction_id <= ?`
}

// takeLater takes away the entries of transactions after the last that are effective on a day or before.
func (s *snapshot) takeLater(found map[position]totals, ids []int64, day, last int64) error {
	placeholders, args := inList(ids)
	return s.eachEntry(laterSQL(placeholders), append(args, last, day), func(at position, credit bool, amount money.Amount) error {
		t, known := found[at]
		if !known { // the balances are behind the entries, and do not have the asset yet: it moved later altogether
			return nil
		}
		var err error
		found[at], err = t.without(credit, amount)
		return err
	})
}

// addKnown adds the entries of transactions up to the last that are effective on a day or before.
func (s *snapshot) addKnown(found map[position]totals, ids []int64, day, last int64) error {
	placeholders, args := inList(ids)
	return s.eachEntry(knownSQL(placeholders), append(args, last, day), adding(found))
}

// addDay adds the entries of the place's day up to it.
func (s *snapshot) addDay(found map[position]totals, ids []int64, at place, h horizon) error {
	last := int64(math.MaxInt64)
	if h.passed() {
		last = h.last
	}
	placeholders, args := inList(ids)
	args = append(args, at.Day, at.Nanos, at.Transaction, at.Index, last)
	return s.eachEntry(daySQL(placeholders), args, adding(found))
}

func adding(found map[position]totals) func(at position, credit bool, amount money.Amount) error {
	return func(at position, credit bool, amount money.Amount) (err error) {
		found[at], err = found[at].with(credit, amount)
		return err
	}
}

func (s *snapshot) eachEntry(text string, args []any, visit func(at position, credit bool, amount money.Amount) error) error {
	return s.each(text, args, func(rows *sql.Rows) error {
		var at position
		var side int
		var amount money.Amount
		err := rows.Scan(&at.account, &at.asset, &side, &amount)
		if err == nil {
			err = visit(at, side == sideCredit, amount)
		}
		if err != nil {
			return fmt.Errorf("%w: account id %d, %s", err, at.account, at.asset)
		}
		return nil
	})
}

// sideCredit is how a credit is stored; the other is a debit.
const sideCredit = 1
