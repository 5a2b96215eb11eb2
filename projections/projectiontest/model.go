package projectiontest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// Model is what the read models must hold, worked out from the events without any of the code that makes them: with
// big integers, maps, and all totals added up anew each time that it is dumped.
type Model struct {
	ledgers []*modelLedger
	byName  map[string]*modelLedger
}

type modelLedger struct {
	name         string
	opened       ledger.LedgerOpened
	at           time.Time
	accounts     []modelAccount
	transactions []modelTransaction
	last         uint64
}

type modelAccount struct {
	ledger.AccountOpened

	at       time.Time
	revision uint64
}

type modelTransaction struct {
	ledger.TransactionPosted

	at       time.Time
	revision uint64
}

func newModel() *Model { return &Model{byName: make(map[string]*modelLedger)} }

func (m *Model) apply(name string, revision uint64, at time.Time, event ledger.Event) {
	l := m.byName[name]
	if l == nil {
		l = &modelLedger{name: name, at: at}
		m.byName[name] = l
		m.ledgers = append(m.ledgers, l)
	}
	l.last = revision
	switch e := event.(type) {
	case ledger.LedgerOpened:
		l.opened = e
	case ledger.AccountOpened:
		l.accounts = append(l.accounts, modelAccount{e, at, revision})
	case ledger.TransactionPosted:
		l.transactions = append(l.transactions, modelTransaction{e, at, revision})
	}
}

// Dump is what the read models must dump.
func (m *Model) Dump() Dump {
	dump := make(Dump)
	for view := range dumps {
		dump[view] = []string{}
	}
	for _, l := range m.ledgers {
		l.dump(dump)
	}
	for view := range dump {
		slices.Sort(dump[view])
	}
	return dump
}

func (d Dump) add(view string, pairs ...any) {
	var fields []string
	for pair := range slices.Chunk(pairs, 2) {
		name := fmt.Sprint(pair[0])
		fields = append(fields, name+"="+text(name, pair[1]))
	}
	d[view] = append(d[view], strings.Join(fields, " "))
}

func (l *modelLedger) dump(d Dump) {
	d.add("ledgers", "ledger", l.name, "created_at", l.at.Format(time.RFC3339Nano), "accounts", len(l.accounts),
		"transactions", len(l.transactions), "chart", document(wireChart(l.opened.Chart)), "metadata", metadata(l.opened.Metadata))
	for _, projection := range []string{"ledgers", "accounts", "entries", "transactions"} {
		d.add("live_checkpoints", "projection", projection, "ledger", l.name, "revision", l.last)
	}
	for _, a := range l.accounts {
		least, most := l.limits(&a)
		d.add("accounts", "ledger", l.name, "address", a.Address, "type", a.Type, "status", "open", "min_balance", least,
			"max_balance", most, "metadata", metadata(a.Metadata), "opened_at", a.at.Format(time.RFC3339Nano), "opened_revision", a.revision)
	}
	for _, t := range l.transactions {
		l.dumpTransaction(d, &t)
	}
	l.dumpTotals(d)
}

// limits goes through the rules one by one.
func (l *modelLedger) limits(a *modelAccount) (least, most any) {
	var best *ledger.Rule
	for i := range l.opened.Chart.Rules {
		rule := &l.opened.Chart.Rules[i]
		name, pattern := a.Address, rule.Pattern
		if rule.AnyCase {
			top, rest, more := strings.Cut(string(a.Address), address.Separator)
			name = address.Address(strings.ToLower(top))
			if more {
				name += address.Separator + address.Address(rest)
			}
		}
		if pattern.Match(name) && (best == nil || pattern.Compare(best.Pattern) < 0) {
			best = rule
		}
	}
	limits := a.Limits
	if best != nil && limits.Min == nil {
		limits.Min = best.Limits.Min
	}
	if best != nil && limits.Max == nil {
		limits.Max = best.Limits.Max
	}
	if limits.Min != nil {
		least = limits.Min.String()
	}
	if limits.Max != nil {
		most = limits.Max.String()
	}
	return least, most
}

func (l *modelLedger) dumpTransaction(d Dump, t *modelTransaction) {
	day, nanos := moment(t.EffectiveAt)
	var reference any
	if t.Reference != "" {
		reference = t.Reference
	}
	var lines []wire.Entry
	for i, e := range t.Entries {
		line := wire.Entry{Account: string(e.Account), Asset: string(e.Asset)}
		if e.Side == ledger.Debit {
			line.Debit = e.Amount.String()
		} else {
			line.Credit = e.Amount.String()
		}
		lines = append(lines, line)
		d.add("entries", "ledger", l.name, "address", e.Account, "day", day, "nanos", nanos, "transaction_id", t.ID,
			"idx", i, "revision", t.revision, "asset", e.Asset, "side", int(e.Side), "amount", e.Amount)
	}
	d.add("transactions", "ledger", l.name, "transaction_id", t.ID, "revision", t.revision, "day", day, "nanos", nanos,
		"recorded_at", t.at.Format(time.RFC3339Nano), "actor", actor, "reference", reference, "description", t.Description,
		"metadata", metadata(t.Metadata), "entries", document(lines))
	for key, value := range t.Metadata {
		d.add("transaction_metadata", "ledger", l.name, "key", key, "value", value, "transaction_id", t.ID)
	}
}

type modelKey struct{ account, asset string }

// dumpTotals adds up, for every account and asset, the entries of all days, and of all up to each day that it has.
func (l *modelLedger) dumpTotals(d Dump) {
	type movement struct {
		day  int64
		side ledger.Side
		of   *big.Int
	}
	movements := make(map[modelKey][]movement)
	for _, t := range l.transactions {
		day, _ := moment(t.EffectiveAt)
		for _, e := range t.Entries {
			amount, _ := new(big.Int).SetString(e.Amount.String(), 10)
			at := modelKey{string(e.Account), string(e.Asset)}
			movements[at] = append(movements[at], movement{day, e.Side, amount})
		}
	}
	for at, all := range movements {
		totals := func(upTo int64) [2]*big.Int {
			sums := [2]*big.Int{new(big.Int), new(big.Int)}
			for _, m := range all {
				if m.day <= upTo {
					sums[m.side].Add(sums[m.side], m.of)
				}
			}
			return sums
		}
		var days []int64
		for _, m := range all {
			days = append(days, m.day)
		}
		slices.Sort(days)
		days = slices.Compact(days)
		for _, day := range days {
			sums := totals(day)
			d.add("closings", "ledger", l.name, "address", at.account, "asset", at.asset, "day", day, "debits", sums[0], "credits", sums[1])
		}
		sums := totals(days[len(days)-1])
		d.add("balances", "ledger", l.name, "address", at.account, "asset", at.asset, "debits", sums[0], "credits", sums[1],
			"pending_debits", 0, "pending_credits", 0)
	}
}

// moment counts days and nanoseconds another way than the projections do.
func moment(t time.Time) (day int64, nanos int64) {
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return midnight.Unix() / 86400, int64(t.Sub(midnight)) //nolint:mnd // seconds a day
}

func wireChart(chart ledger.Chart) wire.Chart {
	w := wire.Chart{Undeclared: string(chart.Undeclared)}
	for _, rule := range chart.Rules {
		r := wire.Rule{Pattern: string(rule.Pattern), AnyCase: rule.AnyCase, Type: string(rule.Type)}
		if rule.Limits.Min != nil {
			s := rule.Limits.Min.String()
			r.MinBalance = &s
		}
		if rule.Limits.Max != nil {
			s := rule.Limits.Max.String()
			r.MaxBalance = &s
		}
		for _, asset := range rule.Assets {
			r.Assets = append(r.Assets, string(asset))
		}
		w.Rules = append(w.Rules, r)
	}
	return w
}

func metadata(m ledger.Metadata) string {
	if m == nil {
		m = ledger.Metadata{}
	}
	return document(m)
}

func document(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "NOT JSON: " + err.Error()
	}
	return string(encoded)
}
