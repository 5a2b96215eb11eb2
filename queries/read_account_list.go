package queries

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// accountFilter says which accounts are asked for.
type accountFilter struct {
	pattern  address.Pattern // empty for all
	metadata map[string]string
	after    string // the address before the first; empty for the start
	limit    int
}

func (f *accountFilter) takes(at address.Address, metadata map[string]string) bool {
	if f.pattern != "" && !f.pattern.Match(at) {
		return false
	}
	return hasAll(metadata, f.metadata)
}

// accounts reads up to limit accounts in order of address, with their balances, and the revision that they reflect.
func (r *reader) accounts(ctx context.Context, ledger string, f accountFilter) (found []wire.Account, revision uint64, err error) {
	err = r.view(ctx, ledger, []string{projectionAccounts}, func(s *snapshot) error {
		revision = s.revision
		places := make(map[int64]int)
		var ids []int64
		err := s.eachAccount(f.pattern, f.after, f.limit, func(id int64, a wire.Account) (bool, error) {
			if !f.takes(address.Address(a.Address), a.Metadata) {
				return true, nil
			}
			places[id] = len(found)
			ids = append(ids, id)
			found = append(found, a)
			return len(found) < f.limit, nil
		})
		if err != nil {
			return err
		}
		return s.eachBalance(ids, func(id int64, row *balanceRow) error {
			a := &found[places[id]]
			b, err := row.show(debitNormal(a.Type))
			a.Balances = append(a.Balances, b)
			return err
		})
	})
	return found, revision, err
}

// eachAccount walks the accounts that have the pattern's literal prefix, in order of address, until visit has enough.
// It reads in portions, of wanted rows or a little more, and goes on after the last address of each.
func (s *snapshot) eachAccount(pattern address.Pattern, after string, wanted int, visit func(id int64, a wire.Account) (more bool, err error)) error {
	const portionLeast, portionMost = 64, 1024
	portion := min(max(wanted, portionLeast), portionMost)
	for {
		text, args := s.accountRange(pattern, after)
		read, goOn := 0, true
		err := s.each(text, append(args, portion), func(rows *sql.Rows) error {
			var id int64
			var row accountRow
			a := wire.Account{Balances: []wire.Balance{}}
			err := rows.Scan(&id, &a.Address, &row.kind, &row.status, &row.min, &row.max, &row.metadata, &row.openedAt)
			if err != nil {
				return err
			}
			if err := row.show(&a); err != nil {
				return err
			}
			read, after = read+1, a.Address
			if goOn, err = visit(id, a); err == nil && !goOn {
				err = errEnough
			}
			return err
		})
		if err != nil || !goOn || read < portion {
			return err
		}
		portion = portionMost
	}
}

const accountListSQL = `SELECT i.account_id, i.address, x.type, x.status, x.min_balance, x.max_balance, x.metadata, x.opened_at
FROM account_ids i CROSS JOIN accounts x
WHERE x.account_id = i.account_id AND i.ledger_id = ? AND i.address > ?`

// accountRange is the statement for the accounts after an address whose own start with the literal part of a pattern.
func (s *snapshot) accountRange(pattern address.Pattern, after string) (text string, args []any) {
	const order = ` ORDER BY i.address LIMIT ? + 0`
	prefix, exact := pattern.Literal()
	switch {
	case exact && prefix != "":
		return accountListSQL + ` AND i.address = ?` + order, []any{s.ledger, after, prefix}
	case prefix == "":
		return accountListSQL + order, []any{s.ledger, after}
	}
	// A prefix that is no address ends with the separator, so whatever starts with it sorts below the next character.
	next := strings.TrimSuffix(prefix, address.Separator) + string(address.Separator[0]+1)
	return accountListSQL + ` AND i.address < ?` + order, []any{s.ledger, max(after, prefix), next}
}

// eachBalance reads the present balances of accounts, of each account in order of asset.
func (s *snapshot) eachBalance(ids []int64, visit func(id int64, row *balanceRow) error) error {
	for ids := range slices.Chunk(ids, listed) {
		placeholders, args := inList(ids)
		text := `SELECT b.account_id, b.asset, b.debits, b.credits, b.pending_debits, b.pending_credits
FROM balances b WHERE b.account_id IN (` + placeholders + `) ORDER BY b.account_id, b.asset`
		err := s.each(text, args, func(rows *sql.Rows) error {
			var id int64
			var row balanceRow
			if err := rows.Scan(&id, &row.asset, &row.debits, &row.credits, &row.pendingDebits, &row.pendingCredits); err != nil {
				return err
			}
			return visit(id, &row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
