package projectiontest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
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
	chart        ledger.Chart
	at           time.Time
	accounts     []*modelAccount
	transactions []*modelTransaction
	holds        []*modelHold
	periods      []modelPeriod
	assertions   []*modelAssertion
	last         uint64
}

// recorded is what the envelope of an event says.
type recorded struct {
	at       time.Time
	revision uint64
}

type modelAccount struct {
	ledger.AccountOpened
	recorded

	closed bool
}

type modelTransaction struct {
	ledger.TransactionPosted
	recorded

	revertedBy uint64
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
	seen := recorded{at, revision}
	switch e := event.(type) {
	case ledger.LedgerOpened:
		l.opened, l.chart = e, e.Chart
	case ledger.ChartReplaced:
		l.chart = e.Chart
	case ledger.AccountOpened:
		l.accounts = append(l.accounts, &modelAccount{AccountOpened: e, recorded: seen})
	case ledger.AccountClosed:
		l.account(e.Address).closed = true
	case ledger.AccountReopened:
		l.account(e.Address).closed = false
	case ledger.AccountMetadataSet:
		l.account(e.Address).Metadata = e.Metadata
	case ledger.TransactionPosted:
		l.transactions = append(l.transactions, &modelTransaction{TransactionPosted: e, recorded: seen})
		if e.Reverts != 0 {
			l.transactions[e.Reverts-1].revertedBy = e.ID
		}
	case ledger.TransactionMetadataSet:
		l.transactions[e.ID-1].Metadata = e.Metadata
	default:
		l.applyRest(seen, event)
	}
}

func (l *modelLedger) account(of address.Address) *modelAccount {
	i := slices.IndexFunc(l.accounts, func(a *modelAccount) bool { return a.Address == of })
	return l.accounts[i]
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
		"transactions", len(l.transactions), "chart", document(wireChart(l.chart)), "metadata", metadata(l.opened.Metadata))
	for _, projection := range []string{
		"ledgers", "accounts", "entries", "transactions", "holds", "periods", "assertions",
	} {
		d.add("live_checkpoints", "projection", projection, "ledger", l.name, "revision", l.last)
	}
	for _, a := range l.accounts {
		least, most := l.limits(a)
		status := statusOpen
		if a.closed {
			status = "closed"
		}
		d.add("accounts", "ledger", l.name, "address", a.Address, "type", a.Type, "status", status, "min_balance", least,
			"max_balance", most, "own_min_balance", signed(a.Limits.Min), "own_max_balance", signed(a.Limits.Max),
			"metadata", metadata(a.Metadata), "opened_at", a.at.Format(time.RFC3339Nano), "opened_revision", a.revision)
	}
	for _, t := range l.transactions {
		l.dumpTransaction(d, t)
	}
	l.dumpEntries(d)
	l.dumpHolds(d)
	l.dumpPeriods(d)
	l.dumpAssertions(d)
}

// limits goes through the rules one by one.
func (l *modelLedger) limits(a *modelAccount) (least, most any) {
	var best *ledger.Rule
	for i := range l.chart.Rules {
		rule := &l.chart.Rules[i]
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
	return signed(limits.Min), signed(limits.Max)
}

func signed(limit *money.Signed) any {
	if limit == nil {
		return nil
	}
	return limit.String()
}

func (l *modelLedger) dumpTransaction(d Dump, t *modelTransaction) {
	day, nanos := moment(t.EffectiveAt)
	var intendedDay, intendedNanos any
	if !t.IntendedAt.IsZero() {
		intendedDay, intendedNanos = moment(t.IntendedAt)
	}
	forced := 0
	if t.Forced {
		forced = 1
	}
	d.add("transactions", "ledger", l.name, "transaction_id", t.ID, "revision", t.revision, "day", day, "nanos", nanos,
		"recorded_at", t.at.Format(time.RFC3339Nano), "actor", actor, "reference", unless(t.Reference, ""),
		"description", t.Description, "metadata", metadata(t.Metadata), "entries", lines(t.Entries),
		"intended_day", intendedDay, "intended_nanos", intendedNanos, "reverts", unless(t.Reverts, 0),
		"reverted_by", unless(t.revertedBy, 0), "hold", unless(t.Hold, 0), "forced", forced, "reason", unless(t.Reason, ""))
	for key, value := range t.Metadata {
		d.add("transaction_metadata", "ledger", l.name, "key", key, "value", value, "transaction_id", t.ID)
	}
}

// unless gives nil for the value that means none.
func unless[V comparable](value, none V) any {
	if value == none {
		return nil
	}
	return value
}

func lines(entries []ledger.Entry) string {
	lines := []wire.Entry{}
	for _, e := range entries {
		line := wire.Entry{Account: string(e.Account), Asset: string(e.Asset)}
		if e.Side == ledger.Debit {
			line.Debit = e.Amount.String()
		} else {
			line.Credit = e.Amount.String()
		}
		lines = append(lines, line)
	}
	return document(lines)
}

// moment counts days and nanoseconds another way than the projections do.
func moment(t time.Time) (day int64, nanos int64) {
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return midnight.Unix() / 86400, int64(t.Sub(midnight)) //nolint:mnd // seconds a day
}
