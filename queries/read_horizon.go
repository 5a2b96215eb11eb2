package queries

import (
	"database/sql"
	"errors"
	"math"
)

// horizon is what was known at a revision: the transactions up to one, and whether there are later ones.
type horizon struct {
	// last is the transaction with the greatest id at the revision, and newest that in the views; ids are dense.
	last, newest int64
}

// passed tells whether the views know transactions that the horizon does not.
func (h horizon) passed() bool { return h.last < h.newest }

// forward tells whether it is cheaper to add up the transactions up to the horizon than to take away those after it.
func (h horizon) forward() bool { return h.last < h.newest-h.last }

// bound is the greatest id that counts, which is no bound where all that there are do.
func (h horizon) bound() int64 {
	if h.passed() {
		return h.last
	}
	return math.MaxInt64
}

// horizon finds what was known at a revision that the projections have reached.
func (s *snapshot) horizon(revision uint64) (h horizon, err error) {
	var newest int64
	var newestRevision uint64
	err = s.each(`SELECT t.transaction_id, t.revision FROM transactions t WHERE t.ledger_id = ?
ORDER BY t.transaction_id DESC LIMIT 1`, []any{s.ledger}, func(rows *sql.Rows) error { return rows.Scan(&newest, &newestRevision) })
	if err != nil {
		return h, err
	}
	h.last, h.newest = newest, newest
	if revision < newestRevision {
		h.last, err = s.lastTransaction(revision, newest, newestRevision-revision)
	}
	// The entries may be ahead of the transactions. How far does not matter, only that the horizon is passed then.
	if s.heads[projectionEntries] > s.heads[projectionTransactions] {
		h.newest++
	}
	return h, err
}

// lastTransactionSQL halves a range of ids. Revisions grow with them.
const lastTransactionSQL = `WITH RECURSIVE found (low, high) AS (
	SELECT CAST(?1 AS BIGINT), CAST(?2 AS BIGINT)
	UNION ALL
	SELECT CASE WHEN t.revision <= ?3 THEN t.transaction_id ELSE found.low END,
		CASE WHEN t.revision <= ?3 THEN found.high ELSE t.transaction_id - 1 END
	FROM found CROSS JOIN transactions t
	WHERE found.low < found.high AND t.ledger_id = ?4 AND t.transaction_id = (found.low + found.high + 1) / 2)
SELECT found.low FROM found WHERE found.low = found.high`

// lastTransaction is the last one at or before a revision that is so many revisions before the newest's.
//
// Of the revisions between, and of those up to the one asked for, each is a transaction's at most. So the range that is left
// is only as wide as there are other events, and there is mostly little to search.
func (s *snapshot) lastTransaction(revision uint64, newest int64, before uint64) (last int64, err error) {
	low, high := max(0, newest-int64(before)), min(newest, int64(revision))
	if low == high {
		return low, nil
	}
	missing := errTransactionsMissing
	err = s.each(lastTransactionSQL, []any{low, high, revision, s.ledger}, func(rows *sql.Rows) error {
		missing = nil
		return rows.Scan(&last)
	})
	return last, errors.Join(err, missing)
}

// errTransactionsMissing says that the ids of a ledger's transactions are not dense.
var errTransactionsMissing = errors.New("the views lack some of the ledger's transactions")
