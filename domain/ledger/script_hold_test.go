package ledger_test

import (
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// holdStep is for the steps about holds and reversals. MOVE is a step that posts: post, entries or move.
//
//	at TIME                                  the time of what follows; at first it is noon of 2026-01-31
//	hold [until TIME|for DURATION] MOVE      place a hold
//	capture ID [more] [N|MOVE]               capture all of it, an amount, or what is said; more is to come
//	void ID, expire ID                       release what is left
//	revert ID [force]                        post the opposite of a transaction
//	available ADDRESS ASSET N                what must be: what the account has available,
//	pending ADDRESS ASSET DEBITS CREDITS     what is pending,
//	status ID STATUS [debit|credit A ASSET N, …]   a hold's status, and what it still sets aside,
//	holds N                                  how many there are
func (s *script) holdStep(verb string, args []string) (c ledger.Command, known bool) {
	s.t.Helper()
	switch verb {
	case "at":
		s.now = s.time(args[0])
	case "hold":
		return s.hold(args), true
	case "capture":
		return s.capture(args), true
	case "void":
		return ledger.VoidHold{ID: s.number(args[0]), Reason: "not wanted"}, true
	case "expire":
		return ledger.ExpireHold{ID: s.number(args[0])}, true
	case "revert":
		return s.revert(args), true
	case "available":
		account, _ := s.book.Account(s.address(args[0]))
		s.equal(s.book.Totals(s.address(args[0]), money.Asset(args[1])).Available(account.Type), s.signed(args[2]))
	case "pending":
		got := s.book.Totals(s.address(args[0]), money.Asset(args[1]))
		s.equal([2]money.Amount{got.PendingDebits, got.PendingCredits}, [2]money.Amount{s.amount(args[2]), s.amount(args[3])})
	case "status":
		s.status(args)
	case "holds":
		s.equal(s.book.Holds(), s.number(args[0]))
	default:
		return nil, false
	}
	return nil, true
}

func (s *script) hold(args []string) ledger.Command {
	s.t.Helper()
	var c ledger.PlaceHold
	switch args[0] {
	case "until":
		c.ExpiresAt, args = s.time(args[1]), args[2:]
	case "for":
		var err error
		if c.ExpiresIn, err = time.ParseDuration(args[1]); err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
		args = args[2:]
	}
	moves := s.transaction(args[0], args[1:]).(ledger.PostTransaction)
	c.Movement, c.Preconditions = moves.Movement, moves.Preconditions
	return c
}

func (s *script) capture(args []string) ledger.Command {
	s.t.Helper()
	c := ledger.CaptureHold{ID: s.number(args[0]), Final: true}
	if args = args[1:]; len(args) > 0 && args[0] == "more" {
		c.Final, args = false, args[1:]
	}
	switch len(args) {
	case 0:
	case 1:
		c.Amount = s.amount(args[0])
	default:
		c.Movement = s.transaction(args[0], args[1:]).(ledger.PostTransaction).Movement
	}
	return c
}

// revert looks the original up in the log, as the handler does.
func (s *script) revert(args []string) ledger.Command {
	s.t.Helper()
	c := ledger.RevertTransaction{ID: s.number(args[0]), Reason: "mistake", Force: len(args) > 1 && args[1] == "force"}
	if c.ID > 0 && c.ID <= s.book.Transactions() {
		c.Original = s.posted(c.ID).Entries
	}
	return c
}

func (s *script) status(args []string) {
	s.t.Helper()
	h, found := s.book.Hold(s.number(args[0]))
	s.equal(found, true)
	s.equal(h.Status.String(), args[1])
	var left []string
	for _, e := range h.Remaining {
		left = append(left, strings.Join([]string{e.Side.String(), string(e.Account), string(e.Asset), e.Amount.String()}, " "))
	}
	s.equal(strings.Join(left, " , "), strings.Join(args[2:], " "))
	placed := slices.IndexFunc(s.log, func(e ledger.Event) bool {
		placed, is := e.(ledger.HoldPlaced)
		return is && placed.ID == s.number(args[0])
	})
	if h.Status == ledger.StatusOpen {
		s.equal(h.Placed, uint64(placed))
	}
}
