package ledger

import "github.com/daybook-ledger/daybook/domain/money"

// deal is what a command would do to holdings, and all that can be said against it.
type deal struct {
	effect

	preconditions []Precondition
	// forced passes over closed accounts and limits.
	forced bool
	// late and refused are reasons found while the deal was made, which are given in their turn: that its effective time
	// is in a closed period, and one to do with balances.
	late    *Rejection
	refused *Rejection
}

// judge tests a deal, reason by reason in the order of the codes, so that where several apply, be it to different
// accounts, the first one is given. Whatever moves anything comes through here, once. The scratch it gives is what the
// deal comes to.
func (b *Book) judge(d *deal) (*scratch, *Rejection) {
	s := b.gather(d.effect)
	if r := b.judgeExistence(s); r != nil {
		return nil, r
	}
	if d.late != nil {
		return nil, d.late
	}
	if r := b.judgeState(s, d.forced); r != nil {
		return nil, r
	}
	if r := b.meet(d.preconditions); r != nil {
		return nil, r
	}
	if d.refused != nil {
		return nil, d.refused
	}
	return s, b.judgeBalances(s, d.forced)
}

func (b *Book) judgeExistence(s *scratch) *Rejection {
	if b.matcher.undeclared == Allow {
		return nil
	}
	for i := range s.touches {
		if t := &s.touches[i]; b.ruleOf(t) == &defaultRule { // a new account, or one that a new chart no longer has
			return notDeclared(b.addressOf(t))
		}
	}
	return nil
}

func (b *Book) judgeState(s *scratch, forced bool) *Rejection {
	var notAllowed *touch
	for i := range s.touches {
		t := &s.touches[i]
		if !forced && b.isClosed(t) {
			return accountClosed(b.addressOf(t))
		}
		if notAllowed == nil && !b.ruleOf(t).allows(b.assetOf(t)) {
			notAllowed = t
		}
	}
	if notAllowed != nil {
		return b.assetNotAllowed(notAllowed)
	}
	return nil
}

func (b *Book) judgeBalances(s *scratch, forced bool) *Rejection {
	for i := range s.touches {
		if !b.fits(&s.touches[i]) {
			return b.outOfRange(&s.touches[i])
		}
	}
	if forced {
		return nil
	}
	return b.judgeLimits(s)
}

// judgeLimits refuses only what makes things worse: where an account is beyond a limit already, a command that brings
// it nearer is welcome. All minimums are tested before all maximums.
func (b *Book) judgeLimits(s *scratch) *Rejection {
	var exceeded *Rejection
	for i := range s.touches {
		t := &s.touches[i]
		of, limits := b.termsOf(t)
		if limits.Min == nil && limits.Max == nil {
			continue
		}
		before, after := b.bounded(t, of)
		if limits.Min != nil && after.lowest.Cmp(before.lowest) < 0 && after.lowest.Cmp(*limits.Min) < 0 {
			return b.insufficientFunds(t, before.lowest, after.lowest, *limits.Min)
		}
		if limits.Max != nil && after.highest.Cmp(before.highest) > 0 && after.highest.Cmp(*limits.Max) > 0 && exceeded == nil {
			exceeded = b.limitExceeded(t, after.highest, *limits.Max)
		}
	}
	return exceeded
}

// span is what limits bound of a holding: what holds leave of the balance, and what they may bring it to.
type span struct{ lowest, highest money.Signed }

// bounded gives a touch's spans before and after the command. Where nothing is pending both ends are the balance.
func (b *Book) bounded(t *touch, of AccountType) (before, after span) {
	was, is, _ := b.posted(t)
	if t.pends == 0 {
		w, i := was.balance(of), is.balance(of)
		return span{w, w}, span{i, i}
	}
	pendingWas, pendingIs, _ := b.pended(t)
	w, i := was.with(pendingWas), is.with(pendingIs)
	return span{w.Available(of), w.Highest(of)}, span{i.Available(of), i.Highest(of)}
}
