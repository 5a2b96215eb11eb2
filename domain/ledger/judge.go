package ledger

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
	s := b.gather(&d.effect)
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
		was, is, _ := b.posted(t)
		available, availableAfter := was.balance(of), is.balance(of)
		highest, highestAfter := available, availableAfter
		if t.pends != 0 {
			pendingWas, pendingIs, _ := b.pended(t)
			before, after := was.with(pendingWas), is.with(pendingIs)
			available, availableAfter = before.Available(of), after.Available(of)
			highest, highestAfter = before.Highest(of), after.Highest(of)
		}
		switch {
		case limits.Min != nil && availableAfter.Cmp(available) < 0 && availableAfter.Cmp(*limits.Min) < 0:
			return b.insufficientFunds(t, available, availableAfter, *limits.Min)
		case limits.Max != nil && highestAfter.Cmp(highest) > 0 && highestAfter.Cmp(*limits.Max) > 0 && exceeded == nil:
			exceeded = b.limitExceeded(t, highestAfter, *limits.Max)
		}
	}
	return exceeded
}
