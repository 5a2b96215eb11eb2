package projectiontest

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

type modelKey struct{ account, asset string }

// modelEntry is an entry as it arrived.
type modelEntry struct {
	ledger.Entry

	number      int // among those of the ledger, from 1
	transaction uint64
	index       int
	at          time.Time
}

func (e *modelEntry) name() string { return fmt.Sprintf("%d/%d", e.transaction, e.index) }

// dumpEntries looks at the entries of each account and asset by themselves.
func (l *modelLedger) dumpEntries(d Dump) {
	all := make(map[modelKey][]modelEntry)
	number := 0
	for _, t := range l.transactions {
		for i, e := range t.Entries {
			number++
			at := modelKey{string(e.Account), string(e.Asset)}
			all[at] = append(all[at], modelEntry{e, number, t.ID, i, t.EffectiveAt})
		}
	}
	sums := make(map[modelKey][2]*big.Int)
	for at, entries := range all {
		for i := range entries {
			l.dumpEntry(d, entries[:i+1])
		}
		l.dumpClosings(d, at, entries)
		sums[at] = total(entries)
	}
	l.dumpBalances(d, sums)
}

// late tells whether an entry was effective before any that had arrived before it.
func late(e *modelEntry, entries []modelEntry) bool {
	return slices.ContainsFunc(entries, func(other modelEntry) bool { return other.number < e.number && other.at.After(e.at) })
}

// inOrder are those of the entries that are not late.
func inOrder(entries []modelEntry) (chain []modelEntry) {
	for i := range entries {
		if !late(&entries[i], entries) {
			chain = append(chain, entries[i])
		}
	}
	return chain
}

// dumpEntry dumps the last of the entries that have arrived until then.
func (l *modelLedger) dumpEntry(d Dump, arrived []modelEntry) {
	e := &arrived[len(arrived)-1]
	day, nanos := moment(e.at)
	var place, previous, debits, credits any
	if !late(e, arrived) {
		chain := inOrder(arrived)
		n := len(chain)
		place = n
		if n > 1 {
			previous = chain[n-2].name()
		}
		if n%64 == 0 {
			sums := total(chain)
			debits, credits = sums[0], sums[1]
		}
	}
	d.add("entries", "ledger", l.name, "address", e.Account, "day", day, "nanos", nanos, "transaction_id", e.transaction,
		"idx", e.index, "number", e.number, "asset", e.Asset, "side", int(e.Side), "amount", e.Amount,
		"place", place, "previous", previous, "debits", debits, "credits", credits)
}

// dumpClosings adds up, for each day that has entries, all of that day and before.
func (l *modelLedger) dumpClosings(d Dump, at modelKey, entries []modelEntry) {
	days := make(map[int64]bool)
	for _, e := range entries {
		day, _ := moment(e.at)
		days[day] = true
	}
	for day := range days {
		until := slices.DeleteFunc(slices.Clone(entries), func(e modelEntry) bool {
			of, _ := moment(e.at)
			return of > day
		})
		isLate := func(e modelEntry) bool { return late(&e, entries) }
		chain := slices.DeleteFunc(slices.Clone(until), isLate)
		var last, place, nanos any
		if n := len(chain); n > 0 {
			last, place = chain[n-1].name(), n
			_, nanos = moment(chain[n-1].at)
		}
		sums, inChain := total(until), total(chain)
		d.add("closings", "ledger", l.name, "address", at.account, "asset", at.asset, "day", day, "debits", sums[0],
			"credits", sums[1], "last", last, "place", place, "nanos", nanos,
			"late_debits", rest(sums[0], inChain[0]), "late_credits", rest(sums[1], inChain[1]))
	}
}

// rest is a difference, or nil for none.
func rest(of, less *big.Int) any {
	if of.Cmp(less) == 0 {
		return nil
	}
	return new(big.Int).Sub(of, less)
}

func total(entries []modelEntry) [2]*big.Int {
	sums := zeros()
	for _, e := range entries {
		sums[e.Side].Add(sums[e.Side], number(e.Amount))
	}
	return sums
}
