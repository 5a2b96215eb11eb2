package ledger_test

import (
	"math/big"
	"slices"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// writeOut makes entries of transfers in big numbers, one after another on a copy of the model. Where one cannot be
// made it gives the code, and the entries to judge before it.
func (m *model) writeOut(move *ledger.Movement, pending bool) (entries []ledger.Entry, refused ledger.Code) {
	if move.Transfers == nil {
		return move.Entries, ""
	}
	now, draws := m.clone(), slices.ContainsFunc(move.Transfers, drawsOn)
	for _, t := range move.Transfers {
		if m.drawsDebitNormal(t) {
			return nil, ledger.InvalidField
		}
		var one []ledger.Entry
		if refused == "" {
			one, refused = now.transfer(t, pending, draws)
		}
		if refused != "" {
			one = nil
			for _, s := range t.From {
				one = append(one, ledger.Entry{Account: s.Account, Asset: t.Asset, Side: ledger.Debit})
			}
			for _, d := range t.To {
				one = append(one, ledger.Entry{Account: d.Account, Asset: t.Asset, Side: ledger.Credit})
			}
		}
		entries = append(entries, one...)
	}
	return entries, refused
}

func (m *model) transfer(t ledger.Transfer, pending, draws bool) (entries []ledger.Entry, refused ledger.Code) {
	entries, total := m.drawn(t, pending)
	switch {
	case total.BitLen() > 128:
		return nil, ledger.AmountOutOfRange
	case total.Sign() == 0, !t.Amount.Exactly.IsZero() && total.Cmp(bigOf(t.Amount.Exactly)) != 0:
		refused = ledger.InsufficientFunds
	}
	for i, part := range naiveParts(total, t.To) {
		if part.Sign() > 0 && refused == "" {
			e := ledger.Entry{Account: t.To[i].Account, Asset: t.Asset, Side: ledger.Credit, Amount: smallOf(part)}
			m.enter(e, pending)
			entries = append(entries, e)
		}
	}
	for _, e := range entries {
		if draws && !m.inRange(place{e.Account, e.Asset}) {
			return nil, ledger.AmountOutOfRange
		}
	}
	return entries, refused
}

// drawn has the sources of a transfer give, and gives the sum.
func (m *model) drawn(t ledger.Transfer, pending bool) (debits []ledger.Entry, total *big.Int) {
	wanted := new(big.Int).Lsh(big.NewInt(1), 200)
	switch {
	case !t.Amount.UpTo.IsZero():
		wanted = bigOf(t.Amount.UpTo)
	case !t.Amount.All:
		wanted = bigOf(t.Amount.Exactly)
	}
	total = new(big.Int)
	for _, s := range t.From {
		gives := new(big.Int).Sub(wanted, total)
		least := func(n *big.Int) {
			if gives.Cmp(n) > 0 {
				gives.Set(n)
			}
		}
		if drawsOn(t) {
			least(m.toGive(place{s.Account, t.Asset}))
		}
		if !s.UpTo.IsZero() {
			least(bigOf(s.UpTo))
		}
		total.Add(total, gives)
		if gives.Sign() > 0 {
			e := ledger.Entry{Account: s.Account, Asset: t.Asset, Side: ledger.Debit, Amount: smallOf(gives)}
			m.enter(e, pending)
			debits = append(debits, e)
		}
	}
	return debits, total
}

// toGive is what a sweep may take: what is available above the minimum, or above zero where the minimum is lower.
func (m *model) toGive(at place) *big.Int {
	of, minimum := m.termsOf(at.account)
	n := m.available(at, of)
	if minimum != nil && minimum.Sign() > 0 {
		n.Sub(n, minimum)
	}
	if n.Sign() < 0 {
		return new(big.Int)
	}
	return n
}

func (m *model) termsOf(a address.Address) (of ledger.AccountType, minimum *big.Int) {
	rule := m.rule(a)
	account, exists := m.accounts[a]
	if !exists {
		account.of = m.typeBy(rule)
	}
	minimum, _ = m.bounds(rule, account.own)
	return account.of, minimum
}

// drawsOn tells whether the sources give only what they have.
func drawsOn(t ledger.Transfer) bool {
	return t.Amount.Exactly.IsZero() || len(t.From) > 1 || !t.From[0].UpTo.IsZero()
}

func (m *model) drawsDebitNormal(t ledger.Transfer) bool {
	if !drawsOn(t) {
		return false
	}
	for _, s := range t.From {
		if of, _ := m.termsOf(s.Account); of == ledger.Asset || of == ledger.Expense {
			return true
		}
	}
	return false
}

// meets tells whether all preconditions hold.
func (m *model) meets(list []ledger.Precondition) bool {
	for _, p := range list {
		of := m.accounts[p.Account].of
		at := place{p.Account, p.Asset}
		if !within(m.balance(at, of), p.Balance) || !within(m.available(at, of), p.Available) {
			return false
		}
	}
	return true
}

func within(n *big.Int, b ledger.Bounds) bool {
	number := func(s *money.Signed) *big.Int {
		n, _ := new(big.Int).SetString(s.String(), 10)
		return n
	}
	return (b.GTE == nil || n.Cmp(number(b.GTE)) >= 0) &&
		(b.LTE == nil || n.Cmp(number(b.LTE)) <= 0) &&
		(b.EQ == nil || n.Cmp(number(b.EQ)) == 0)
}

func smallOf(n *big.Int) money.Amount {
	a, _ := money.ParseAmount(n.String())
	return a
}

// transferLists draws transfers of every form.
func transferLists(
	accounts *rapid.Generator[address.Address], assets *rapid.Generator[money.Asset], amounts *rapid.Generator[money.Amount],
) *rapid.Generator[[]ledger.Transfer] {
	amount := rapid.Custom(func(t *rapid.T) ledger.TransferAmount {
		switch rapid.IntRange(0, 4).Draw(t, "way") {
		case 0:
			return ledger.TransferAmount{All: true}
		case 1:
			return ledger.TransferAmount{UpTo: amounts.Draw(t, "up to")}
		}
		return ledger.TransferAmount{Exactly: amounts.Draw(t, "exactly")}
	})
	source := rapid.Custom(func(t *rapid.T) ledger.Source {
		s := ledger.Source{Account: accounts.Draw(t, "from")}
		if rapid.IntRange(0, 3).Draw(t, "bounded") == 0 {
			s.UpTo = amounts.Draw(t, "gives up to")
		}
		return s
	})
	return rapid.Custom(func(t *rapid.T) []ledger.Transfer {
		var list []ledger.Transfer
		for range rapid.SampledFrom([]int{1, 1, 2, 3, 6}).Draw(t, "transfers") {
			one := ledger.Transfer{Asset: assets.Draw(t, "asset"), Amount: amount.Draw(t, "amount")}
			one.From = rapid.SliceOfN(source, 1, rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(t, "sources")).Draw(t, "sources")
			one.To = []ledger.Destination{{}}
			if rapid.IntRange(0, 2).Draw(t, "shared") == 0 {
				one.To = destinations().Filter(sharesFit).Draw(t, "destinations")
			}
			for i := range one.To {
				one.To[i].Account = accounts.Draw(t, "to")
			}
			list = append(list, one)
		}
		return list
	})
}

// preconditionLists draws demands that are near what accounts have.
func preconditionLists(
	accounts *rapid.Generator[address.Address], assets *rapid.Generator[money.Asset],
) *rapid.Generator[[]ledger.Precondition] {
	bound := rapid.Custom(func(t *rapid.T) *money.Signed {
		if rapid.Bool().Draw(t, "no bound") {
			return nil
		}
		return new(money.NewSigned(rapid.Bool().Draw(t, "negative"), money.NewAmount(rapid.Uint64Range(0, 30).Draw(t, "bound"))))
	})
	one := rapid.Custom(func(t *rapid.T) ledger.Precondition {
		p := ledger.Precondition{Account: accounts.Draw(t, "of"), Asset: assets.Draw(t, "in")}
		bounds := &p.Balance
		if rapid.Bool().Draw(t, "available") {
			bounds = &p.Available
		}
		*bounds = ledger.Bounds{GTE: bound.Draw(t, "gte"), LTE: bound.Draw(t, "lte")}
		if rapid.IntRange(0, 4).Draw(t, "exact") == 0 {
			bounds.EQ = new(money.Signed)
		}
		return p
	})
	return rapid.SliceOfN(one, 0, 2)
}
