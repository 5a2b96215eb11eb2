package commands

import (
	"strconv"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// single is the memory of a transfer from one account to another, in one piece: most transactions are just that.
type single struct {
	transfer [1]ledger.Transfer
	from     [1]ledger.Source
	to       [1]ledger.Destination
}

// transfers makes those of the domain. Where there are too few or too many it makes an empty list, not nil: the form that
// was given is still that with transfers.
func transfers(f *faults, list []transferBody, last *lastAsset) []ledger.Transfer {
	if len(list) < 1 || len(list) > ledger.MaxTransfers {
		f.add("/transfers", "want 1 to "+strconv.Itoa(ledger.MaxTransfers)+" transfers")
		return []ledger.Transfer{}
	}
	sources, destinations := 0, 0
	for i := range list {
		sources += max(1, len(list[i].From.list))
		destinations += max(1, len(list[i].To.list))
	}
	if n := sources + destinations; n > ledger.MaxEntries {
		f.add("/transfers", "want at most "+strconv.Itoa(ledger.MaxEntries)+" sources and destinations in all")
		return []ledger.Transfer{}
	}
	var made []ledger.Transfer
	var from []ledger.Source
	var to []ledger.Destination
	if sources+destinations == 2 {
		space := new(single)
		made, from, to = space.transfer[:0], space.from[:0], space.to[:0]
	} else {
		made = make([]ledger.Transfer, 0, len(list))
		from, to = make([]ledger.Source, 0, sources), make([]ledger.Destination, 0, destinations)
	}
	for i := range list {
		b := &list[i]
		var t ledger.Transfer
		t.From, from = b.From.sources(f, i, from)
		t.To, to = b.To.destinations(f, i, to)
		var fault string
		if t.Asset, fault = last.parse(b.Asset); fault != "" {
			f.item("transfers", i, "asset", fault)
		}
		t.Amount = b.Amount.amount(f, i)
		made = append(made, t)
	}
	return made
}

// sources makes the sources of transfer i in the space, and gives what is left of it.
func (b *sourcesBody) sources(f *faults, i int, space []ledger.Source) (from, left []ledger.Source) {
	if !b.listed {
		account, fault := parseAddress(b.one)
		if fault != "" {
			f.item("transfers", i, "from", fault)
		}
		return split(append(space, ledger.Source{Account: account}))
	}
	if len(b.list) == 0 {
		f.item("transfers", i, "from", wantAccounts)
	}
	for j := range b.list {
		s := &b.list[j]
		var made ledger.Source
		var fault string
		if made.Account, fault = parseAddress(s.Account); fault != "" {
			f.item("transfers", i, "from/"+strconv.Itoa(j)+"/account", fault)
		}
		if s.UpTo.given {
			if made.UpTo, fault = parseAmount(s.UpTo); fault != "" {
				f.item("transfers", i, "from/"+strconv.Itoa(j)+"/up_to", fault)
			}
		}
		space = append(space, made)
	}
	return split(space)
}

func (b *destinationsBody) destinations(f *faults, i int, space []ledger.Destination) (to, left []ledger.Destination) {
	if !b.listed {
		account, fault := parseAddress(b.one)
		if fault != "" {
			f.item("transfers", i, "to", fault)
		}
		return split(append(space, ledger.Destination{Account: account}))
	}
	if len(b.list) == 0 {
		f.item("transfers", i, "to", wantAccounts)
	}
	for j := range b.list {
		d := &b.list[j]
		made := ledger.Destination{Remainder: d.Remainder}
		var fault string
		if made.Account, fault = parseAddress(d.Account); fault != "" {
			f.item("transfers", i, "to/"+strconv.Itoa(j)+"/account", fault)
		}
		if d.Share != nil {
			var err error
			if made.Share, err = ledger.ParseShare(*d.Share); err != nil {
				f.item("transfers", i, "to/"+strconv.Itoa(j)+"/share", reason(err))
			}
		}
		space = append(space, made)
	}
	return split(space)
}

const wantAccounts = "want an address, or a list of at least one account"

// split gives what a space has, and the room behind it.
func split[T any](space []T) (filled, left []T) {
	n := len(space)
	return space[:n:n], space[n:]
}

// amount reads an amount, "all", or {"up_to": amount}.
func (b *amountBody) amount(f *faults, i int) ledger.TransferAmount {
	if b.bounded {
		upTo, fault := parseAmount(b.numeral)
		if fault != "" {
			f.item("transfers", i, "amount/up_to", fault)
		}
		return ledger.TransferAmount{UpTo: upTo}
	}
	if b.text == "all" {
		return ledger.TransferAmount{All: true}
	}
	exactly, fault := parseAmount(b.numeral)
	if fault != "" {
		f.item("transfers", i, "amount", fault)
	}
	return ledger.TransferAmount{Exactly: exactly}
}
