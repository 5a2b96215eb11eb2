package linear_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

type event = engine.Event[ledger.Event]

// again comes before what was told once already.
const again = "again: "

// answered puts into words what an engine answers: all of it that depends on what came before.
func answered(t *testing.T, u commands.Unit, r *commands.Result, err error) told {
	var rejected *engine.RefusedError
	var rejection *ledger.Rejection
	if err == nil && len(r.Answers) == 1 {
		err = r.Answers[0].Err
	}
	switch {
	case errors.Is(err, engine.ErrKeyReused):
		return no("idempotency_key_reused")
	case errors.As(err, &rejected) && errors.As(rejected.Err, &rejection):
		return no("command %d: %s", rejected.Index, refusal(rejection))
	case errors.As(err, &rejection):
		return no("%s", refusal(rejection))
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return told{outcome: unknown}
	case errors.Is(err, engine.ErrUnavailable):
		return told{outcome: failed}
	case err != nil:
		t.Errorf("submit: %v", err)
		return told{}
	}
	var texts []string
	replays := 0
	for i := range r.Answers {
		texts = append(texts, eventTexts(r.Answers[i].Events))
		if r.Answers[i].Replayed {
			replays++
		}
	}
	text := strings.Join(texts, "; ")
	switch {
	case replays == len(r.Answers):
		text = again + text
	case replays > 0:
		t.Errorf("%d of %d commands of one unit were replayed", replays, len(r.Answers))
	case u.DryRun:
		text += fmt.Sprintf(", from revision %d", r.Revision)
	}
	return told{text: text}
}

// refusal is a rejection with its details. Of a chart's conflicts it is left open which is named first.
func refusal(r *ledger.Rejection) string {
	text := string(r.Code)
	add := func(format string, value any) { text += fmt.Sprintf(" "+format, value) }
	if r.Account != "" && r.Code != ledger.ChartConflict {
		add("%s", r.Account)
	}
	if r.Available != nil {
		add("available %s", r.Available)
	}
	if r.Required != nil {
		add("required %s", r.Required)
	}
	if r.Balance != nil {
		add("balance %s", r.Balance)
	}
	if r.Transaction != 0 {
		add("transaction %d", r.Transaction)
	}
	if r.Hold != 0 {
		add("hold %d", r.Hold)
	}
	if r.FirstOpen != nil {
		add("open from %d", *r.FirstOpen-today)
	}
	return text
}

// eventTexts are the events of one command, and the revision that it led to.
func eventTexts(events []event) string {
	var texts []string
	for i := range events {
		texts = append(texts, eventText(events[i].Event))
	}
	return happened(texts, int(events[len(events)-1].Revision))
}

func happened(texts []string, revision int) string {
	return fmt.Sprintf("%s @%d", strings.Join(texts, ", "), revision)
}

func eventText(e ledger.Event) string {
	switch e := e.(type) {
	case ledger.AccountOpened:
		if e.Implicit {
			return "opens " + string(e.Address)
		}
		return "opens it"
	case ledger.TransactionPosted:
		return transactionOf(&e).String()
	case ledger.HoldPlaced:
		return fmt.Sprintf("hold %d of %v", e.ID, linesOf(e.Entries))
	case ledger.HoldCaptured:
		return fmt.Sprintf("hold %d leaves %v", e.ID, linesOf(e.Remaining))
	case ledger.HoldVoided:
		return fmt.Sprintf("hold %d is void", e.ID)
	case ledger.ChartReplaced:
		return "another chart"
	case ledger.AccountClosed:
		return "closed " + string(e.Address)
	case ledger.AccountReopened:
		return "reopened " + string(e.Address)
	case ledger.AccountMetadataSet:
		return fmt.Sprintf("%s has %v", e.Address, notesOf(e.Metadata))
	case ledger.TransactionMetadataSet:
		return fmt.Sprintf("transaction %d has %v", e.ID, notesOf(e.Metadata))
	case ledger.PeriodClosed:
		return closedThrough([]int{int(e.Through - today)})
	case ledger.PeriodReopened:
		if e.Closed == nil {
			return closedThrough(nil)
		}
		return closedThrough([]int{int(*e.Closed - today)})
	case ledger.AssertionDeclared:
		return fmt.Sprintf("assertion %d", e.ID)
	case ledger.AssertionHeld:
		return verdict(int(e.ID), true, e.Balance.String())
	case ledger.AssertionBroken:
		return verdict(int(e.ID), false, e.Balance.String())
	default: // an account that was opened explicitly just now, for which the package has a type of its own
		return "opens it"
	}
}
