package ledger

import (
	"fmt"
	"strconv"

	"github.com/daybook-ledger/daybook/domain/money"
)

// MaxPreconditions is how many preconditions a command has at most.
const MaxPreconditions = 100

// preconditions tests the shape of a command's preconditions.
func (f *faults) preconditions(list []Precondition) {
	if len(list) > MaxPreconditions {
		f.addf("/preconditions", "want at most %d preconditions", MaxPreconditions)
		return
	}
	for i := range list {
		p := &list[i]
		pointer := "/preconditions/" + strconv.Itoa(i)
		if p.Account == "" {
			f.addf(pointer+"/account", "want the address of an account")
		}
		if p.Asset == "" {
			f.addf(pointer+"/asset", "want an asset")
		}
		if p.Balance == (Bounds{}) && p.Available == (Bounds{}) {
			f.addf(pointer, "want bounds: gte, lte or eq of the balance, or of what is available")
		}
	}
}

// meet tests preconditions against the book as it is, in their order.
func (b *Book) meet(list []Precondition) *Rejection {
	for i := range list {
		p := &list[i]
		account, _ := b.Account(p.Account) // one that does not exist has zero, whatever its type
		totals := b.Totals(p.Account, p.Asset)
		balance, available := totals.Balance(account.Type), totals.Available(account.Type)
		if bound, demand := p.Balance.broken(balance); bound != "" {
			r := p.failed(i, "balance", bound, demand, balance)
			r.Balance = &balance
			return r
		}
		if bound, demand := p.Available.broken(available); bound != "" {
			r := p.failed(i, "available", bound, demand, available)
			r.Available = &available
			return r
		}
	}
	return nil
}

// broken names the first bound that a value is not within, and gives it.
func (b Bounds) broken(value money.Signed) (name string, bound *money.Signed) {
	switch {
	case b.GTE != nil && value.Cmp(*b.GTE) < 0:
		return "gte", b.GTE
	case b.LTE != nil && value.Cmp(*b.LTE) > 0:
		return "lte", b.LTE
	case b.EQ != nil && value.Cmp(*b.EQ) != 0:
		return "eq", b.EQ
	}
	return "", nil
}

func (p *Precondition) failed(i int, of, bound string, demand *money.Signed, value money.Signed) *Rejection {
	want := map[string]string{"gte": "at least ", "lte": "at most ", "eq": ""}[bound] + demand.String()
	return &Rejection{
		Code:    PreconditionFailed,
		Account: p.Account,
		Asset:   p.Asset,
		Detail: fmt.Sprintf("the %s of account %q in %s is %s, and precondition %d wants %s",
			of, p.Account, p.Asset, value, i, want),
		Fields: []Field{{
			Pointer: "/preconditions/" + strconv.Itoa(i) + "/" + of + "/" + bound,
			Detail:  fmt.Sprintf("it is %s, not %s", value, want),
		}},
	}
}
