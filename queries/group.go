package queries

import (
	"cmp"
	"slices"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// grouping says what balances are added up by: each account for itself, the first segments of addresses, or nothing.
type grouping struct {
	by    groupBy
	depth int
}

type groupBy uint8

const (
	byAccount groupBy = iota
	byDepth
	byNothing
)

// groups adds balances up. Prefixes of addresses do not come in the order of the addresses ("a:b" "a:b-x" "a:b:c"), so
// all groups are held until the end.
type groups struct {
	grouping grouping
	rows     map[groupKey]*groupRow
}

type groupKey struct {
	account address.Address
	asset   string
}

// groupRow is a group's sum in one asset. The accounts that it is made of may share a normal side, or not.
type groupRow struct {
	debits, credits sum
	debit, credit   bool // whether there are debit-normal accounts in it, and credit-normal ones
}

func newGroups(g grouping) *groups { return &groups{grouping: g, rows: make(map[groupKey]*groupRow)} }

func (g *groups) add(b accountBalance) {
	key := groupKey{asset: b.asset}
	if g.grouping.by == byDepth {
		key.account = b.account.Prefix(g.grouping.depth)
	}
	row := g.rows[key]
	if row == nil {
		row = &groupRow{}
		g.rows[key] = row
	}
	row.debits.add(b.totals.debits)
	row.credits.add(b.totals.credits)
	row.debit = row.debit || b.debit
	row.credit = row.credit || !b.debit
}

// all gives the groups in order of account and asset.
func (g *groups) all() []wire.BalanceRow {
	keys := make([]groupKey, 0, len(g.rows))
	for key := range g.rows {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.asset, b.asset))
	})
	rows := make([]wire.BalanceRow, 0, len(keys))
	for _, key := range keys {
		rows = append(rows, g.rows[key].show(key))
	}
	return rows
}

// show puts the balance on the normal side, if there is one: where the accounts differ it is debits less credits.
func (r *groupRow) show(key groupKey) wire.BalanceRow {
	row := wire.BalanceRow{
		Account: string(key.account), Asset: key.asset,
		Debits: r.debits.String(), Credits: r.credits.String(),
	}
	if r.credit && !r.debit {
		row.Balance = r.credits.less(&r.debits)
	} else {
		row.Balance = r.debits.less(&r.credits)
	}
	return row
}

// showAccount is the row of an account by itself.
func showAccount(b accountBalance) wire.BalanceRow {
	return wire.BalanceRow{
		Account: string(b.account), Asset: b.asset,
		Debits: b.totals.debits.String(), Credits: b.totals.credits.String(),
		Balance: normal(b.debit, b.totals.debits, b.totals.credits).String(),
	}
}

// assetsOf lists the assets in which each account is not zero, in order.
func assetsOf(found map[position]totals) map[int64][]string {
	assets := make(map[int64][]string, len(found))
	for at, t := range found {
		if !t.isZero() {
			assets[at.account] = append(assets[at.account], at.asset)
		}
	}
	for _, list := range assets {
		slices.Sort(list)
	}
	return assets
}
