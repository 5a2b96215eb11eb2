package queries

import (
	"context"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// balanceFilter says which balances are asked for.
type balanceFilter struct {
	pattern address.Pattern // empty for all accounts
	at      *place          // nil for all entries, whenever they are effective
	asOf    *uint64         // nil for what is known now
}

// accountBalance is what one account has in one asset. An account's rows come one after another.
type accountBalance struct {
	account address.Address
	debit   bool
	asset   string
	totals  totals
}

// balances reads in portions of accounts, in order of address and asset, leaving out what is zero on both sides. After
// each portion, while no connection to the database is held, flush is called; what it does may take long.
//
// The revision of the first portion holds for all: later ones leave out what has become known since.
func (r *reader) balances(ctx context.Context, ledger string, f balanceFilter, visit func(accountBalance) error, flush func(revision uint64) error) error {
	pinned, after := f.asOf, ""
	for more := true; more; {
		err := r.view(ctx, ledger, asKnown(), func(s *snapshot) error {
			if pinned == nil {
				pinned = &s.revision
			}
			var err error
			after, more, err = s.balancePortion(f, *pinned, after, visit)
			return err
		})
		if err == nil {
			err = flush(*pinned)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// balancePortionAccounts is how many accounts are read in one state of the database.
const balancePortionAccounts = 4 * listed

func (s *snapshot) balancePortion(f balanceFilter, revision uint64, after string, visit func(accountBalance) error) (last string, more bool, err error) {
	var ids []int64
	var accounts []wire.Account
	err = s.eachAccount(f.pattern, after, balancePortionAccounts, func(id int64, a wire.Account) (bool, error) {
		after = a.Address
		if f.pattern == "" || f.pattern.Match(address.Address(a.Address)) {
			ids, accounts = append(ids, id), append(accounts, a)
		}
		return len(ids) < balancePortionAccounts, nil
	})
	if err != nil {
		return after, false, err
	}
	found, err := s.standingAt(ids, f.at, revision)
	if err != nil {
		return after, false, err
	}
	assets := assetsOf(found)
	for i, id := range ids {
		for _, asset := range assets[id] {
			err := visit(accountBalance{
				account: address.Address(accounts[i].Address), debit: debitNormal(accounts[i].Type),
				asset: asset, totals: found[position{id, asset}],
			})
			if err != nil {
				return after, false, err
			}
		}
	}
	return after, len(ids) == balancePortionAccounts, nil
}

// standingAt is standing, but for present balances, which are there to be read.
func (s *snapshot) standingAt(ids []int64, at *place, revision uint64) (map[position]totals, error) {
	if at == nil && revision >= s.heads[projectionAccounts] {
		return s.present(ids)
	}
	everything := end()
	if at == nil {
		at = &everything
	}
	h, err := s.horizon(revision)
	if err != nil {
		return nil, err
	}
	return s.standing(ids, *at, h)
}

func (s *snapshot) present(ids []int64) (map[position]totals, error) {
	found := make(map[position]totals, len(ids))
	err := s.eachBalance(ids, func(id int64, row *balanceRow) error {
		debits, err := money.ParseAmount(row.debits.String)
		if err != nil {
			return err
		}
		credits, err := money.ParseAmount(row.credits.String)
		found[position{id, row.asset.String}] = totals{debits, credits}
		return err
	})
	return found, err
}
