package commands_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
)

// ofLittleRoom is a house whose store takes little in one piece.
func ofLittleRoom(t *testing.T) *house {
	t.Helper()
	store := opened(t).store
	return houseOver(t, store, func(commands.Submitter) commands.Submitter {
		engines := commands.NewEngines(store, engine.Options{Clock: clock, MaxUnitBytes: 4000})
		t.Cleanup(func() {
			if err := engines.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return engines
	})
}

// passedOn are payments of which each spends what the one before it brought, with one among them that is too large for any
// piece, and builds on none.
func passedOn(n, large int) []string {
	payments := make([]string, n)
	from := "users:alice"
	for i := range payments {
		if i == large {
			payments[i] = post(fmt.Sprintf(`{"transfers":[{"from":"world","to":"x","asset":"USD/2","amount":1}],"description":%q}`,
				strings.Repeat("x", 4000)))
			continue
		}
		to := fmt.Sprint("users:", i)
		payments[i] = post(pay(from, to, "10"))
		from = to
	}
	return payments
}

func TestABulkThatIsTooMuchForOnePieceIsDivided(t *testing.T) {
	h := ofLittleRoom(t)
	before := len(h.log())
	const n, large = 30, 17
	h.post(toBulk, bulkOf(passedOn(n, large)...), "Idempotency-Key: k").want(200,
		"results.0.status=201", "results.16.status=201", "results.17.status=413", "results.17.code=too_large",
		"results.18.status=201", "results.29.status=201", "results.30=-")
	after := h.log()
	again := h.post(toBulk, bulkOf(passedOn(n, large)...), "Idempotency-Key: k")
	again.want(200, "results.0.status=201", "results.17.status=413", "results.29.status=201")
	if log := h.log(); len(after) <= before || len(log) != len(after) {
		t.Errorf("%d events, then %d, then %d", before, len(after), len(log))
	}
}

func TestABulkWhoseFirstOrLastCommandIsTooLarge(t *testing.T) {
	for _, large := range []int{0, 4} {
		results := []string{"results.5=-"}
		for i := range 5 {
			status := 201
			if i == large {
				status = 413
			}
			results = append(results, fmt.Sprintf("results.%d.status=%d", i, status))
		}
		ofLittleRoom(t).post(toBulk, bulkOf(passedOn(5, large)...)).want(200, results...)
	}
}

func TestAStreamThatIsTooMuchForOnePieceIsDivided(t *testing.T) {
	h := ofLittleRoom(t)
	h.postLines(toBulk, lines(passedOn(30, 17)...)).want(200, "accepted=29", "rejected=1", "problems.0.line=18", "problems.0.code=too_large")
}

func TestAnAtomicBulkThatIsTooMuchForOnePieceIsRefused(t *testing.T) {
	h := ofLittleRoom(t)
	before := len(h.log())
	h.post(toBulk, atomicOf(passedOn(30, 30)...)).want(413, "code=too_large")
	if after := len(h.log()); after != before {
		t.Errorf("%d events were written", after-before)
	}
}
