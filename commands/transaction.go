package commands

import (
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

const maxTransfers = ledger.MaxEntries / 2

// decodeTransaction reads the body of a transaction. It keeps nothing of data.
func decodeTransaction(data []byte) (cmd ledger.Command, dryRun bool, problem *httpx.Problem) {
	if cmd, dryRun, problem, ok := plainTransaction(string(data)); ok {
		return cmd, dryRun, problem
	}
	var body transactionBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return cmd, false, httpx.AsProblem(err)
	}
	cmd, problem = body.command()
	return cmd, body.DryRun, problem
}

func (b *transactionBody) command() (ledger.Command, *httpx.Problem) {
	var f faults
	form := formEntries
	cmd := ledger.PostTransaction{Movement: ledger.Movement{Description: b.Description, Metadata: ledger.Metadata(b.Metadata)}}
	switch {
	case b.Transfers != nil && b.Entries != nil:
		f.add("/transfers", "give transfers or entries, not both")
		f.add("/entries", "give transfers or entries, not both")
	case b.Transfers != nil:
		form = formTransfers
		cmd.Entries = fromTransfers(&f, *b.Transfers)
	case b.Entries != nil:
		cmd.Entries = fromEntries(&f, *b.Entries)
	default:
		f.add("/transfers", "is required, unless there are entries")
		f.add("/entries", "is required, unless there are transfers")
	}
	cmd.EffectiveAt = effectiveAt(&f, b.EffectiveAt)
	if b.Reference != nil {
		cmd.Reference = *b.Reference
		if cmd.Reference == "" {
			f.add("/reference", "want 1 to 255 bytes; leave it out for none")
		}
	}
	boxed := ledger.Command(cmd) // once, rather than at each call
	return boxed, f.validated(boxed, form)
}

// item makes the command as a part of a bulk.
func (b *transactionBody) item() (ledger.Command, *httpx.Problem) {
	cmd, problem := b.command()
	if problem == nil && b.DryRun {
		problem = httpx.InvalidField(httpx.FieldError{Pointer: "/dry_run", Detail: "a bulk has no dry runs"})
	}
	return cmd, problem
}

// fromTransfers makes two entries of each transfer: debit from, credit to.
func fromTransfers(f *faults, transfers []transferBody) []ledger.Entry {
	if len(transfers) < 1 || len(transfers) > maxTransfers {
		f.add("/transfers", "want 1 to "+strconv.Itoa(maxTransfers)+" transfers")
		return nil
	}
	entries := make([]ledger.Entry, 0, 2*len(transfers))
	var last lastAsset
	for i := range transfers {
		t := &transfers[i]
		from, err := parseAddress(t.From)
		if err != "" {
			f.item("transfers", i, "from", err)
		}
		to, err := parseAddress(t.To)
		if err != "" {
			f.item("transfers", i, "to", err)
		}
		asset, err := last.parse(t.Asset)
		if err != "" {
			f.item("transfers", i, "asset", err)
		}
		amount, err := parseAmount(t.Amount)
		if err != "" {
			f.item("transfers", i, "amount", err)
		}
		entries = append(entries,
			ledger.Entry{Account: from, Asset: asset, Side: ledger.Debit, Amount: amount},
			ledger.Entry{Account: to, Asset: asset, Side: ledger.Credit, Amount: amount})
	}
	return entries
}

func fromEntries(f *faults, list []entryBody) []ledger.Entry {
	if len(list) < 2 || len(list) > ledger.MaxEntries {
		f.add("/entries", "want 2 to "+strconv.Itoa(ledger.MaxEntries)+" entries")
		return nil
	}
	entries := make([]ledger.Entry, 0, len(list))
	var last lastAsset
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

func effectiveAt(f *faults, text *string) time.Time {
	if text == nil {
		return time.Time{}
	}
	moment, err := httpx.ParseMoment(*text)
	switch {
	case err != nil:
		f.add("/effective_at", err.Error())
	case moment.Time.IsZero():
		// The domain takes the zero time for "now"; its first instant is given up rather than misunderstood.
		f.add("/effective_at", "want a time after 0001-01-01T00:00:00Z")
	}
	return moment.Time
}

// lastAsset remembers the asset that was parsed last: that of the next entry is mostly the same.
type lastAsset struct {
	text, fault string
	asset       money.Asset
}

func (l *lastAsset) parse(text string) (money.Asset, string) {
	if text == "" {
		return "", required
	}
	if text == l.text {
		return l.asset, l.fault
	}
	*l = lastAsset{text: text}
	if _, err := money.ParseAsset(text); err != nil {
		l.fault = reason(err)
		return "", l.fault
	}
	// A book keeps the assets it has seen: it must not keep the whole request with them.
	l.asset = money.Asset(strings.Clone(text))
	return l.asset, ""
}
