package audit

import (
	"fmt"
	"iter"
	"maps"
	"math/big"
	"slices"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// hold holds a ledger's books to what is always true of them.
func (v *verifier) hold(t *trail) {
	for _, reason := range contradictions(t.book.Balances(), pendingOf(t.book)) {
		v.report.found(&Finding{Ledger: t.ledger, Reason: reason})
	}
	for b := range t.book.Balances() {
		if reason := t.beyond(&b); reason != "" && !t.forced[b.Account] {
			v.report.found(&Finding{Ledger: t.ledger, Reason: reason + ", and no forced transaction moved it"})
		}
	}
}

// contradictions are what balances have that cannot be: in each asset debits equal credits, and what is pending is what open
// holds set aside.
func contradictions(balances iter.Seq[ledger.Balance], pending map[holding]ledger.Totals) (reasons []string) {
	differences := map[money.Asset]*big.Int{}
	for b := range balances {
		difference := differences[b.Asset]
		if difference == nil {
			difference = new(big.Int)
			differences[b.Asset] = difference
		}
		difference.Add(difference, integer(b.Debits)).Sub(difference, integer(b.Credits))
		at := holding{b.Account, b.Asset}
		if set := pending[at]; set.PendingDebits != b.PendingDebits || set.PendingCredits != b.PendingCredits {
			reasons = append(reasons, fmt.Sprintf("account %q has pending debits of %s and credits of %s in %s; open holds come to %s and %s",
				b.Account, b.PendingDebits, b.PendingCredits, b.Asset, set.PendingDebits, set.PendingCredits))
		}
		delete(pending, at)
	}
	for at := range pending {
		reasons = append(reasons, fmt.Sprintf("open holds set something aside on account %q in %s, which has nothing pending", at.account, at.asset))
	}
	for _, asset := range slices.Sorted(maps.Keys(differences)) {
		if d := differences[asset]; d.Sign() != 0 {
			reasons = append(reasons, fmt.Sprintf("the debits in %s less the credits come to %s", asset, d))
		}
	}
	return reasons
}

type holding struct {
	account address.Address
	asset   money.Asset
}

// pendingOf adds up what the open holds of a book set aside.
func pendingOf(book *ledger.Book) map[holding]ledger.Totals {
	pending := map[holding]ledger.Totals{}
	for id := range book.Holds() {
		h, _ := book.Hold(id + 1)
		for i := range h.Remaining {
			e := &h.Remaining[i]
			at := holding{e.Account, e.Asset}
			totals := pending[at]
			side := &totals.PendingDebits
			if e.Side == ledger.Credit {
				side = &totals.PendingCredits
			}
			*side, _ = side.Add(e.Amount)
			pending[at] = totals
		}
	}
	return pending
}

// beyond says how a balance is beyond the limits of its account. A minimum above zero, or a maximum below, is one that an
// account may be on its way to: it begins with nothing.
func (t *trail) beyond(b *ledger.Balance) string {
	account, _ := t.book.Account(b.Account)
	available, highest := b.Available(account.Type), b.Highest(account.Type)
	var zero money.Signed
	limits := account.Limits
	switch {
	case limits.Min != nil && available.Cmp(*limits.Min) < 0 && available.Cmp(zero) < 0:
		return fmt.Sprintf("account %q has %s %s available, and its minimum is %s", b.Account, available, b.Asset, limits.Min)
	case limits.Max != nil && highest.Cmp(*limits.Max) > 0 && highest.Cmp(zero) > 0:
		return fmt.Sprintf("account %q has up to %s %s, and its maximum is %s", b.Account, highest, b.Asset, limits.Max)
	case account.Closed && b.Totals != ledger.Totals{Debits: b.Debits, Credits: b.Debits}:
		return fmt.Sprintf("account %q is closed, and has a balance or something pending in %s", b.Account, b.Asset)
	default:
		return ""
	}
}

func integer(a money.Amount) *big.Int {
	hi, lo := a.Words()
	n := new(big.Int).SetUint64(hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(lo)) //nolint:mnd // bits of a word
}
