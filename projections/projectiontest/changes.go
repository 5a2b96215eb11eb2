package projectiontest

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// openHold is a hold that something can still happen to.
type openHold struct {
	id        uint64
	remaining []ledger.Entry // in pairs of a debit and a credit
	origin    ledger.HoldOrigin
}

func (h *History) place(b *book, revision uint64) ledger.Event {
	b.placed++
	placed := ledger.HoldPlaced{ID: b.placed, EffectiveAt: h.effective(), Entries: h.entries(b)}
	if h.random.IntN(2) == 0 {
		placed.ExpiresAt = h.clock.AddDate(0, 0, 1+h.random.IntN(9)).UTC()
	}
	if h.random.IntN(3) == 0 {
		placed.Reference, placed.Description, placed.Metadata = fmt.Sprintf("hold-%d", placed.ID), "a \"hold\"", h.metadata()
	}
	b.holds = append(b.holds, openHold{placed.ID, placed.Entries, ledger.HoldOrigin{Placed: revision}})
	return placed
}

// endHold ends an open hold in one of the ways there are, or captures some of it.
func (h *History) endHold(b *book) []ledger.Event {
	if len(b.holds) == 0 {
		return []ledger.Event{h.transaction(b)}
	}
	i := h.random.IntN(len(b.holds))
	hold := &b.holds[i]
	var events []ledger.Event
	ended := true
	switch h.random.IntN(5) {
	case 0:
		events = []ledger.Event{ledger.HoldVoided{ID: hold.id, Reason: "not needed", HoldOrigin: hold.origin}}
	case 1:
		events = []ledger.Event{ledger.HoldExpired{ID: hold.id, HoldOrigin: hold.origin}}
	default:
		events, ended = h.capture(b, hold)
	}
	if ended {
		b.holds = slices.Delete(b.holds, i, i+1)
	}
	return events
}

func (h *History) capture(b *book, hold *openHold) (events []ledger.Event, ended bool) {
	posted, _ := h.transaction(b).(ledger.TransactionPosted)
	captured := ledger.HoldCaptured{ID: hold.id, Transaction: posted.ID, Final: h.random.IntN(3) == 0}
	for i := 0; i < len(hold.remaining); i += 2 {
		pair := [2]ledger.Entry(hold.remaining[i:])
		taken := pair
		if h.random.IntN(3) > 0 {
			taken[0].Amount = money.NewAmount(1 + h.random.Uint64N(1<<20))
		}
		left, ok := pair[0].Amount.Sub(taken[0].Amount)
		if !ok || i > 0 && h.random.IntN(3) == 0 { // nothing of this one
			taken[0].Amount, left = money.Amount{}, pair[0].Amount
		}
		for side := range pair {
			taken[side].Amount, pair[side].Amount = taken[0].Amount, left
		}
		if !taken[0].Amount.IsZero() {
			captured.Entries = append(captured.Entries, taken[:]...)
		}
		if !left.IsZero() && !captured.Final {
			captured.Remaining = append(captured.Remaining, pair[:]...)
		}
	}
	if len(captured.Entries) == 0 { // it held less than was to be taken
		captured.Entries, captured.Remaining = hold.remaining, nil
	}
	hold.remaining = captured.Remaining
	hold.origin.Captures = append(slices.Clone(hold.origin.Captures), posted.ID)
	captured.HoldOrigin = hold.origin
	posted.Hold, posted.Entries = hold.id, captured.Entries
	b.posted[len(b.posted)-1] = posted
	return []ledger.Event{captured, posted}, len(hold.remaining) == 0
}

func (h *History) revert(b *book) []ledger.Event {
	if len(b.posted) == 0 {
		return []ledger.Event{h.transaction(b)}
	}
	i := h.random.IntN(len(b.posted))
	original := b.posted[i]
	b.posted = slices.Delete(b.posted, i, i+1)
	posted, _ := h.transaction(b).(ledger.TransactionPosted)
	posted.Reverts, posted.Forced, posted.Entries = original.ID, h.random.IntN(2) == 0, slices.Clone(original.Entries)
	for j := range posted.Entries {
		posted.Entries[j].Side = 1 - posted.Entries[j].Side
	}
	if h.random.IntN(2) == 0 {
		posted.Reason = "a \"mistake\""
	}
	b.posted[len(b.posted)-1] = posted
	return []ledger.Event{posted}
}

// change makes something that moves nothing.
func (h *History) change(b *book) []ledger.Event {
	account := b.accounts[h.random.IntN(len(b.accounts))]
	switch h.random.IntN(6) {
	case 0:
		b.closed[account] = !b.closed[account]
		if b.closed[account] {
			return []ledger.Event{ledger.AccountClosed{Address: account, Reason: "gone"}}
		}
		return []ledger.Event{ledger.AccountReopened{Address: account}}
	case 1:
		return []ledger.Event{ledger.AccountMetadataSet{Address: account, Metadata: h.metadata()}}
	case 2:
		if b.transactions == 0 {
			return nil
		}
		set := ledger.TransactionMetadataSet{ID: 1 + h.random.Uint64N(b.transactions)}
		if h.random.IntN(4) > 0 {
			set.Metadata = h.metadata()
		}
		return []ledger.Event{set}
	case 3:
		return []ledger.Event{h.chart()}
	case 4:
		return []ledger.Event{h.period(b)}
	default:
		return []ledger.Event{h.assertion(b)}
	}
}

func (h *History) chart() ledger.Event {
	chart := ledger.Chart{Undeclared: ledger.Allow}
	for _, rule := range []ledger.Rule{
		{Pattern: "users:*", Type: ledger.Liability, Limits: limits("-7", "70")},
		{Pattern: "users:**", Type: ledger.Liability, Limits: limits("0", "1000")},
		{Pattern: "assets:**", AnyCase: true, Type: ledger.Asset, Limits: limits("-1", "1"), Assets: []money.Asset{"JPY"}},
		{Pattern: "Größe:*", Type: ledger.Expense},
	} {
		if h.random.IntN(2) == 0 {
			rule.Limits.Max = nil
		}
		if h.random.IntN(2) == 0 {
			chart.Rules = append(chart.Rules, rule)
		}
	}
	return ledger.ChartReplaced{Chart: chart}
}

func (h *History) period(b *book) ledger.Event {
	if n := len(b.days); n > 0 && h.random.IntN(2) == 0 {
		i := h.random.IntN(n)
		reopened := ledger.PeriodReopened{Through: b.days[i], Reason: "forgot \"one\""}
		if i > 0 {
			reopened.Closed = new(b.days[i-1])
		}
		b.days = b.days[:i]
		return reopened
	}
	through := ledger.Day(h.random.IntN(9) - 20)
	if n := len(b.days); n > 0 {
		through = b.days[n-1] + 1 + ledger.Day(h.random.IntN(9))
	}
	b.days = append(b.days, through)
	return ledger.PeriodClosed{Through: through}
}

func (h *History) assertion(b *book) ledger.Event {
	if b.assertions == 0 || h.random.IntN(4) == 0 {
		b.assertions++
		declared := ledger.AssertionDeclared{ID: b.assertions, Pattern: "users:**", Asset: "USD/2"}
		bounds := limits("-5", "17")
		if h.random.IntN(2) == 0 {
			declared.At, declared.Bounds = h.effective(), ledger.Bounds{EQ: bounds.Max}
		} else {
			declared.Bounds = ledger.Bounds{GTE: bounds.Min, LTE: bounds.Max}
		}
		return declared
	}
	id, balance := 1+h.random.Uint64N(b.assertions), big.NewInt(h.random.Int64N(1<<40)-1<<39)
	balance.Lsh(balance, uint(h.random.IntN(150)))
	transaction := h.random.Uint64N(b.transactions + 1)
	if h.random.IntN(2) == 0 {
		return ledger.AssertionHeld{ID: id, Transaction: transaction, Balance: balance}
	}
	return ledger.AssertionBroken{ID: id, Transaction: transaction, Balance: balance}
}
