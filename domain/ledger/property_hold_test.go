package ledger_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// holdCommand draws a command that is about a hold or a reversal, near what the model has. The clock goes on at times.
func (h *history) holdCommand() ledger.Command {
	h.now = h.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(h.t, "minutes")) * time.Minute)
	id := rapid.Uint64Range(0, uint64(len(h.model.holds))+1).Draw(h.t, "hold")
	switch rapid.IntRange(0, 7).Draw(h.t, "about a hold") {
	case 0:
		return ledger.VoidHold{ID: id}
	case 1:
		return ledger.ExpireHold{ID: id}
	case 2:
		return h.reversal()
	case 3, 4:
		return h.capture(id)
	default:
		moves, ok := commands().Draw(h.t, "moves").(ledger.PostTransaction)
		if !ok {
			return ledger.VoidHold{ID: id}
		}
		return ledger.PlaceHold{
			Movement: moves.Movement, Preconditions: moves.Preconditions,
			ExpiresIn: time.Duration(rapid.SampledFrom([]int{0, 0, 1, 5}).Draw(h.t, "expires")) * time.Minute,
		}
	}
}

func (h *history) reversal() ledger.Command {
	c := ledger.RevertTransaction{
		ID:    rapid.Uint64Range(0, h.model.transactions+1).Draw(h.t, "transaction"),
		Force: rapid.Bool().Draw(h.t, "force"),
	}
	if c.ID > 0 && c.ID <= h.model.transactions {
		c.Original = h.model.posted[c.ID-1].Entries
	}
	return c
}

// capture draws a capture of all, of an amount, or of a debit and a credit within what is held or just beyond.
func (h *history) capture(id uint64) ledger.Command {
	c := ledger.CaptureHold{ID: id, Final: rapid.Bool().Draw(h.t, "final")}
	c.Reference = rapid.SampledFrom([]string{"", "", "r1", "r4"}).Draw(h.t, "reference")
	way := rapid.IntRange(0, 3).Draw(h.t, "way")
	if id == 0 || id > uint64(len(h.model.holds)) || len(h.model.holds[id-1].left) == 0 || way == 0 {
		return c
	}
	left := h.model.holds[id-1].left
	debit := left[slices.IndexFunc(left, func(e ledger.Entry) bool { return e.Side == ledger.Debit })]
	credit := left[slices.IndexFunc(left, func(e ledger.Entry) bool { return e.Side == ledger.Credit })]
	amount := debit.Amount
	if hi, lo := amount.Words(); hi == 0 {
		amount = money.NewAmount(rapid.Uint64Range(1, lo+1).Draw(h.t, "amount"))
	}
	if way == 1 {
		c.Amount = amount
		return c
	}
	credit.Asset = debit.Asset
	debit.Amount, credit.Amount = amount, amount
	c.Entries = []ledger.Entry{debit, credit}
	return c
}

// checkHolds compares all holds and reversals with the model's.
func (h *history) checkHolds() {
	if h.book.Holds() != uint64(len(h.model.holds)) || h.book.Revision() != uint64(len(h.log)) {
		h.t.Fatalf("%d holds at revision %d; the model has %d at %d",
			h.book.Holds(), h.book.Revision(), len(h.model.holds), len(h.log))
	}
	for i, want := range h.model.holds {
		got, found := h.book.Hold(uint64(i) + 1)
		if !found || got.Status.String() != want.status || !slices.Equal(got.Remaining, want.left) || !got.ExpiresAt.Equal(want.expires) && want.status == "open" {
			h.t.Fatalf("hold %d is %+v; the model has %+v", i+1, got, want)
		}
	}
	for id := range h.model.transactions + 1 {
		if by, reverted := h.book.RevertedBy(id); by != h.model.reverted[id] || reverted != (by != 0) {
			h.t.Fatalf("transaction %d is reverted by %d; the model has %d", id, by, h.model.reverted[id])
		}
	}
}
