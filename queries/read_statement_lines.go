package queries

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// markEvery is how many entries of a chain there are to a mark.
const markEvery = 64

// statementLines reads the lines of a page, and one more to know whether another page follows. It changes the totals with
// each line.
//
// A portion ends with a mark in one of the chains, because none is read further than that. How far the marks are to be is a
// guess where there are several chains; a page that is not full goes on after the mark, with a wider portion.
func (s *snapshot) statementLines(page *statement, w window, debit bool, f *statementFilter, running map[string]totals) error {
	page.lines = []wire.StatementLine{}
	wide := markEvery * max(1, len(page.ends))
	skipped := (f.limit + wide - 1) / wide
	for more := true; more; skipped *= 2 {
		more = false
		text, args := s.reader.statementSQL(w, f.asset, s.ledger, f.limit+1-len(page.lines), skipped)
		err := s.each(text, args, func(rows *sql.Rows) error {
			if len(page.lines) == f.limit {
				more = false
				page.next = markOf(page, w.after, running, f.asset)
				return errEnough
			}
			var row statementRow
			if err := row.scan(rows); err != nil {
				return err
			}
			w.after, more = row.at, row.mark
			line, err := row.show(running, debit)
			page.lines = append(page.lines, line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// statementRow is an entry with what a statement tells of its transaction.
type statementRow struct {
	at     place
	side   int
	amount money.Amount
	mark   bool
	line   wire.StatementLine

	recordedAt string
}

func (r *statementRow) scan(rows *sql.Rows) error {
	return rows.Scan(&r.at.Day, &r.at.Nanos, &r.at.Transaction, &r.at.Index, &r.line.Asset, &r.side, &r.amount, &r.mark,
		&r.recordedAt, &r.line.Description, &r.line.Reference)
}

func (r *statementRow) show(running map[string]totals, debit bool) (wire.StatementLine, error) {
	l := r.line
	t, err := running[l.Asset].with(r.side == sideCredit, r.amount)
	if err != nil {
		return l, fmt.Errorf("%w: transaction %d, %s", err, r.at.Transaction, l.Asset)
	}
	running[l.Asset] = t
	l.BalanceAfter = normal(debit, t.debits, t.credits).String()
	l.TransactionID = uint64(r.at.Transaction)
	if r.side == sideCredit {
		l.Credit = r.amount.String()
	} else {
		l.Debit = r.amount.String()
	}
	l.EffectiveAt = effective.Join(r.at.Day, r.at.Nanos)
	l.RecordedAt, err = time.Parse(time.RFC3339Nano, r.recordedAt)
	return l, err
}

// statementSQL reads the first lines of a window, in order. The arguments after those of the window are the ledger, how many
// lines are wanted, how many marks are skipped, and the asset, if it is one.
//
// All chains are walked back from a common place, the cut: it is the first of the marks that come some marks after the
// window's beginning, or the window's end where there are none.
func (d *dialect) statementSQL(w window, asset string, ledger int64, limit, skipped int) (text string, args []any) {
	assets, ofAsset := allAssets, ``
	args = w.args(ledger, limit, skipped)
	if asset != `` {
		assets, ofAsset, args = `asset (name) AS (SELECT CAST(?14 AS TEXT))`, ` AND e.asset = ?14`, append(args, asset)
	}
	return `WITH RECURSIVE ` + assets + `, ` + windowChains + `,
cut (day, nanos, transaction_id, idx) AS MATERIALIZED (
	SELECT e.day, e.nanos, e.transaction_id, e.idx FROM chain CROSS JOIN entries e
	WHERE e.entry_id = ` + firstMark(`chain`, `> `+afterWindow, `?13`) + ` AND e.transaction_id <= ?10
	UNION ALL
	SELECT ?6, ?7, ?8, ?9
	ORDER BY 1, 2, 3, 4 LIMIT 1),
walk (entry_id, previous, day, nanos, transaction_id, idx) AS (
	SELECT e.entry_id, e.previous, e.day, e.nanos, e.transaction_id, e.idx FROM chain CROSS JOIN entries e
	WHERE e.entry_id = ` + d.chainEnd(`chain`, `>= `+d.placeOfCut, `?10`) + ` AND ` + placeOfEntry + ` > ` + afterWindow + `
	UNION ALL
	SELECT e.entry_id, e.previous, e.day, e.nanos, e.transaction_id, e.idx FROM walk CROSS JOIN entries e
	WHERE e.entry_id = walk.previous AND ` + placeOfEntry + ` > ` + afterWindow + `),
line (entry_id, day, nanos, transaction_id, idx) AS (
	SELECT walk.entry_id, walk.day, walk.nanos, walk.transaction_id, walk.idx FROM walk
	WHERE ` + placeOfWalk + ` <= ` + d.placeOfCut + ` AND walk.transaction_id <= ?10
	UNION ALL
	SELECT e.entry_id, e.day, e.nanos, e.transaction_id, e.idx FROM entries e
	WHERE e.account_id = ?1 AND e.place IS NULL AND ` + placeOfEntry + ` > ` + afterWindow + `
		AND ` + placeOfEntry + ` <= ` + d.placeOfCut + ` AND +e.transaction_id <= ?10` + ofAsset + `
	ORDER BY 2, 3, 4, 5 LIMIT ?12 + 0)
SELECT e.day, e.nanos, e.transaction_id, e.idx, e.asset, e.side, e.amount, e.debits IS NOT NULL, t.recorded_at, t.description, t.reference
FROM line CROSS JOIN entries e CROSS JOIN transactions t
WHERE e.entry_id = line.entry_id AND t.ledger_id = ?11 AND t.transaction_id = line.transaction_id
ORDER BY line.day, line.nanos, line.transaction_id, line.idx`, args
}
