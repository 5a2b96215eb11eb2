package commands

import (
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// movement makes what is common to all commands that move amounts. One that has to say what moves tests [moves] too.
func (b *movementBody) movement(f *faults) ledger.Movement {
	m := ledger.Movement{Description: b.Description, Metadata: ledger.Metadata(b.Metadata)}
	switch {
	case b.Transfers != nil && b.Entries != nil:
		f.add("/transfers", "give transfers or entries, not both")
		f.add("/entries", "give transfers or entries, not both")
	case b.Transfers != nil:
		m.Transfers = transfers(f, *b.Transfers, &b.last)
	case b.Entries != nil:
		m.Entries = fromEntries(f, *b.Entries, &b.last)
	}
	m.EffectiveAt = moment(f, "/effective_at", b.EffectiveAt)
	if b.Late != nil {
		m.Late = ledger.Late(*b.Late)
		if m.Late == "" {
			f.add("/late", `want "reroute"; leave it out to have a late transaction refused`)
		}
	}
	if b.Reference != nil {
		m.Reference = *b.Reference
		if m.Reference == "" {
			f.add("/reference", "want 1 to 255 bytes; leave it out for none")
		}
	}
	return m
}

// moves demands that transfers or entries are given.
func (b *movementBody) moves(f *faults) {
	if b.Transfers == nil && b.Entries == nil {
		f.add("/transfers", "is required, unless there are entries")
		f.add("/entries", "is required, unless there are transfers")
	}
}

func fromEntries(f *faults, list []entryBody, last *lastAsset) []ledger.Entry {
	if len(list) < 2 || len(list) > ledger.MaxEntries {
		f.add("/entries", "want 2 to "+strconv.Itoa(ledger.MaxEntries)+" entries")
		return nil
	}
	entries := make([]ledger.Entry, 0, len(list))
	for i := range list {
		e := &list[i]
		account, err := parseAddress(e.Account)
		if err != "" {
			f.item("entries", i, "account", err)
		}
		asset, err := last.parse(e.Asset)
		if err != "" {
			f.item("entries", i, "asset", err)
		}
		given, side := e.Debit, ledger.Debit
		if e.Credit.given {
			given, side = e.Credit, ledger.Credit
		}
		entry := ledger.Entry{Account: account, Asset: asset, Side: side}
		if e.Debit.given == e.Credit.given {
			f.item("entries", i, "", "want a debit or a credit, and not both")
		} else if entry.Amount, err = parseAmount(given); err != "" {
			f.item("entries", i, side.String(), err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func moment(f *faults, pointer string, text *string) time.Time {
	if text == nil {
		return time.Time{}
	}
	moment, err := httpx.ParseMoment(*text)
	switch {
	case err != nil:
		f.add(pointer, err.Error())
	case moment.Time.IsZero():
		// The domain takes the zero time for "not given"; its first instant is given up rather than misunderstood.
		f.add(pointer, "want a time after 0001-01-01T00:00:00Z")
	}
	return moment.Time
}

func preconditions(f *faults, list []preconditionBody) []ledger.Precondition {
	if len(list) > ledger.MaxPreconditions {
		f.add("/preconditions", "want at most "+strconv.Itoa(ledger.MaxPreconditions)+" preconditions")
		return nil
	}
	var preconditions []ledger.Precondition
	var last lastAsset
	for i := range list {
		p := &list[i]
		account, err := parseAddress(p.Account)
		if err != "" {
			f.item("preconditions", i, "account", err)
		}
		asset, err := last.parse(p.Asset)
		if err != "" {
			f.item("preconditions", i, "asset", err)
		}
		at := "/preconditions/" + strconv.Itoa(i)
		preconditions = append(preconditions, ledger.Precondition{
			Account: account, Asset: asset,
			Balance: p.Balance.bounds(f, at+"/balance"), Available: p.Available.bounds(f, at+"/available"),
		})
	}
	return preconditions
}

func (b *boundsBody) bounds(f *faults, at string) ledger.Bounds {
	return ledger.Bounds{
		GTE: signed(f, at+"/gte", b.GTE), LTE: signed(f, at+"/lte", b.LTE), EQ: signed(f, at+"/eq", b.EQ),
	}
}

// signed reads a number that may be negative; nil where none is given.
func signed(f *faults, pointer string, n numeral) *money.Signed {
	if !n.given {
		return nil
	}
	value, err := money.ParseSigned(n.text)
	if err != nil {
		f.add(pointer, reason(err))
	}
	return &value
}

// lastAsset remembers the asset that was parsed last: that of the next entry, and of the next request, is mostly the same.
type lastAsset struct{ asset money.Asset }

func (l *lastAsset) parse(text string) (asset money.Asset, fault string) {
	switch {
	case text == "":
		return "", required
	case text == string(l.asset):
		return l.asset, ""
	}
	if _, err := money.ParseAsset(text); err != nil {
		return "", reason(err)
	}
	// A book keeps the assets it has seen: it must not keep the whole request with them.
	l.asset = money.Asset(strings.Clone(text))
	return l.asset, ""
}
