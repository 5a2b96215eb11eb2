package queries_test

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// naive answers from the events themselves, reading all of them each time.
type naive struct {
	events []naiveEvent
}

type naiveEvent struct {
	revision uint64
	body     ledger.Event
}

// known are the events up to a revision.
func (w *world) known(name string, revision uint64) naive {
	var n naive
	for _, e := range w.events[name] {
		if e.Revision <= revision {
			n.events = append(n.events, naiveEvent{e.Revision, e.Body})
		}
	}
	return n
}

type naiveLine struct {
	transaction *ledger.TransactionPosted
	index       int
	entry       ledger.Entry
}

// lines are the entries that are effective at or before a time, in effective order.
func (n naive) lines(upTo time.Time) (lines []naiveLine) {
	for _, e := range n.events {
		if t, ok := e.body.(ledger.TransactionPosted); ok && !t.EffectiveAt.After(upTo) {
			for i, entry := range t.Entries {
				lines = append(lines, naiveLine{&t, i, entry})
			}
		}
	}
	sort.SliceStable(lines, func(i, j int) bool {
		a, b := lines[i], lines[j]
		if c := a.transaction.EffectiveAt.Compare(b.transaction.EffectiveAt); c != 0 {
			return c < 0
		}
		if a.transaction.ID != b.transaction.ID {
			return a.transaction.ID < b.transaction.ID
		}
		return a.index < b.index
	})
	return lines
}

func (n naive) accountType(at address.Address) ledger.AccountType {
	for _, e := range n.events {
		if o, ok := e.body.(ledger.AccountOpened); ok && o.Address == at {
			return o.Type
		}
	}
	return ""
}

var ever = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)

// balances groups by what group makes of an address.
func (n naive) balances(upTo time.Time, pattern address.Pattern, group func(address.Address) string) []wire.BalanceRow {
	type key struct{ group, asset string }
	type row struct {
		debits, credits big.Int
		debit, credit   bool
	}
	rows := make(map[key]*row)
	for _, line := range n.lines(upTo) {
		if pattern != "" && !pattern.Match(line.entry.Account) {
			continue
		}
		k := key{group(line.entry.Account), string(line.entry.Asset)}
		if rows[k] == nil {
			rows[k] = &row{}
		}
		r := rows[k]
		side := &r.debits
		if line.entry.Side == ledger.Credit {
			side = &r.credits
		}
		amount, _ := new(big.Int).SetString(line.entry.Amount.String(), 10)
		side.Add(side, amount)
		debit := n.accountType(line.entry.Account).DebitNormal()
		r.debit, r.credit = r.debit || debit, r.credit || !debit
	}
	found := []wire.BalanceRow{}
	for k, r := range rows {
		balance := new(big.Int).Sub(&r.debits, &r.credits)
		if r.credit && !r.debit {
			balance.Neg(balance)
		}
		found = append(found, wire.BalanceRow{
			Account: k.group, Asset: k.asset, Debits: r.debits.String(), Credits: r.credits.String(), Balance: balance.String(),
		})
	}
	sort.Slice(found, func(i, j int) bool {
		if c := strings.Compare(found[i].Account, found[j].Account); c != 0 {
			return c < 0
		}
		return found[i].Asset < found[j].Asset
	})
	return found
}

// statement is the whole statement of an account, with what a filter would leave of it.
func (n naive) statement(at address.Address, keep func(naiveLine) bool) []wire.StatementLine {
	debit := n.accountType(at).DebitNormal()
	running := make(map[string]*big.Int)
	found := []wire.StatementLine{}
	for _, line := range n.lines(ever) {
		if line.entry.Account != at {
			continue
		}
		asset := string(line.entry.Asset)
		if running[asset] == nil {
			running[asset] = new(big.Int)
		}
		amount, _ := new(big.Int).SetString(line.entry.Amount.String(), 10)
		shown := wire.StatementLine{
			TransactionID: line.transaction.ID, Asset: asset, EffectiveAt: line.transaction.EffectiveAt, Description: line.transaction.Description,
		}
		if line.entry.Side == ledger.Debit {
			shown.Debit = line.entry.Amount.String()
		} else {
			shown.Credit = line.entry.Amount.String()
		}
		if (line.entry.Side == ledger.Debit) == debit {
			running[asset].Add(running[asset], amount)
		} else {
			running[asset].Sub(running[asset], amount)
		}
		shown.BalanceAfter = running[asset].String()
		if keep(line) {
			found = append(found, shown)
		}
	}
	return found
}

// ends are the balances of an account before a time and up to another, of the assets in which it had moved at either.
func (n naive) ends(at address.Address, from, upTo time.Time, asset string) (opening, closing []wire.AssetBalance) {
	opening, closing = []wire.AssetBalance{}, []wire.AssetBalance{}
	first, last, moved := make(map[string]string), make(map[string]string), make(map[string]bool)
	for _, line := range n.statement(at, func(naiveLine) bool { return true }) {
		of := line.Asset
		if asset != "" && of != asset {
			continue
		}
		if line.EffectiveAt.Before(from) {
			first[of], moved[of] = line.BalanceAfter, true
		}
		if !line.EffectiveAt.After(upTo) {
			last[of], moved[of] = line.BalanceAfter, true
		}
	}
	if asset != "" {
		moved[asset] = true
	}
	for _, of := range slices.Sorted(maps.Keys(moved)) {
		opening = append(opening, wire.AssetBalance{Asset: of, Balance: cmp.Or(first[of], "0")})
		closing = append(closing, wire.AssetBalance{Asset: of, Balance: cmp.Or(last[of], "0")})
	}
	return opening, closing
}

// accountItself is the grouping by account.
func accountItself(a address.Address) string { return string(a) }
