package commands_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

const aliceHas1000 = `{"account":"users:*","asset":"USD/2","gte":"1000","lte":1000}`

func TestAnAssertionIsEvaluatedWithWhatCameBefore(t *testing.T) {
	h := opened(t)
	answer := h.post(toAssertions, aliceHas1000).want(201)
	want := `{"assertion":{"id":1,"account":"users:*","asset":"USD/2","at":null,"equals":null,"gte":"1000","lte":"1000",` +
		`"status":"holds","balance":"1000","broken_by":null,"declared_at":"2026-11-22T10:00:00.123456Z",` +
		`"changed_at":"2026-11-22T10:00:00.123456Z","actor":"anonymous","revision":4},"revision":5}` + "\n"
	if diff := cmp.Diff(want, answer.Body); diff != "" {
		t.Error(diff)
	}
	answer.wantHeader("Location", toAssertions+"/1").wantHeader("Daybook-Revision", "5")
	h.post(toTransactions, pay("users:alice", "shop", "1")).want(201, "transaction.id=2", "transaction.revision=7", "revision=8").
		wantHeader("Daybook-Revision", "8").wantHeader("Location", toTransactions+"/2")
	h.post(toTransactions+"/2/revert", `{}`).want(201, "transaction.id=3", "transaction.revision=9", "revision=10")
	h.post(toBulk, bulkOf(post(pay("world", "users:bob", "5")))).want(200, "results.0.transaction.id=4", "results.0.revision=13", "revision=13")

	h.post(toAssertions, `{"account":"world","asset":"USD/2","equals":"-1"}`).want(201, "assertion.id=2", "assertion.status=broken", "assertion.balance=-1005")
	h.post(toAssertions, `{"account":"world","asset":"USD/2","equals":"0","at":"2026-11-21"}`).want(201,
		"assertion.status=holds", "assertion.balance=0", "assertion.at=2026-11-21T23:59:59.999999999Z")
	h.post(toAssertions, `{"account":"none:**","asset":"EUR/2","lte":"-5"}`).want(201, "assertion.status=broken", "assertion.balance=0")
	var actors []string
	for recorded, err := range h.store.ReadStream(t.Context(), "ledger-books", 5) {
		if err != nil {
			t.Fatal(err)
		}
		if recorded.Revision == 5 {
			actors = append(actors, string(recorded.Metadata))
		}
	}
	if !strings.Contains(actors[0], `"daybook"`) {
		t.Errorf("the evaluation is not Daybook's own: %s", actors)
	}
}

// crashing lets declarations through and loses evaluations, as a crash between the two does.
type crashing struct {
	commands.Submitter

	crash bool
}

var errCrash = errors.New("the process is gone")

func (s *crashing) Submit(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
	if _, ok := unit.Commands[0].Command.(ledger.EvaluateAssertion); ok && s.crash {
		return commands.Result{}, errCrash
	}
	return s.Submitter.Submit(ctx, stream, unit)
}

func TestAnAssertionThatACrashLeftIsCompleted(t *testing.T) {
	h := opened(t)
	submitter := &crashing{crash: true}
	h = houseOver(t, h.store, func(s commands.Submitter) commands.Submitter {
		submitter.Submitter = s
		return submitter
	})
	h.post(toAssertions, aliceHas1000, "Idempotency-Key: k").want(503, "code=overloaded")
	h.post(toTransactions, pay("users:alice", "shop", "1")).want(201)
	submitter.crash = false
	h.post(toAssertions, aliceHas1000, "Idempotency-Key: k").want(201, "assertion.id=1", "assertion.status=broken",
		"assertion.balance=999", "assertion.broken_by=-", "assertion.revision=4", "revision=7").wantHeader("Idempotent-Replayed", "true")

	submitter.crash = true
	h.post(toAssertions, aliceHas1000).want(503)
	submitter.crash = false
	upkeep := commands.NewUpkeep(submitter, h.store)
	for range 2 {
		if err := upkeep.Evaluate(t.Context(), "books", 2, 8); err != nil {
			t.Fatal(err)
		}
	}
	if err := upkeep.Evaluate(t.Context(), "books", 1, 8); err == nil {
		t.Error("an assertion is evaluated by the declaration of another one")
	}
	log := h.log()
	if last := log[len(log)-1]; !strings.HasPrefix(last, "ledger-books/9 AssertionBroken") || len(log) != 10 {
		t.Errorf("got %s", last)
	}
}
