package ledger_test

import (
	"math/big"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// modelHold is a hold in the model. Nothing is kept of what is pending: it is what the open holds still set aside.
type modelHold struct {
	status  string
	left    []ledger.Entry
	expires time.Time
	single  bool
}

func (h *modelHold) openAt(now time.Time) bool {
	return h.status == "open" && (h.expires.IsZero() || now.Before(h.expires))
}

// pendingSums adds up what open holds would debit and credit at a place.
func (m *model) pendingSums(at place) (debits, credits *big.Int) {
	debits, credits = new(big.Int), new(big.Int)
	count := func(list []ledger.Entry) {
		for _, e := range list {
			switch {
			case e.Account != at.account || e.Asset != at.asset:
			case e.Side == ledger.Debit:
				debits.Add(debits, bigOf(e.Amount))
			default:
				credits.Add(credits, bigOf(e.Amount))
			}
		}
	}
	for _, h := range m.holds {
		if h.status == "open" {
			count(h.left)
		}
	}
	count(m.aside)
	return debits, credits
}

// pends tells whether anything is pending at a place.
func (m *model) pends(at place) bool {
	debits, credits := m.pendingSums(at)
	return debits.Sign() != 0 || credits.Sign() != 0
}

// available is what a minimum bounds, highest what a maximum does.
func (m *model) available(at place, of ledger.AccountType) *big.Int {
	debits, credits := m.pendingSums(at)
	if of == ledger.Asset || of == ledger.Expense {
		debits = credits
	}
	return new(big.Int).Sub(m.balance(at, of), debits)
}

func (m *model) highest(at place, of ledger.AccountType) *big.Int {
	debits, credits := m.pendingSums(at)
	if of == ledger.Asset || of == ledger.Expense {
		credits = debits
	}
	return new(big.Int).Add(m.balance(at, of), credits)
}

// enter adds an entry while a movement is written out.
func (m *model) enter(e ledger.Entry, pending bool) {
	if pending {
		m.aside = append(slices.Clone(m.aside), e)
		return
	}
	m.add(e)
}

func (m *model) inRange(at place) bool {
	debits, credits := m.pendingSums(at)
	debits.Add(debits, m.sum(m.debits, at))
	credits.Add(credits, m.sum(m.credits, at))
	return debits.BitLen() <= 128 && credits.BitLen() <= 128
}

func (m *model) place(c ledger.PlaceHold, now time.Time) ledger.Code {
	expires := c.ExpiresAt
	if c.ExpiresIn > 0 {
		expires = now.Add(c.ExpiresIn)
	}
	if !expires.IsZero() && !expires.After(now) {
		return ledger.InvalidField
	}
	entries, refused := m.writeOut(&c.Movement, true)
	if refused == ledger.InvalidField {
		return refused
	}
	after := m.clone()
	after.open(entries)
	after.holds = append(after.holds, modelHold{status: "open", left: entries, expires: expires, single: len(entries) == 2})
	for _, e := range entries {
		after.held[place{e.Account, e.Asset}] = true
	}
	after.refer(c.Reference)
	return m.become(after, modelDeal{entries: entries, reference: c.Reference, preconditions: c.Preconditions, refused: refused})
}

func (m *model) capture(c ledger.CaptureHold, now time.Time) ledger.Code {
	switch {
	case c.ID == 0 || c.ID > uint64(len(m.holds)):
		return ledger.HoldNotFound
	case c.Reference != "" && m.references[c.Reference]:
		return ledger.ReferenceExists
	case !m.holds[c.ID-1].openAt(now):
		return ledger.HoldNotOpen
	case !c.Amount.IsZero() && !m.holds[c.ID-1].single:
		return ledger.InvalidField
	}
	after := m.clone()
	h := &after.holds[c.ID-1]
	before, entries := h.left, c.Entries
	if entries == nil {
		entries = slices.Clone(before)
		for i := range entries {
			if !c.Amount.IsZero() {
				entries[i].Amount = c.Amount
			}
		}
	}
	var refused ledger.Code
	if left, ok := naiveTake(before, entries); !ok {
		refused = ledger.CaptureExceedsHold
	} else if h.left = left; c.Final || len(left) == 0 {
		h.left, h.status = nil, "captured"
	}
	after.open(entries)
	after.post(&c.Movement, entries)
	after.refer(c.Reference)
	return m.become(after, modelDeal{
		entries: append(slices.Clone(entries), before...), reference: c.Reference, refused: refused, when: &c.Movement,
	})
}

// naiveTake takes unit by unit in spirit: each entry from the first that is left at its place, until it has all.
func naiveTake(left, entries []ledger.Entry) (rest []ledger.Entry, ok bool) {
	left = slices.Clone(left)
	for _, e := range entries {
		want := bigOf(e.Amount)
		for i := range left {
			l := &left[i]
			if l.Account != e.Account || l.Asset != e.Asset || l.Side != e.Side {
				continue
			}
			part := bigOf(l.Amount)
			if part.Cmp(want) > 0 {
				part.Set(want)
			}
			want.Sub(want, part)
			l.Amount = smallOf(new(big.Int).Sub(bigOf(l.Amount), part))
		}
		if want.Sign() > 0 {
			return nil, false
		}
	}
	return slices.DeleteFunc(left, func(e ledger.Entry) bool { return e.Amount.IsZero() }), true
}

func (m *model) end(id uint64, status string, now time.Time) ledger.Code {
	if id == 0 || id > uint64(len(m.holds)) {
		return ledger.HoldNotFound
	}
	h := &m.holds[id-1]
	if h.status != "open" || h.openAt(now) != (status == "voided") {
		return ledger.HoldNotOpen
	}
	m.holds = slices.Clone(m.holds)
	m.holds[id-1] = modelHold{status: status}
	return ""
}

func (m *model) revert(c ledger.RevertTransaction) ledger.Code {
	switch {
	case c.ID == 0 || c.ID > m.transactions || c.Original == nil:
		return ledger.TransactionNotFound
	case m.reverted[c.ID] != 0:
		return ledger.AlreadyReverted
	}
	entries := slices.Clone(m.posted[c.ID-1].Entries)
	for i := range entries {
		entries[i].Side = map[ledger.Side]ledger.Side{ledger.Debit: ledger.Credit, ledger.Credit: ledger.Debit}[entries[i].Side]
	}
	after := m.clone()
	when := ledger.Movement{EffectiveAt: c.EffectiveAt, Late: c.Late}
	after.post(&when, entries)
	after.reverted[c.ID] = after.transactions
	return m.become(after, modelDeal{entries: entries, forced: c.Force, when: &when})
}

// open opens the accounts that entries need.
func (m *model) open(entries []ledger.Entry) {
	for _, e := range entries {
		if _, exists := m.accounts[e.Account]; !exists {
			m.accounts[e.Account] = modelAccount{of: m.typeBy(m.rule(e.Account))}
		}
	}
}

func (m *model) post(move *ledger.Movement, entries []ledger.Entry) {
	for _, e := range entries {
		m.add(e)
	}
	m.transactions++
	m.record(move, entries)
}

func (m *model) refer(reference string) {
	if reference != "" {
		m.references[reference] = true
	}
}
