package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestValidateNamesEachFaultOfHolds(t *testing.T) {
	t.Parallel()
	place := func(change func(*ledger.PlaceHold)) ledger.Command {
		c := held(1)
		change(&c)
		return c
	}
	capture := func(change func(*ledger.CaptureHold)) ledger.Command {
		c := ledger.CaptureHold{ID: 1}
		change(&c)
		return c
	}
	transfer := []ledger.Transfer{{
		Asset: "X", Amount: ledger.TransferAmount{Exactly: money.NewAmount(1)},
		From: []ledger.Source{{Account: "a"}}, To: []ledger.Destination{{Account: "b"}},
	}}
	sweep := []ledger.Transfer{{
		Asset: "X", Amount: ledger.TransferAmount{All: true},
		From: []ledger.Source{{Account: "a"}}, To: []ledger.Destination{{Account: "b"}},
	}}
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 1025)
	for _, c := range []struct {
		pointers string // separated by spaces; empty where the command is good
		command  ledger.Command
	}{
		{"", held(1)},
		{"", place(func(c *ledger.PlaceHold) { c.ExpiresAt = noon })},
		{"", place(func(c *ledger.PlaceHold) { c.ExpiresIn = 1 })},
		{"", place(func(c *ledger.PlaceHold) { c.Entries, c.Transfers = nil, sweep })},
		{"/entries", place(func(c *ledger.PlaceHold) { c.Entries = nil })},
		{"/transfers /entries", place(func(c *ledger.PlaceHold) { c.Transfers = transfer })},
		{"/expires_in", place(func(c *ledger.PlaceHold) { c.ExpiresIn = -1 })},
		{"/expires_in", place(func(c *ledger.PlaceHold) { c.ExpiresAt, c.ExpiresIn = noon, 1 })},
		{"/expires_at", place(func(c *ledger.PlaceHold) { c.ExpiresAt = far })},
		{"/effective_at /late /reference", place(func(c *ledger.PlaceHold) {
			c.EffectiveAt, c.Late, c.Reference = far, "never", "a\n"
		})},
		{"/preconditions/0/account /preconditions/0/asset /preconditions/0", place(func(c *ledger.PlaceHold) {
			c.Preconditions = make([]ledger.Precondition, 1)
		})},

		{"", capture(func(*ledger.CaptureHold) {})},
		{"", capture(func(c *ledger.CaptureHold) { c.Amount = money.MaxAmount })},
		{"", capture(func(c *ledger.CaptureHold) { c.Entries = payment(1).Entries })},
		{"", capture(func(c *ledger.CaptureHold) { c.Transfers = transfer })},
		{"/transfers/0/amount", capture(func(c *ledger.CaptureHold) { c.Transfers = sweep })},
		{"/amount", capture(func(c *ledger.CaptureHold) { c.Amount, c.Transfers = money.NewAmount(1), transfer })},
		{"/amount /late", capture(func(c *ledger.CaptureHold) {
			c.Amount, c.Entries, c.Late = money.NewAmount(1), payment(1).Entries, "no"
		})},
		{"/entries", capture(func(c *ledger.CaptureHold) { c.Entries = payment(1).Entries[:1] })},
		{"/transfers", capture(func(c *ledger.CaptureHold) { c.Transfers = []ledger.Transfer{} })},
		{"/effective_at /description", capture(func(c *ledger.CaptureHold) { c.EffectiveAt, c.Description = far, "\xff" })},

		{"", ledger.VoidHold{}},
		{"", ledger.VoidHold{ID: 1, Reason: long[:1024]}},
		{"/reason", ledger.VoidHold{ID: 1, Reason: long}},
		{"", ledger.ExpireHold{}},
		{"", ledger.RevertTransaction{ID: 1, Reason: long[:1024], Late: ledger.RerouteLate}},
		{"/reason /effective_at /late", ledger.RevertTransaction{ID: 1, Reason: "\xff", EffectiveAt: far, Late: "no"}},
	} {
		err := ledger.Validate(c.command)
		var got []string
		if r := (*ledger.Rejection)(nil); errors.As(err, &r) {
			for _, f := range r.Fields {
				got = append(got, f.Pointer)
			}
			if r.Code != ledger.InvalidField {
				t.Errorf("%v", err)
			}
		}
		if strings.Join(got, " ") != c.pointers {
			t.Errorf("got %q, want %q: %.200v", got, c.pointers, c.command)
		}
	}
	uneven := held(1)
	uneven.Entries[0].Amount = money.NewAmount(2)
	for _, c := range []ledger.Command{uneven, ledger.CaptureHold{ID: 1, Movement: uneven.Movement}} {
		if r := (*ledger.Rejection)(nil); !errors.As(ledger.Validate(c), &r) || r.Code != ledger.UnbalancedTransaction {
			t.Errorf("%v: %v", c, r)
		}
	}
}
