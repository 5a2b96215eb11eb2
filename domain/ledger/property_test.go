package ledger_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// history is a random run of commands, decided by a book and by the model side by side.
type history struct {
	t      *rapid.T
	book   *ledger.Book
	model  *model
	log    []ledger.Event
	groups []group
	frozen *frozen
	now    time.Time
}

// frozen is what must be written whatever comes after it.
type frozen struct {
	book     *ledger.Frozen
	snapshot string
}

// group is what must be there again after a rollback.
type group struct {
	model    *model
	events   int
	snapshot string
}

// TestBookAgreesWithTheModel drives random histories, with atomic groups inside, and after every step compares all
// that can be seen of the book.
func TestBookAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := &history{t: t, book: ledger.NewBook(), now: noon}
		chart := charts().Draw(t, "chart")
		h.model = newModel(chart)
		h.evolve(h.decide(ledger.OpenLedger{Name: "books", Chart: &chart}))
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.freeze()
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				h.begin()
			case 1:
				h.end()
			case 2, 3:
				h.command(h.changes().Draw(t, "change"))
			case 4, 5, 6:
				h.command(h.holdCommand())
			default:
				h.command(commands().Draw(t, "command"))
			}
			h.check()
		}
		h.checkReplay()
	})
}

// freeze freezes the book now and then, and sees later that what was frozen has not changed.
func (h *history) freeze() {
	if rapid.IntRange(0, 3).Draw(h.t, "freeze or thaw") > 0 {
		return
	}
	if h.frozen != nil {
		if written(h.t, h.frozen.book) != h.frozen.snapshot {
			h.t.Fatal("the frozen book has changed")
		}
		h.book.Thaw()
		h.frozen = nil
		return
	}
	if len(h.groups) == 0 {
		h.frozen = &frozen{h.book.Freeze(false), string(h.book.AppendSnapshot(nil))}
	}
}

func (h *history) begin() {
	h.groups = append(h.groups, group{h.model.clone(), len(h.log), string(h.book.AppendSnapshot(nil))})
	h.book.Begin()
}

func (h *history) end() {
	if len(h.groups) == 0 {
		return
	}
	g := h.groups[len(h.groups)-1]
	h.groups = h.groups[:len(h.groups)-1]
	if rapid.Bool().Draw(h.t, "commit") {
		h.book.Commit()
		return
	}
	h.book.Rollback()
	h.model, h.log = g.model, h.log[:g.events]
	if string(h.book.AppendSnapshot(nil)) != g.snapshot {
		h.t.Fatal("the book after a rollback is not the one before")
	}
}

func (h *history) command(c ledger.Command) {
	if ledger.Validate(c) != nil {
		return // its shape; validate_test.go has those
	}
	before := string(h.book.AppendSnapshot(nil))
	events, err := ledger.Decide(h.book, c, h.now)
	if string(h.book.AppendSnapshot(nil)) != before {
		h.t.Fatal("Decide changed the book")
	}
	want := h.model.do(c, h.now)
	var r *ledger.Rejection
	switch {
	case err == nil && want == "":
		h.evolve(events)
	case err == nil:
		h.t.Fatalf("accepted; the model says %s", want)
	case !errors.As(err, &r) || r.Code != want:
		h.t.Fatalf("%v; the model says %q", err, want)
	}
}

func (h *history) decide(c ledger.Command) []ledger.Event {
	events, err := ledger.Decide(h.book, c, noon)
	if err != nil {
		h.t.Fatal(err)
	}
	return events
}

func (h *history) evolve(events []ledger.Event) {
	for _, e := range events {
		if err := ledger.Evolve(h.book, e); err != nil {
			h.t.Fatal(err)
		}
		h.log = append(h.log, e)
	}
}

// check compares the book with the model to the last unit, and both with the first law of bookkeeping.
func (h *history) check() {
	if h.book.Accounts() != len(h.model.accounts) || h.book.Transactions() != h.model.transactions {
		h.t.Fatalf("%d accounts, %d transactions; the model has %d, %d",
			h.book.Accounts(), h.book.Transactions(), len(h.model.accounts), h.model.transactions)
	}
	for a, want := range h.model.accounts {
		got, found := h.book.Account(a)
		minimum, maximum := h.model.bounds(h.model.rule(a), want.own)
		if !found || got.Type != want.of || !sameBound(got.Limits.Min, minimum) || !sameBound(got.Limits.Max, maximum) {
			h.t.Fatalf("%s is %+v, %v", a, got, found)
		}
	}
	h.checkHolds()
	net := map[money.Asset]*big.Int{}
	held := 0
	for b := range h.book.Balances() {
		held++
		at := place{b.Account, b.Asset}
		debits, credits := h.model.sum(h.model.debits, at), h.model.sum(h.model.credits, at)
		if b.Totals != h.book.Totals(b.Account, b.Asset) || b.Debits.String() != debits.String() || b.Credits.String() != credits.String() {
			h.t.Fatalf("%s has %+v; the model has %s, %s", at, b.Totals, debits, credits)
		}
		debitsPending, creditsPending := h.model.pendingSums(at)
		if b.PendingDebits.String() != debitsPending.String() || b.PendingCredits.String() != creditsPending.String() {
			h.t.Fatalf("%s has %+v; the model has %s, %s pending", at, b.Totals, debitsPending, creditsPending)
		}
		if net[b.Asset] == nil {
			net[b.Asset] = new(big.Int)
		}
		net[b.Asset].Add(net[b.Asset], debits).Sub(net[b.Asset], credits)
	}
	for asset, n := range net {
		if n.Sign() != 0 {
			h.t.Fatalf("the debits of %s exceed its credits by %s", asset, n)
		}
	}
	places := h.model.places()
	if held != len(places) {
		h.t.Fatalf("%d balances; the model has %d", held, len(places))
	}
	h.checkState()
}

// checkReplay makes the book again from its events, and from a snapshot somewhere in the middle and the events after.
func (h *history) checkReplay() {
	for len(h.groups) > 0 {
		h.end()
	}
	middle := rapid.IntRange(0, len(h.log)).Draw(h.t, "snapshot after")
	replayed := ledger.NewBook()
	var restored *ledger.Book
	for i := 0; i <= len(h.log); i++ {
		if i == middle {
			var err error
			if restored, err = ledger.RestoreSnapshot(replayed.AppendSnapshot(nil)); err != nil {
				h.t.Fatal(err)
			}
		}
		if i == len(h.log) {
			break
		}
		if err := ledger.Evolve(replayed, h.log[i]); err != nil {
			h.t.Fatal(err)
		}
		if restored != nil {
			if err := ledger.Evolve(restored, h.log[i]); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	want := string(h.book.AppendSnapshot(nil))
	if string(replayed.AppendSnapshot(nil)) != want {
		h.t.Fatal("the events replayed give another book")
	}
	if string(restored.AppendSnapshot(nil)) != want {
		h.t.Fatal("a snapshot and the events after it give another book")
	}
}

func sameBound(got *money.Signed, want *big.Int) bool {
	if got == nil || want == nil {
		return got == nil && want == nil
	}
	return got.String() == want.String()
}

// charts draws from rules whose patterns overlap; naiveRule wants any-case rules to have one letter on top.
func charts() *rapid.Generator[ledger.Chart] {
	rules := []ledger.Rule{
		{Pattern: "w", Type: ledger.Equity},
		{Pattern: "a:**", AnyCase: true, Type: ledger.Asset, Limits: ledger.Limits{Min: new(money.Signed)}},
		{Pattern: "a:*:x", Type: ledger.Expense, Limits: limits("-5", "100")},
		{Pattern: "u:*", Type: ledger.Liability, Limits: limits("0", "340282366920938463463374607431768211450")},
		{Pattern: "u:b", Type: ledger.Liability, Assets: []money.Asset{"X"}},
		{Pattern: "*:b", Type: ledger.Income, Limits: ledger.Limits{Min: limits("-10", "0").Min}},
		{Pattern: "**", Type: ledger.Liability, Limits: ledger.Limits{Max: limits("0", "50").Max}},
	}
	return rapid.Custom(func(t *rapid.T) ledger.Chart {
		c := ledger.Chart{Undeclared: rapid.SampledFrom([]ledger.Undeclared{ledger.Allow, ledger.Reject}).Draw(t, "undeclared")}
		for _, r := range rules {
			if rapid.IntRange(0, 3).Draw(t, "rule") > 0 {
				c.Rules = append(c.Rules, r)
			}
		}
		return c
	})
}

// commands draws what often meets: few accounts, two assets, amounts that are small or near the end of the range, and
// transactions on both sides of where the book starts to index what they touch.
func commands() *rapid.Generator[ledger.Command] {
	accounts := rapid.SampledFrom([]address.Address{"w", "w", "w", "a:a", "A:b", "a:a:x", "u:a", "u:b", "u:c", "b:b", "z", "w:x:y"})
	assets := rapid.SampledFrom([]money.Asset{"X", "X", "X", "Y/2"})
	small := rapid.Custom(func(t *rapid.T) money.Amount { return money.NewAmount(rapid.Uint64Range(1, 60).Draw(t, "amount")) })
	great := rapid.Custom(func(t *rapid.T) money.Amount {
		a, _ := money.MaxAmount.Sub(money.NewAmount(rapid.Uint64Range(0, 20).Draw(t, "less")))
		return a
	})
	amounts := rapid.OneOf(small, small, small, small, great)
	bounds := rapid.Custom(func(t *rapid.T) *money.Signed {
		if rapid.Bool().Draw(t, "no limit") {
			return nil
		}
		return new(money.NewSigned(rapid.Bool().Draw(t, "negative"), amounts.Draw(t, "limit")))
	})
	return rapid.Custom(func(t *rapid.T) ledger.Command {
		if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
			return ledger.OpenAccount{
				Address: accounts.Draw(t, "address"),
				Type:    rapid.SampledFrom([]ledger.AccountType{"", "", ledger.Asset, ledger.Income}).Draw(t, "type"),
				Limits:  ledger.Limits{Min: bounds.Draw(t, "min"), Max: bounds.Draw(t, "max")},
			}
		}
		c := ledger.PostTransaction{Movement: ledger.Movement{Reference: rapid.SampledFrom([]string{"", "", "", "r1", "r2", "r3"}).Draw(t, "reference")}}
		c.EffectiveAt = rapid.SampledFrom([]time.Time{{}, {}, noon.AddDate(0, 0, -2), noon.AddDate(0, 0, -1).Add(12*time.Hour - 1), noon.Add(12 * time.Hour)}).Draw(t, "effective at")
		c.Late = rapid.SampledFrom([]ledger.Late{ledger.RefuseLate, ledger.RerouteLate}).Draw(t, "late")
		c.Preconditions = preconditionLists(accounts, assets).Draw(t, "preconditions")
		if rapid.Bool().Draw(t, "as transfers") {
			c.Transfers = transferLists(accounts, assets, amounts).Draw(t, "transfers")
			return c
		}
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 3, 4, 5, 12}).Draw(t, "transfers") {
			amount, asset := amounts.Draw(t, "amount"), assets.Draw(t, "asset")
			c.Entries = append(c.Entries,
				ledger.Entry{Account: accounts.Draw(t, "from"), Asset: asset, Side: ledger.Debit, Amount: amount},
				ledger.Entry{Account: accounts.Draw(t, "to"), Asset: asset, Side: ledger.Credit, Amount: amount})
		}
		return c
	})
}
