package queries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// accountSQL reads all there is to one account in one statement, which is the quickest consistent read: a row for each
// asset, or one where the account has none. The fields come in one column, because the driver takes longer over a column
// than over what is in it. None can have the character between them: JSON, of which metadata are, escapes it.
func (d *dialect) accountSQL() string {
	return `SELECT concat_ws(` + d.betweenFields + `, c.revision, x.type, x.status, coalesce(x.min_balance, ''), coalesce(x.max_balance, ''),
	x.metadata, x.opened_at, b.asset, b.debits, b.credits, b.pending_debits, b.pending_credits)
FROM ledger_ids l
CROSS JOIN account_ids i
CROSS JOIN accounts x
CROSS JOIN live_checkpoints c
LEFT JOIN balances b ON b.account_id = i.account_id
WHERE l.name = ? AND i.ledger_id = l.ledger_id AND i.address = ? AND x.account_id = i.account_id
	AND c.projection = 'accounts' AND c.ledger_id = l.ledger_id
ORDER BY b.asset`
}

const betweenFields = "\x1f"

// account reads one account and the revision that it reflects.
func (r *reader) account(ctx context.Context, ledger string, at address.Address) (wire.Account, uint64, error) {
	a := wire.Account{Address: string(at), Balances: []wire.Balance{}}
	var revision uint64
	found := false
	err := r.each(ctx, r.accountSQL(), []any{ledger, string(at)}, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		row, b, err := accountFields(text, &revision)
		if err == nil && !found {
			found = true
			err = row.show(&a)
		}
		if err != nil || !b.asset.Valid {
			return err
		}
		balance, err := b.show(debitNormal(a.Type))
		a.Balances = append(a.Balances, balance)
		return err
	})
	if err != nil || found {
		return a, revision, err
	}
	if _, err := r.revision(ctx, ledger, []string{projectionAccounts}); err != nil {
		return a, 0, err
	}
	return a, 0, errAccountNotFound
}

// accountFields takes a row of accountSQL apart.
func accountFields(text string, revision *uint64) (row accountRow, b balanceRow, err error) {
	const ofAccount, ofBoth = 7, 12
	fields := strings.Split(text, betweenFields)
	if len(fields) != ofAccount && len(fields) != ofBoth {
		return row, b, fmt.Errorf("%w: %d", errFields, len(fields))
	}
	*revision, err = strconv.ParseUint(fields[0], 10, 64)
	row.kind, row.status, row.metadata, row.openedAt = fields[1], fields[2], fields[5], fields[6]
	row.min, row.max = unlessEmpty(fields[3]), unlessEmpty(fields[4])
	if len(fields) == ofBoth {
		b.asset, b.debits, b.credits = unlessEmpty(fields[7]), unlessEmpty(fields[8]), unlessEmpty(fields[9])
		b.pendingDebits, b.pendingCredits = unlessEmpty(fields[10]), unlessEmpty(fields[11])
	}
	return row, b, err
}

// errFields says that a row is not what its statement makes.
var errFields = errors.New("a row of an account has another number of fields")

func unlessEmpty(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

type accountRow struct {
	kind, status, metadata, openedAt string
	min, max                         sql.NullString
}

func (r *accountRow) show(a *wire.Account) error {
	a.Type, a.Status = r.kind, r.status
	if r.min.Valid {
		a.Limits.MinBalance = &r.min.String
	}
	if r.max.Valid {
		a.Limits.MaxBalance = &r.max.String
	}
	var err error
	if a.OpenedAt, err = time.Parse(time.RFC3339Nano, r.openedAt); err != nil {
		return err
	}
	a.Metadata, err = readMetadata(r.metadata)
	return err
}

type balanceRow struct {
	asset, debits, credits, pendingDebits, pendingCredits sql.NullString
}

// show computes what is available: the balance, less what holds would take from it.
func (r *balanceRow) show(debit bool) (wire.Balance, error) {
	b := wire.Balance{
		Asset: r.asset.String, Debits: r.debits.String, Credits: r.credits.String,
		PendingDebits: r.pendingDebits.String, PendingCredits: r.pendingCredits.String,
	}
	debits, err := money.ParseAmount(b.Debits)
	if err != nil {
		return b, err
	}
	credits, err := money.ParseAmount(b.Credits)
	if err != nil {
		return b, err
	}
	taking := b.PendingDebits
	if debit {
		taking = b.PendingCredits
	}
	pending, err := money.ParseAmount(taking)
	if err != nil {
		return b, err
	}
	balance := normal(debit, debits, credits)
	available, ok := balance.Sub(money.NewSigned(false, pending))
	if !ok {
		return b, fmt.Errorf("%w in %s", errTotals, b.Asset)
	}
	b.Balance, b.Available = balance.String(), available.String()
	return b, nil
}
