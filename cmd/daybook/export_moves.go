package main

import (
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
)

// Commands about what moves, as export writes them.
type (
	revertLine struct {
		ID          uint64 `json:"id"`
		Reason      string `json:"reason,omitempty"`
		EffectiveAt string `json:"effective_at"`
		Late        string `json:"late,omitempty"`
		Force       bool   `json:"force,omitempty"`
	}
	captureLine struct {
		client.NewTransaction

		ID    uint64 `json:"id"`
		Final bool   `json:"final"`
	}
	holdLine struct {
		client.NewTransaction

		ExpiresAt string `json:"expires_at,omitempty"`
	}
)

// transaction is posted, a reversal, or a capture. One that was moved out of a closed period is sent as it was intended: the
// same periods are closed, so that it is moved again.
func (w *commandWriter) transaction(e *ledger.TransactionPosted) (kind string, body any) {
	if _, changed := w.end.TransactionMetadata(e.ID); changed {
		w.posted[e.ID] = e.Metadata
	}
	post := postOf(e)
	if !e.IntendedAt.IsZero() {
		post.EffectiveAt, post.Late = e.IntendedAt, ledger.RerouteLate
	}
	request := requestOf(&post)
	switch {
	case e.Reverts != 0:
		return client.RevertTransaction, revertLine{
			ID: e.Reverts, Reason: e.Reason, EffectiveAt: request.EffectiveAt, Late: request.Late, Force: e.Forced,
		}
	case e.Hold != 0:
		return client.CaptureHold, captureLine{NewTransaction: request, ID: e.Hold, Final: w.captured.Final}
	default:
		return client.PostTransaction, request
	}
}

// hold is placed without an end: it has ended as its history tells, or it is to end at a time that may have passed when this
// is imported. In that case what is left of it is placed again after everything else, where nothing depends on its number;
// it gets its reference there.
func (w *commandWriter) hold(e *ledger.HoldPlaced) holdLine {
	placed := *e
	switch hold, _ := w.end.Hold(e.ID); {
	case e.ExpiresAt.IsZero():
	case hold.Status == ledger.StatusOpen && w.beyondLimits(hold.Remaining):
		w.lost.add("ends of open holds on accounts beyond their limits", 1)
	case hold.Status == ledger.StatusOpen:
		placed.Entries = hold.Remaining
		w.again = append(w.again, placed)
		placed.Entries, placed.Reference = e.Entries, ""
	default:
		w.lost.add("ends of holds that are over", 1)
	}
	placed.ExpiresAt = time.Time{}
	return holdLineOf(&placed)
}

// beyondLimits tells whether an account is, at the end, where nothing more could be set aside on it: a forced reversal has
// brought it there.
func (w *commandWriter) beyondLimits(entries []ledger.Entry) bool {
	return slices.ContainsFunc(entries, func(e ledger.Entry) bool {
		account, _ := w.end.Account(e.Account)
		totals, limits := w.end.Totals(e.Account, e.Asset), account.Limits
		return limits.Min != nil && totals.Available(account.Type).Cmp(*limits.Min) < 0 ||
			limits.Max != nil && totals.Highest(account.Type).Cmp(*limits.Max) > 0
	})
}

// placeAgain ends the holds that were placed without the end that they have, and places them with it.
func (w *commandWriter) placeAgain() error {
	w.lost.add("open holds with an end, as voided ones and what is left of them as new ones", len(w.again))
	for i := range w.again {
		if err := w.line(client.VoidHold, aboutLine{ID: w.again[i].ID, Reason: "placed again with its end"}); err != nil {
			return err
		}
	}
	for i := range w.again {
		if err := w.line(client.PlaceHold, holdLineOf(&w.again[i])); err != nil {
			return err
		}
	}
	return nil
}

func holdLineOf(e *ledger.HoldPlaced) holdLine {
	request := requestOf(&ledger.PostTransaction{Movement: ledger.Movement{
		Entries: e.Entries, EffectiveAt: e.EffectiveAt, Reference: e.Reference, Description: e.Description, Metadata: e.Metadata,
	}})
	return holdLine{NewTransaction: request, ExpiresAt: timeOf(e.ExpiresAt)}
}

// postOf is the command that a transaction came from.
func postOf(e *ledger.TransactionPosted) ledger.PostTransaction {
	return ledger.PostTransaction{Movement: ledger.Movement{
		Entries: e.Entries, EffectiveAt: e.EffectiveAt, Reference: e.Reference, Description: e.Description, Metadata: e.Metadata,
	}}
}
