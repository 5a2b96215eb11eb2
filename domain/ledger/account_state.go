package ledger

import (
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/domain/address"
)

func (b *Book) decideCloseAccount(c CloseAccount) ([]Event, *Rejection) {
	number, rejection := b.existing(c.Address)
	if rejection != nil {
		return nil, rejection
	}
	if b.accounts.at(number).closed {
		return nil, accountClosed(c.Address)
	}
	for asset := range b.assets {
		at, found := b.findHolding(number, uint32(asset))
		if !found {
			continue
		}
		totals := b.totalsOf(at)
		if totals.empty() {
			continue
		}
		return nil, &Rejection{
			Code:    AccountNotEmpty,
			Account: c.Address,
			Asset:   b.assets[asset],
			Detail: fmt.Sprintf("account %q still has a balance of %s in %s%s; an account is closed with nothing on it, and nothing pending",
				c.Address, totals.Balance(b.accounts.at(number).kind.accountType()), b.assets[asset], totals.holds()),
		}
	}
	return []Event{AccountClosed(c)}, nil
}

func (b *Book) decideReopenAccount(c ReopenAccount) ([]Event, *Rejection) {
	number, rejection := b.existing(c.Address)
	if rejection != nil {
		return nil, rejection
	}
	if !b.accounts.at(number).closed {
		return nil, &Rejection{
			Code:    InvalidField,
			Account: c.Address,
			Detail:  fmt.Sprintf("account %q is open already", c.Address),
			Fields:  []Field{{"/address", "want an account that is closed"}},
		}
	}
	return []Event{AccountReopened(c)}, nil
}

func (b *Book) evolveAccountClosed(e AccountClosed) error {
	if err := b.setClosed(e.Address, true); err != nil {
		return fmt.Errorf("close account %q: %w", e.Address, err)
	}
	return nil
}

func (b *Book) evolveAccountReopened(e AccountReopened) error {
	if err := b.setClosed(e.Address, false); err != nil {
		return fmt.Errorf("reopen account %q: %w", e.Address, err)
	}
	return nil
}

var (
	errNoSuch    = errors.New("there is no such account")
	errSameState = errors.New("it is so already")
)

func (b *Book) setClosed(a address.Address, closed bool) error {
	number, found := b.findAccount(a)
	if !found {
		return errNoSuch
	}
	if b.accounts.at(number).closed == closed {
		return errSameState
	}
	b.accounts.edit(number).closed = closed
	b.onRollback(func() { b.accounts.edit(number).closed = !closed })
	return nil
}

// empty tells whether there is no balance and nothing pending.
func (t Totals) empty() bool {
	return t.Debits == t.Credits && t.PendingDebits.IsZero() && t.PendingCredits.IsZero()
}

// holds adds to a sentence about a balance what is pending, if anything is.
func (t Totals) holds() string {
	if t.PendingDebits.IsZero() && t.PendingCredits.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (pending: debits %s, credits %s)", t.PendingDebits, t.PendingCredits)
}

// existing gives the number of an account that there has to be.
func (b *Book) existing(a address.Address) (uint32, *Rejection) {
	if b.opened == nil {
		return 0, ledgerNotFound()
	}
	number, found := b.findAccount(a)
	if !found {
		return 0, &Rejection{
			Code:    AccountNotFound,
			Account: a,
			Detail:  fmt.Sprintf("the ledger has no account %q; open it, or post to it", a),
		}
	}
	return number, nil
}

func accountClosed(a address.Address) *Rejection {
	return &Rejection{
		Code:    AccountIsClosed,
		Account: a,
		Detail:  fmt.Sprintf("account %q is closed; reopen it, or use another one", a),
	}
}

const maxReason = 1024 // bytes

// named tests what a command about one account has.
func (f *faults) named(a address.Address, reason string) {
	if a == "" {
		f.addf("/address", "want the address of an account")
	}
	f.reason(reason)
}

func (f *faults) reason(s string) { f.text("/reason", s, maxReason) }
