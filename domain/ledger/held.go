package ledger

import (
	"fmt"

	"github.com/daybook-ledger/daybook/domain/money"
)

// entriesHeld writes out what a hold has set aside.
func (b *Book) entriesHeld(list []held) []Entry {
	if len(list) == 0 {
		return nil
	}
	entries := make([]Entry, len(list))
	for i := range list {
		h := &list[i]
		entries[i] = Entry{
			Account: b.accounts.at(h.place.account).address, Asset: b.assets[h.place.asset], Side: h.place.side, Amount: h.amount,
		}
	}
	return entries
}

// heldOf gives entries in the book's own numbers, unless it lacks an account or an asset.
func (b *Book) heldOf(entries []Entry) (list []held, ok bool) {
	list = make([]held, len(entries))
	for i := range entries {
		place, found := b.heldPlace(&entries[i])
		if !found {
			return nil, false
		}
		list[i] = held{place: place, amount: entries[i].Amount}
	}
	return list, true
}

func (b *Book) heldPlace(e *Entry) (place heldPlace, found bool) {
	account, found := b.findAccount(e.Account)
	if !found {
		return heldPlace{}, false
	}
	asset, found := b.assetNumbers[e.Asset]
	return heldPlace{account, asset, e.Side}, found
}

// takeFrom takes entries from what a hold has set aside. For each account, asset and side no more can be taken than is
// there, whichever entries it is made of; it is taken from the first of them first.
func (b *Book) takeFrom(id uint64, list []held, entries []Entry) (rest []held, exceeds *Rejection) {
	left := make(map[heldPlace]money.Amount, len(list)) // the sums fit, as all that is pending does
	for i := range list {
		left[list[i].place], _ = left[list[i].place].Add(list[i].amount)
	}
	taken := make(map[heldPlace]money.Amount, len(entries))
	for i := range entries {
		e := &entries[i]
		place, found := b.heldPlace(e)
		after, ok := left[place].Sub(e.Amount)
		if !found || !ok {
			return nil, captureExceeds(id, e, left[place], found)
		}
		left[place] = after
		taken[place], _ = taken[place].Add(e.Amount)
	}
	for i := range list {
		h := list[i]
		switch of := taken[h.place]; {
		case of.Cmp(h.amount) >= 0:
			taken[h.place], _ = of.Sub(h.amount)
		default:
			taken[h.place] = money.Amount{}
			h.amount, _ = h.amount.Sub(of)
			rest = append(rest, h)
		}
	}
	return rest, nil
}

func captureExceeds(id uint64, e *Entry, left money.Amount, found bool) *Rejection {
	r := &Rejection{
		Code:    CaptureExceedsHold,
		Hold:    id,
		Account: e.Account,
		Asset:   e.Asset,
		Detail: fmt.Sprintf("hold %d has %s of %s left to %s account %q with, and the capture goes beyond it",
			id, left, e.Asset, e.Side, e.Account),
	}
	if !found || left.IsZero() {
		r.Detail = fmt.Sprintf("hold %d has nothing left to %s account %q with in %s", id, e.Side, e.Account, e.Asset)
	}
	return r
}
