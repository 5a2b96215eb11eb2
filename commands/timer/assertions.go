package timer

import (
	"context"
	"time"
)

// assertions evaluates those that nobody did.
type assertions struct {
	*Timer

	health health
	// failing has the ledgers of which an evaluation failed. One of each is tried, so that others are not kept waiting.
	failing map[string]bool
}

func newAssertions(t *Timer) *assertions {
	return &assertions{Timer: t, health: newHealth(t.options.Logger, t.metrics), failing: map[string]bool{}}
}

// maxEvaluations is how many assertions are evaluated between two looks. Each reads the log of its ledger.
const maxEvaluations = 16

func (a *assertions) look(ctx context.Context) time.Duration {
	const what = "read the assertions without an evaluation"
	now := a.options.Clock()
	var due []Assertion
	tried := map[string]bool{}
	for assertion, err := range a.due.Assertions(ctx) {
		if err != nil {
			a.health.report(ctx, what, err)
			return a.options.Every
		}
		// One from the future was declared before the clock jumped back.
		if age := now.Sub(assertion.DeclaredAt); age >= 0 && age < a.options.Grace {
			continue
		}
		if a.failing[assertion.Ledger] && tried[assertion.Ledger] {
			continue
		}
		tried[assertion.Ledger] = true
		if due = append(due, assertion); len(due) == maxEvaluations {
			break
		}
	}
	a.health.report(ctx, what, nil)
	for _, assertion := range due {
		err := a.ledgers.Evaluate(ctx, assertion.Ledger, assertion.ID, assertion.Revision)
		a.health.report(ctx, "evaluate assertions of ledger "+assertion.Ledger, err)
		if err != nil {
			a.failing[assertion.Ledger] = true
			continue
		}
		delete(a.failing, assertion.Ledger)
		a.metrics.evaluated.Inc()
	}
	return a.options.Every
}
