package ledger

import (
	"strconv"
)

// MaxTransfers is how many transfers a transaction has at most. A transfer makes at least two entries.
const MaxTransfers = MaxEntries / 2

// moves tests the shape of what a movement moves: entries, or transfers.
func (f *faults) moves(m *Movement, exact bool) {
	switch {
	case m.Transfers != nil && len(m.Entries) > 0:
		f.addf("/transfers", "give transfers or entries, not both")
		f.addf("/entries", "give transfers or entries, not both")
	case m.Transfers != nil:
		f.transfers(m.Transfers, exact)
	default:
		f.entries(m.Entries)
	}
}

func (f *faults) entries(list []Entry) {
	if n := len(list); n < 2 || n > MaxEntries {
		f.addf("/entries", "want 2 to %d entries", MaxEntries)
		return
	}
	for i := range list {
		f.entry(i, &list[i])
	}
}

// transfers tests the shape of transfers. What a capture takes has to be exact: an amount from one account.
func (f *faults) transfers(list []Transfer, exact bool) {
	if n := len(list); n < 1 || n > MaxTransfers {
		f.addf("/transfers", "want 1 to %d transfers", MaxTransfers)
		return
	}
	accounts := 0
	for i := range list {
		t := &list[i]
		accounts += len(t.From) + len(t.To)
		if !t.Plain() || t.Asset == "" || t.Amount.Exactly.IsZero() || t.From[0].Account == "" || t.To[0].Account == "" {
			f.transfer("/transfers/"+strconv.Itoa(i), t, exact)
		}
	}
	if accounts > MaxEntries {
		f.addf("/transfers", "want at most %d sources and destinations in all, not %d", MaxEntries, accounts)
	}
}

func (f *faults) transfer(pointer string, t *Transfer, exact bool) {
	f.sources(pointer+"/from", t, exact)
	f.destinations(pointer+"/to", t.To)
	if t.Asset == "" {
		f.addf(pointer+"/asset", "want an asset")
	}
	ways := 0
	for _, way := range [...]bool{!t.Amount.Exactly.IsZero(), t.Amount.All, !t.Amount.UpTo.IsZero()} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		f.addf(pointer+"/amount", "want more than 0")
	case ways > 1:
		f.addf(pointer+"/amount", "want one of an exact amount, all, and up_to")
	case exact && t.Amount.Exactly.IsZero():
		f.addf(pointer+"/amount", "want an exact amount")
	}
}

func (f *faults) sources(pointer string, t *Transfer, exact bool) {
	switch {
	case len(t.From) == 0:
		f.addf(pointer, "want an account, or a list of at least one")
	case exact && (len(t.From) > 1 || !t.From[0].UpTo.IsZero()):
		f.addf(pointer, "want one account, without up_to")
	}
	for j := range t.From {
		if t.From[j].Account == "" {
			f.addf(t.source(pointer, j), "want the address of an account")
		}
	}
}

func (f *faults) destinations(pointer string, to []Destination) {
	if len(to) == 0 {
		f.addf(pointer, "want an account, or a list of at least one")
	}
	remainder, proper := false, true
	for j := range to {
		d := &to[j]
		at := pointer + "/" + strconv.Itoa(j)
		whole := d.Share == (Share{}) && !d.Remainder
		if d.Account == "" {
			one := at + "/account"
			if whole && len(to) == 1 {
				one = pointer
			}
			f.addf(one, "want the address of an account")
		}
		var fault string
		switch {
		case whole && len(to) > 1:
			fault = "want a share, or the remainder"
		case d.Remainder && d.Share != (Share{}):
			fault = "want a share or the remainder, not both"
		case d.Share != (Share{}) && !d.Share.proper():
			fault = "want more than 0 and at most 1"
		case d.Remainder && remainder:
			f.addf(at+"/remainder", "want one remainder at most")
		}
		if fault != "" {
			f.addf(at+"/share", "%s", fault)
			proper = false
		}
		remainder = remainder || d.Remainder
	}
	if proper && len(to) > 0 && (len(to) > 1 || to[0].Share != (Share{})) {
		f.shares(pointer, to, remainder)
	}
}

// shares tests what shares add up to.
func (f *faults) shares(pointer string, to []Destination, remainder bool) {
	switch sum := wholeOf(to); {
	case sum > 0:
		f.addf(pointer, "want shares that add up to no more than 1")
	case sum < 0 && !remainder:
		f.addf(pointer, "want shares that add up to exactly 1, or a destination that takes the remainder")
	}
}

// Plain tells whether the transfer is of an exact amount from one account to another, whatever they have: debit the
// one, credit the other.
func (t *Transfer) Plain() bool {
	return !t.Amount.All && t.Amount.UpTo.IsZero() &&
		len(t.From) == 1 && t.From[0].UpTo.IsZero() &&
		len(t.To) == 1 && t.To[0].Share == (Share{}) && !t.To[0].Remainder
}

// draws tells whether the sources give only what they have. One that gives an exact amount by itself is bounded by its
// account's limits alone.
func (t *Transfer) draws() bool {
	return t.Amount.Exactly.IsZero() || len(t.From) > 1 || !t.From[0].UpTo.IsZero()
}

// source is the pointer to the account of a source, where pointer is that of all. A source without bounds that stands
// alone is given by its address.
func (t *Transfer) source(pointer string, j int) string {
	if len(t.From) == 1 && t.From[0].UpTo.IsZero() {
		return pointer
	}
	return pointer + "/" + strconv.Itoa(j) + "/account"
}

// entriesOf gives what a movement moves, as entries. Transfers are written out one after another, each seeing what the
// ones before have done to the book, as postings or, where pending, as a hold: debit(s), then credit(s).
//
// Where a transfer cannot be made, refused says why. If that is an invalid field it comes before all other reasons but the
// ledger's existence; else it is about balances, and the entries are those on which existence and state are judged first.
func (b *Book) entriesOf(m *Movement, pending bool) (entries []Entry, refused *Rejection) {
	if len(m.Transfers) == 0 || b.opened == nil {
		return m.Entries, nil
	}
	for i := range m.Transfers {
		if !m.Transfers[i].Plain() {
			return b.resolve(m.Transfers, pending)
		}
	}
	entries = make([]Entry, 2*len(m.Transfers))
	for i := range m.Transfers {
		t := &m.Transfers[i]
		entries[2*i] = Entry{Account: t.From[0].Account, Asset: t.Asset, Side: Debit, Amount: t.Amount.Exactly}
		entries[2*i+1] = Entry{Account: t.To[0].Account, Asset: t.Asset, Side: Credit, Amount: t.Amount.Exactly}
	}
	return entries, nil
}
