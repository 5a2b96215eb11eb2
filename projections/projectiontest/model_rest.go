package projectiontest

import (
	"math/big"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// statusOpen is that of accounts and of holds.
const statusOpen = "open"

type modelHold struct {
	ledger.HoldPlaced
	recorded

	status    string
	remaining []ledger.Entry
	captures  []ledger.HoldCaptured
	changed   uint64
}

// modelPeriod is a closing or a reopening.
type modelPeriod struct {
	recorded

	action  string
	through ledger.Day
	closed  *ledger.Day
	reason  string
}

type modelAssertion struct {
	ledger.AssertionDeclared
	recorded

	status   string
	balance  *big.Int
	brokenBy uint64
	changed  recorded
}

func (l *modelLedger) applyRest(seen recorded, event ledger.Event) {
	switch e := event.(type) {
	case ledger.HoldPlaced:
		l.holds = append(l.holds, &modelHold{
			HoldPlaced: e, recorded: seen, status: statusOpen, remaining: e.Entries, changed: seen.revision,
		})
	case ledger.HoldCaptured:
		hold := l.holds[e.ID-1]
		hold.captures, hold.remaining, hold.changed = append(hold.captures, e), e.Remaining, seen.revision
		if e.Final || len(e.Remaining) == 0 {
			hold.status, hold.remaining = "captured", nil
		}
	case ledger.HoldVoided:
		l.endHold(e.ID, "voided", seen)
	case ledger.HoldExpired:
		l.endHold(e.ID, "expired", seen)
	case ledger.PeriodClosed:
		l.periods = append(l.periods, modelPeriod{seen, "close", e.Through, &e.Through, e.Reason})
	case ledger.PeriodReopened:
		l.periods = append(l.periods, modelPeriod{seen, "reopen", e.Through, e.Closed, e.Reason})
	case ledger.AssertionDeclared:
		l.assertions = append(l.assertions, &modelAssertion{AssertionDeclared: e, recorded: seen, status: "evaluating", changed: seen})
	case ledger.AssertionHeld:
		a := l.assertions[e.ID-1]
		a.status, a.balance, a.brokenBy, a.changed = "holds", e.Balance, 0, seen
	case ledger.AssertionBroken:
		a := l.assertions[e.ID-1]
		a.status, a.balance, a.brokenBy, a.changed = "broken", e.Balance, e.Transaction, seen
	}
}

func (l *modelLedger) endHold(id uint64, status string, seen recorded) {
	hold := l.holds[id-1]
	hold.status, hold.remaining, hold.changed = status, nil, seen.revision
}

func (l *modelLedger) dumpHolds(d Dump) {
	for _, h := range l.holds {
		day, nanos := moment(h.EffectiveAt)
		var expiresAt, expiresUnix any
		if !h.ExpiresAt.IsZero() {
			expiresAt, expiresUnix = h.ExpiresAt.Format(time.RFC3339Nano), h.ExpiresAt.Unix()
		}
		captures := []uint64{}
		for _, c := range h.captures {
			captures = append(captures, c.Transaction)
		}
		d.add("holds", "ledger", l.name, "hold_id", h.ID, "revision", h.revision, "day", day, "nanos", nanos,
			"expires_at", expiresAt, "expires_unix", expiresUnix, "recorded_at", h.at.Format(time.RFC3339Nano), "actor", actor,
			"reference", unless(h.Reference, ""), "description", h.Description, "metadata", metadata(h.Metadata),
			"entries", lines(h.Entries), "remaining", lines(h.remaining), "status", h.status,
			"captures", document(captures), "changed_revision", h.changed)
		for i, e := range h.remaining {
			d.add("account_holds", "ledger", l.name, "hold_id", h.ID, "idx", i, "address", e.Account, "asset", e.Asset,
				"side", int(e.Side), "amount", e.Amount)
		}
	}
}

// dumpBalances adds what open holds set aside to the sums of what was posted: of each all that was placed, less all that
// was captured, whatever the events say that remains.
func (l *modelLedger) dumpBalances(d Dump, posted map[modelKey][2]*big.Int) {
	pending := make(map[modelKey][2]*big.Int)
	for _, h := range l.holds {
		for _, e := range h.Entries {
			at := modelKey{string(e.Account), string(e.Asset)}
			if pending[at][0] == nil {
				pending[at] = zeros()
			}
			if h.status == statusOpen {
				pending[at][e.Side].Add(pending[at][e.Side], number(e.Amount))
			}
		}
		for _, c := range h.captures {
			for _, e := range c.Entries {
				if sum := pending[modelKey{string(e.Account), string(e.Asset)}][e.Side]; h.status == statusOpen {
					sum.Sub(sum, number(e.Amount))
				}
			}
		}
	}
	for at := range posted {
		if pending[at][0] == nil {
			pending[at] = zeros()
		}
	}
	for at, held := range pending {
		sums := posted[at]
		if sums[0] == nil {
			sums = zeros()
		}
		d.add("balances", "ledger", l.name, "address", at.account, "asset", at.asset, "debits", sums[0], "credits", sums[1],
			"pending_debits", held[0], "pending_credits", held[1])
	}
}

// dumpPeriods takes a closing for one in force if no reopening after it goes back as far.
func (l *modelLedger) dumpPeriods(d Dump) {
	for i, p := range l.periods {
		inForce := 0
		back := func(later modelPeriod) bool { return later.action == "reopen" && later.through <= p.through }
		if p.action == "close" && !slices.ContainsFunc(l.periods[i+1:], back) {
			inForce = 1
		}
		var closed any
		if p.closed != nil {
			closed = int64(*p.closed)
		}
		d.add("periods", "ledger", l.name, "revision", p.revision, "action", p.action, "through", int64(p.through),
			"closed", closed, "in_force", inForce, "recorded_at", p.at.Format(time.RFC3339Nano), "actor", actor, "reason", p.reason)
	}
}

func (l *modelLedger) dumpAssertions(d Dump) {
	for _, a := range l.assertions {
		var day, nanos, balance any
		if !a.At.IsZero() {
			day, nanos = moment(a.At)
		}
		if a.balance != nil {
			balance = a.balance.String()
		}
		d.add("assertions", "ledger", l.name, "assertion_id", a.ID, "revision", a.revision, "pattern", a.Pattern,
			"asset", a.Asset, "at_day", day, "at_nanos", nanos, "eq", signed(a.Bounds.EQ), "gte", signed(a.Bounds.GTE),
			"lte", signed(a.Bounds.LTE), "status", a.status, "balance", balance, "broken_by", unless(a.brokenBy, 0),
			"declared_at", a.at.Format(time.RFC3339Nano), "changed_at", a.changed.at.Format(time.RFC3339Nano),
			"changed_revision", a.changed.revision, "actor", actor)
	}
}

func zeros() [2]*big.Int { return [2]*big.Int{new(big.Int), new(big.Int)} }

func number(amount money.Amount) *big.Int {
	n, _ := new(big.Int).SetString(amount.String(), 10)
	return n
}
