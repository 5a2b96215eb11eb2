package ledger

import (
	"errors"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// This file says which fields each event has; reader.go how JSON is read.

var (
	errUnknownField = errors.New("an unknown field")
	errBadValue     = errors.New("a value that the field cannot have")
	errSides        = errors.New("an entry that is not either a debit or a credit")
)

func (r *reader) ledgerOpened() LedgerOpened {
	var e LedgerOpened
	const name, template, chart, metadata = 1, 2, 4, 8
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "name":
			r.field(&seen, name)
			e.Name = r.string()
		case "template":
			r.field(&seen, template)
			e.Template = Template(r.string())
		case "chart":
			r.field(&seen, chart)
			e.Chart = r.chart()
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, name|chart)
	return e
}

func (r *reader) chart() Chart {
	var c Chart
	const undeclared, rules = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "undeclared":
			r.field(&seen, undeclared)
			c.Undeclared = Undeclared(r.string())
			r.must(c.Undeclared == Allow || c.Undeclared == Reject)
		case "rules":
			r.field(&seen, rules)
			for more := r.begin('[', ']'); more; more = r.next(']') {
				c.Rules = append(c.Rules, r.rule())
			}
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, undeclared|rules)
	return c
}

func (r *reader) rule() Rule {
	var rule Rule
	const pattern, anyCase, of, minimum, maximum, assets = 1, 2, 4, 8, 16, 32
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "pattern":
			r.field(&seen, pattern)
			rule.Pattern = parsed(r, address.ParsePattern)
		case "any_case":
			r.field(&seen, anyCase)
			rule.AnyCase = r.bool()
		case "type":
			r.field(&seen, of)
			rule.Type = r.accountType()
		case "min_balance":
			r.field(&seen, minimum)
			rule.Limits.Min = r.signed()
		case "max_balance":
			r.field(&seen, maximum)
			rule.Limits.Max = r.signed()
		case "assets":
			r.field(&seen, assets)
			for more := r.begin('[', ']'); more; more = r.next(']') {
				rule.Assets = append(rule.Assets, parsed(r, money.ParseAsset))
			}
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, pattern|of)
	return rule
}

func (r *reader) accountOpened() AccountOpened {
	var e AccountOpened
	const name, of, minimum, maximum, metadata, implicit = 1, 2, 4, 8, 16, 32
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "address":
			r.field(&seen, name)
			e.Address = parsed(r, address.Parse)
		case "type":
			r.field(&seen, of)
			e.Type = r.accountType()
		case "min_balance":
			r.field(&seen, minimum)
			e.Limits.Min = r.signed()
		case "max_balance":
			r.field(&seen, maximum)
			e.Limits.Max = r.signed()
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		case "implicit":
			r.field(&seen, implicit)
			e.Implicit = r.bool()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, name|of)
	return e
}

func (r *reader) transactionPosted() TransactionPosted {
	var e TransactionPosted
	const id, entries, effectiveAt, reference, description, metadata = 1, 2, 4, 8, 16, 32
	const intendedAt, reverts, forced, reason, hold = 64, 128, 256, 512, 1024
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "entries":
			r.field(&seen, entries)
			e.Entries = r.entries()
		case "effective_at":
			r.field(&seen, effectiveAt)
			e.EffectiveAt = r.time()
		case "intended_at":
			r.field(&seen, intendedAt)
			e.IntendedAt = r.time()
		case "reference":
			r.field(&seen, reference)
			e.Reference = r.string()
		case "description":
			r.field(&seen, description)
			e.Description = r.string()
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		case "reverts":
			r.field(&seen, reverts)
			e.Reverts = r.uint64()
		case "forced":
			r.field(&seen, forced)
			e.Forced = r.bool()
		case "reason":
			r.field(&seen, reason)
			e.Reason = r.string()
		case "hold":
			r.field(&seen, hold)
			e.Hold = r.uint64()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|entries|effectiveAt)
	return e
}

func (r *reader) entries() []Entry {
	var entries []Entry
	for more := r.begin('[', ']'); more; more = r.next(']') {
		if entries == nil {
			entries = make([]Entry, 0, 2) // most transactions have two
		}
		var previous money.Asset
		if n := len(entries); n > 0 {
			previous = entries[n-1].Asset
		}
		entries = append(entries, r.entry(previous))
	}
	return entries
}

// entry reads one entry. Its asset is often that of the entry before, which was parsed already.
func (r *reader) entry(previous money.Asset) Entry {
	var e Entry
	const account, asset, debit, credit = 1, 2, 4, 8
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "account":
			r.field(&seen, account)
			e.Account = parsed(r, address.Parse)
		case "asset":
			r.field(&seen, asset)
			if text := r.string(); previous != "" && text == string(previous) {
				e.Asset = previous
			} else {
				e.Asset = converted(r, text, money.ParseAsset)
			}
		case "debit":
			r.field(&seen, debit)
			e.Amount = parsed(r, money.ParseAmount)
		case "credit":
			r.field(&seen, credit)
			e.Side, e.Amount = Credit, parsed(r, money.ParseAmount)
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, account|asset)
	if sides := seen & (debit | credit); sides != debit && sides != credit {
		r.fail(errSides)
	}
	return e
}

func (r *reader) accountType() AccountType {
	t := AccountType(r.string())
	_, known := t.kind()
	r.must(known)
	return t
}

func (r *reader) signed() *money.Signed {
	s := parsed(r, money.ParseSigned)
	return &s
}

func (r *reader) metadata() Metadata {
	var m Metadata
	for more := r.begin('{', '}'); more; more = r.next('}') {
		key := r.name()
		_, twice := m[key]
		if twice {
			r.fail(errTwice)
		}
		if m == nil {
			m = Metadata{}
		}
		m[key] = r.string()
	}
	return m
}
