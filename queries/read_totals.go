package queries

import (
	"database/sql"
	"fmt"
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

// standing gives the totals of accounts over the entries up to a place, as known at a horizon. Positions that had not
// moved are zero or missing.
//
// Closings say what stood at the end of a day as it is known now, in one seek a position. A place within a day, or a horizon
// that is passed, takes a few steps more.
func (s *snapshot) standing(ids []int64, at place, h horizon) (map[position]totals, error) {
	found := make(map[position]totals, len(ids))
	for ids := range slices.Chunk(ids, listed) {
		var err error
		if at.wholeDays() && !h.passed() {
			err = s.addClosings(found, ids, at.Day)
		} else {
			err = s.addPart(found, ids, at, h)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// addClosings adds what stood at the end of a day.
func (s *snapshot) addClosings(found map[position]totals, ids []int64, day int64) error {
	placeholders, args := inList(ids)
	return s.each(`SELECT c.account_id, c.asset, c.debits, c.credits`+fromClosings(placeholders), append([]any{day}, args...),
		func(rows *sql.Rows) error {
			var at position
			var t totals
			err := rows.Scan(&at.account, &at.asset, &t.debits, &t.credits)
			found[at] = t
			return err
		})
}

// fromClosings are the last closings of accounts, by the end of the day that is the first argument. The assets of an account
// are those it has a balance in.
func fromClosings(placeholders string) string {
	return `
FROM balances b CROSS JOIN closings c
WHERE c.account_id = b.account_id AND c.asset = b.asset
	AND c.day = (SELECT d.day FROM closings d WHERE d.account_id = b.account_id AND d.asset = b.asset AND d.day <= ?1
		ORDER BY d.day DESC LIMIT 1)
	AND b.account_id IN (` + placeholders + `)`
}

// eachAmount runs a statement about entries and has one function applied to the totals of each one's position.
func (s *snapshot) eachAmount(text string, args []any, found map[position]totals, apply func(totals, bool, money.Amount) (totals, error)) error {
	return s.each(text, args, func(rows *sql.Rows) error {
		var at position
		var side int
		var amount money.Amount
		if err := rows.Scan(&at.account, &at.asset, &side, &amount); err != nil {
			return err
		}
		t, known := found[at]
		if !known { // the balances are behind the entries, and do not have the asset yet: it moved later altogether
			return nil
		}
		var err error
		if found[at], err = apply(t, side == sideCredit, amount); err != nil {
			return fmt.Errorf("%w: account id %d, %s", err, at.account, at.asset)
		}
		return nil
	})
}

// sideCredit is how a credit is stored; the other is a debit.
const sideCredit = 1
