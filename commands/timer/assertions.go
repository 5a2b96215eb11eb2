package timer

import (
	"context"
	"time"
)

// assertions evaluates those that nobody did.
type assertions struct {
	*Timer

	health health
	// setbacks has the ledgers of which an evaluation failed. They are left alone for a while, and then one of each is tried,
	// so that others are not kept waiting.
	setbacks map[string]setback
}

// setback is that of a ledger: since when it is left alone, and for how long.
type setback struct {
	since time.Time
	pause time.Duration
}

// maxSetback is the longest time that a ledger is left alone.
const maxSetback = 5 * time.Minute

// over tells that it is time for another try. A clock that jumped back must not keep it from coming.
func (s setback) over(now time.Time) bool {
	age := now.Sub(s.since)
	return age < 0 || age >= s.pause
}

func newAssertions(t *Timer) *assertions {
	return &assertions{Timer: t, health: newHealth(t.options.Logger, t.metrics), setbacks: map[string]setback{}}
}

// maxEvaluations is how many assertions are evaluated between two looks. Each reads the log of its ledger.
const maxEvaluations = 16

func (a *assertions) look(ctx context.Context) time.Duration {
	const what = "read the assertions without an evaluation"
	due, err := a.read(ctx, a.options.Clock())
	a.health.report(ctx, what, err)
	for _, assertion := range due {
		if s, failed := a.setbacks[assertion.Ledger]; failed && !s.over(a.options.Clock()) {
			continue // a moment ago
		}
		a.evaluate(ctx, assertion)
	}
	return a.options.Every
}

// read gives what is due, and nothing where it fails.
func (a *assertions) read(ctx context.Context, now time.Time) (due []Assertion, err error) {
	tried := map[string]bool{}
	for assertion, err := range a.due.Assertions(ctx) {
		if err != nil {
			return nil, err
		}
		// One from the future was declared before the clock jumped back.
		if age := now.Sub(assertion.DeclaredAt); age >= 0 && age < a.options.Grace {
			continue
		}
		if s, failed := a.setbacks[assertion.Ledger]; failed && (tried[assertion.Ledger] || !s.over(now)) {
			continue
		}
		tried[assertion.Ledger] = true
		if due = append(due, assertion); len(due) == maxEvaluations {
			break
		}
	}
	return due, nil
}

func (a *assertions) evaluate(ctx context.Context, assertion Assertion) {
	err := a.ledgers.Evaluate(ctx, assertion.Ledger, assertion.ID, assertion.Revision)
	a.health.report(ctx, "evaluate assertions of ledger "+assertion.Ledger, err)
	if err == nil {
		delete(a.setbacks, assertion.Ledger)
		a.metrics.evaluated.Inc()
		return
	}
	pause := min(max(2*a.setbacks[assertion.Ledger].pause, a.options.Every), maxSetback)
	a.setbacks[assertion.Ledger] = setback{since: a.options.Clock(), pause: pause}
}
