package ledger

import (
	"fmt"
	"strconv"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// resolution writes transfers out as entries where that depends on what accounts have.
type resolution struct {
	book    *Book
	pending bool
	entries []Entry
	refused *Rejection
	// after is what accounts have once the entries so far count: of those that are touched. It is nil where no transfer
	// draws on what there is.
	after map[holder]Totals
	parts []money.Amount
}

type holder struct {
	account address.Address
	asset   money.Asset
}

func (b *Book) resolve(transfers []Transfer, pending bool) ([]Entry, *Rejection) {
	r := resolution{book: b, pending: pending}
	most := 0
	for i := range transfers {
		most += len(transfers[i].From) + len(transfers[i].To)
		if r.after == nil && transfers[i].draws() {
			r.after = map[holder]Totals{}
		}
	}
	r.entries = make([]Entry, 0, most)
	for i := range transfers {
		t := &transfers[i]
		if rejection := r.drawable(i, t); rejection != nil {
			return nil, rejection
		}
		start := len(r.entries)
		if r.refused == nil {
			r.refused = r.transfer(t)
		}
		if r.refused != nil {
			r.entries = named(r.entries[:start], t)
		}
	}
	return r.entries, r.refused
}

// drawable tests that sources whose funds are asked for can have some: that a debit takes from them.
func (r *resolution) drawable(i int, t *Transfer) *Rejection {
	if !t.draws() {
		return nil
	}
	for j := range t.From {
		a := t.From[j].Account
		of, _ := r.book.termsAt(a)
		if !of.DebitNormal() {
			continue
		}
		pointer := t.source("/transfers/"+strconv.Itoa(i)+"/from", j)
		return &Rejection{
			Code:    InvalidField,
			Account: a,
			Detail: fmt.Sprintf("account %q is of type %s, which grows by debits: it has nothing that a transfer from it could draw; "+
				"give an exact amount, from this account alone", a, of),
			Fields: []Field{{pointer, fmt.Sprintf("want an account that credits add to, not one of type %s", of)}},
		}
	}
	return nil
}

// named appends entries of zero for all that a transfer names: of one that cannot be made, and of those after it, which
// it is not known what they would move, existence and state are still judged.
func named(entries []Entry, t *Transfer) []Entry {
	for j := range t.From {
		entries = append(entries, Entry{Account: t.From[j].Account, Asset: t.Asset, Side: Debit})
	}
	for j := range t.To {
		entries = append(entries, Entry{Account: t.To[j].Account, Asset: t.Asset, Side: Credit})
	}
	return entries
}

// transfer appends the entries of one transfer, or says why it cannot be made.
func (r *resolution) transfer(t *Transfer) *Rejection {
	total, rejection := r.draw(t)
	if rejection != nil {
		return rejection
	}
	r.parts = divide(total, t.To, r.parts[:0])
	for j := range t.To {
		if rejection := r.enter(t.To[j].Account, t.Asset, Credit, r.parts[j]); rejection != nil {
			return rejection
		}
	}
	return nil
}

// draw has the sources give, in order, until the amount is reached, and gives the sum.
func (r *resolution) draw(t *Transfer) (money.Amount, *Rejection) {
	wanted := money.MaxAmount // of all there is
	switch {
	case !t.Amount.Exactly.IsZero():
		wanted = t.Amount.Exactly
	case !t.Amount.UpTo.IsZero():
		wanted = t.Amount.UpTo
	}
	if !t.draws() {
		return wanted, r.enter(t.From[0].Account, t.Asset, Debit, wanted)
	}
	left := wanted
	for j := range t.From {
		source := &t.From[j]
		has := r.available(source.Account, t.Asset)
		if !source.UpTo.IsZero() {
			has = lesser(has, source.UpTo)
		}
		if t.Amount.All && has.Cmp(left) > 0 {
			return money.Amount{}, tooMuch(source.Account, t.Asset)
		}
		gives := lesser(has, left)
		if rejection := r.enter(source.Account, t.Asset, Debit, gives); rejection != nil {
			return money.Amount{}, rejection
		}
		left, _ = left.Sub(gives)
	}
	total, _ := wanted.Sub(left)
	if total.IsZero() || !t.Amount.Exactly.IsZero() && !left.IsZero() {
		return money.Amount{}, shortage(t, total)
	}
	return total, nil
}

// enter appends an entry, unless it would be zero, and counts it.
func (r *resolution) enter(a address.Address, asset money.Asset, side Side, amount money.Amount) *Rejection {
	if amount.IsZero() {
		return nil
	}
	r.entries = append(r.entries, Entry{Account: a, Asset: asset, Side: side, Amount: amount})
	if r.after == nil {
		return nil
	}
	at := holder{a, asset}
	totals := r.totals(at)
	sum := totalOn(&totals, side, r.pending)
	var fits bool
	if *sum, fits = sum.Add(amount); fits {
		_, fits = totalOn(&totals, side, false).Add(*totalOn(&totals, side, true))
	}
	if !fits {
		return tooMuch(a, asset)
	}
	r.after[at] = totals
	return nil
}

func (r *resolution) totals(at holder) Totals {
	if totals, touched := r.after[at]; touched {
		return totals
	}
	return r.book.Totals(at.account, at.asset)
}

// totalOn is the total of one side, posted or pending.
func totalOn(t *Totals, side Side, pending bool) *money.Amount {
	switch {
	case side == Debit && pending:
		return &t.PendingDebits
	case side == Debit:
		return &t.Debits
	case pending:
		return &t.PendingCredits
	}
	return &t.Credits
}

// available is what a transfer may draw from an account: what it has above its minimum, but never of a credit line,
// which a negative minimum is.
func (r *resolution) available(a address.Address, asset money.Asset) money.Amount {
	of, limits := r.book.termsAt(a)
	has := r.totals(holder{a, asset}).Available(of)
	if limits.Min != nil && !limits.Min.IsNegative() {
		var fits bool
		if has, fits = has.Sub(*limits.Min); !fits {
			return money.Amount{}
		}
	}
	if has.IsNegative() {
		return money.Amount{}
	}
	return has.Abs()
}

// termsAt gives the type of an account and the limits in force on it, or those it would have if it were opened now.
func (b *Book) termsAt(a address.Address) (AccountType, Limits) {
	if number, found := b.findAccount(a); found {
		return b.accounts.at(number).kind.accountType(), b.limits(number)
	}
	rule := b.matcher.rule(b.matcher.find(a))
	return rule.Type, rule.Limits
}

func lesser(a, b money.Amount) money.Amount {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// shortage is the rejection of a transfer whose sources have too little: less than its amount, or nothing at all. Of
// "all" and "up_to" at least one unit has to move.
func shortage(t *Transfer, available money.Amount) *Rejection {
	last := t.From[len(t.From)-1].Account
	required := t.Amount.Exactly
	if required.IsZero() {
		required = money.NewAmount(1)
	}
	who := fmt.Sprintf("account %q has", last)
	if n := len(t.From); n > 1 {
		who = fmt.Sprintf("the %d accounts up to %q have", n, last)
	}
	has := money.NewSigned(false, available)
	return &Rejection{
		Code:      InsufficientFunds,
		Account:   last,
		Asset:     t.Asset,
		Available: &has,
		Required:  &required,
		Detail:    fmt.Sprintf("%s %s of %s to give, and the transfer takes at least %s", who, available, t.Asset, required),
	}
}

// tooMuch is the rejection of a transfer that comes to more, in itself or with what the account has, than amounts can say.
func tooMuch(a address.Address, asset money.Asset) *Rejection {
	return &Rejection{
		Code:    AmountOutOfRange,
		Account: a,
		Asset:   asset,
		Detail: fmt.Sprintf("what the transfers move of %s to or from account %q would come to more than %s, what there was before "+
			"and open holds included", asset, a, money.MaxAmount),
	}
}
