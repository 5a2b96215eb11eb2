package queries

import (
	"context"
	"database/sql"
	"errors"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// statementFilter says which lines of an account's statement are asked for.
type statementFilter struct {
	account address.Address
	asset   string  // empty for all
	after   place   // the lines start after it
	upTo    place   // and end with it
	asOf    *uint64 // nil for what is known now
	limit   int
	resume  *statementMark // of the page before
}

// statementMark is where a statement goes on. All pages of a statement show what was known at the first one's
// revision, so that what is posted while it is read changes nothing in it.
type statementMark struct {
	Revision uint64 `json:"r"`
	After    place  `json:"p"`
	// Running are the debits and credits up to the mark, an asset each; nil where they are too many to carry.
	Running map[string][2]money.Amount `json:"b,omitzero"`
	// Ends are those of the whole statement; nil likewise.
	Ends statementEnds `json:"e,omitzero"`
}

// carried is how many assets a mark holds: it travels in URLs.
const carried = 12

type statement struct {
	lines    []wire.StatementLine
	ends     statementEnds
	revision uint64
	next     *statementMark // nil after the last page
}

// statement reads up to limit lines of an account's statement.
func (r *reader) statement(ctx context.Context, ledger string, f statementFilter) (page statement, err error) {
	err = r.view(ctx, ledger, asKnown(), func(s *snapshot) error {
		page.revision = f.pinned(s.revision)
		if page.revision > s.revision {
			return errMarkAhead
		}
		h, err := s.horizon(page.revision)
		if err != nil {
			return err
		}
		id, debit, err := s.accountSide(f.account, page.revision)
		if err != nil {
			return err
		}
		running, err := s.begin(&page, id, debit, &f, h)
		if err != nil {
			return err
		}
		w := window{account: id, after: f.start(), upTo: f.upTo, last: h.bound()}
		return s.statementLines(&page, w, debit, &f, running)
	})
	return page, err
}

// pinned is the revision as of which all pages of the statement are shown.
func (f *statementFilter) pinned(known uint64) uint64 {
	switch {
	case f.resume != nil:
		return f.resume.Revision
	case f.asOf != nil:
		return *f.asOf
	}
	return known
}

// errMarkAhead says that a page is asked for that was never given out.
var errMarkAhead = errors.New("the mark of the statement is ahead of the views")

// accountSide finds an account that was open at a revision, and whether its normal side is debit.
func (s *snapshot) accountSide(at address.Address, revision uint64) (id int64, debit bool, err error) {
	err = errAccountNotFound
	scanErr := s.each(`SELECT i.account_id, x.type FROM account_ids i CROSS JOIN accounts x
WHERE i.ledger_id = ? AND i.address = ? AND x.account_id = i.account_id AND x.opened_revision <= ?`,
		[]any{s.ledger, string(at), revision}, func(rows *sql.Rows) error {
			var kind string
			err = rows.Scan(&id, &kind)
			debit = debitNormal(kind)
			return err
		})
	return id, debit, errors.Join(scanErr, err)
}

func markOf(page *statement, after place, running map[string]totals, asset string) *statementMark {
	m := &statementMark{Revision: page.revision, After: after}
	if len(running) > carried && asset == "" || len(page.ends) > carried {
		return m
	}
	m.Running = make(map[string][2]money.Amount, len(running))
	for of, t := range running {
		if asset == "" || of == asset {
			m.Running[of] = [2]money.Amount{t.debits, t.credits}
		}
	}
	m.Ends = page.ends
	return m
}
