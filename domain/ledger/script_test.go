package ledger_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// A script tells the story of one ledger, a step a line. Empty lines and what follows a # do not count.
//
//	rule PATTERN TYPE [min N] [max N] [assets A,B]     a rule of the chart that the ledger is opened with
//	ledger allow|reject                                open the ledger with those rules
//	ledger general|wallets                             open it with a template
//	account ADDRESS [type T] [min N] [max N]           open an account explicitly
//	post A -> B ASSET N[, A -> B ASSET N …] [ref R]    post transfers
//	entries debit|credit A ASSET N[, …] [ref R]        post entries
//	move …                                             post transfers of all forms: see script_move_test.go
//	begin, commit, rollback                            an atomic group
//	at, hold, capture, void, expire, revert …          see script_hold_test.go
//	on, close, reopen, chart, note, period, assert …   see script_state_test.go
//	balance ADDRESS ASSET N                            what must be: the balance on the account's normal side,
//	totals ADDRESS ASSET DEBITS CREDITS                its totals,
//	is ADDRESS TYPE [min N] [max N]                    its type and the limits in force,
//	absent ADDRESS                                     that there is no such account,
//	accounts N, transactions N                         how many there are
//
// What moves may end in "if PRECONDITION [and PRECONDITION …]" (script_move_test.go). A command may end in "=> CODE [account A] [available N] [required N] [transaction N] [pointer P]": it must be
// rejected so. N may be "max" for 2^128-1, or "max-1" and so on.
type script struct {
	t     *testing.T
	line  string
	book  *ledger.Book
	rules []ledger.Rule
	log   []ledger.Event
	now   time.Time
	last  []ledger.Event // of the last command that was accepted
	marks []int          // lengths of the log at each begin
}

func play(t *testing.T, text string) {
	t.Helper()
	s := &script{t: t, book: ledger.NewBook(), now: noon}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		s.line = fmt.Sprintf("line %d: %s", number+1, line)
		step, want, rejected := strings.Cut(line, "=>")
		if command := s.step(strings.Fields(strings.ReplaceAll(step, ",", " , "))); command != nil {
			s.decide(command, strings.Fields(want), rejected)
		}
		s.checkReplay()
	}
}

// step does what is no command, and gives the command otherwise.
func (s *script) step(words []string) ledger.Command {
	s.t.Helper()
	verb, args := words[0], words[1:]
	switch verb {
	case "rule":
		s.rules = append(s.rules, s.rule(args))
	case "ledger":
		c := ledger.OpenLedger{Name: "books", Template: ledger.Template(args[0])}
		if u := ledger.Undeclared(args[0]); u == ledger.Allow || u == ledger.Reject {
			c = ledger.OpenLedger{Name: "books", Chart: &ledger.Chart{Undeclared: u, Rules: s.rules}}
		}
		return c
	case "account":
		named := s.named(args[1:])
		return ledger.OpenAccount{
			Address: s.address(args[0]), Type: ledger.AccountType(named["type"]), Limits: s.limits(named),
		}
	case "post", "entries", "move":
		return s.transaction(verb, args)
	case "begin":
		s.book.Begin()
		s.marks = append(s.marks, len(s.log))
	case "commit":
		s.book.Commit()
		s.marks = s.marks[:len(s.marks)-1]
	case "rollback":
		s.book.Rollback()
		s.log = s.log[:s.marks[len(s.marks)-1]]
		s.marks = s.marks[:len(s.marks)-1]
	default:
		if c, known := s.holdStep(verb, args); known {
			return c
		}
		if c, known := s.stateStep(verb, args); known {
			return c
		}
		s.expect(verb, args)
	}
	return nil
}

func (s *script) expect(verb string, args []string) {
	s.t.Helper()
	switch verb {
	case "balance":
		account, _ := s.book.Account(s.address(args[0]))
		s.equal(s.book.Totals(s.address(args[0]), money.Asset(args[1])).Balance(account.Type), s.signed(args[2]))
	case "totals":
		got := s.book.Totals(s.address(args[0]), money.Asset(args[1]))
		s.equal([2]money.Amount{got.Debits, got.Credits}, [2]money.Amount{s.amount(args[2]), s.amount(args[3])})
	case "is":
		account, found := s.book.Account(s.address(args[0]))
		s.equal(found, true)
		s.equal(account.Type, ledger.AccountType(args[1]))
		want := s.limits(s.named(args[2:]))
		s.equal(text(account.Limits.Min), text(want.Min))
		s.equal(text(account.Limits.Max), text(want.Max))
	case "absent":
		_, found := s.book.Account(s.address(args[0]))
		s.equal(found, false)
	case "accounts":
		s.equal(strconv.Itoa(s.book.Accounts()), args[0])
	case "transactions":
		s.equal(strconv.FormatUint(s.book.Transactions(), 10), args[0])
	default:
		s.t.Fatalf("%s: no such step", s.line)
	}
}

// decide decides the command, as Validate and Decide would be called, and evolves the book.
func (s *script) decide(c ledger.Command, want []string, rejected bool) {
	s.t.Helper()
	before := string(s.book.AppendSnapshot(nil))
	err := ledger.Validate(c)
	var events []ledger.Event
	if err == nil {
		events, err = ledger.Decide(s.book, c, s.now)
	}
	s.equal(string(s.book.AppendSnapshot(nil)) == before, true)
	if !rejected {
		if err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
		for _, e := range events {
			if err := ledger.Evolve(s.book, e); err != nil {
				s.t.Fatalf("%s: %v", s.line, err)
			}
		}
		s.log, s.last = append(s.log, events...), events
		return
	}
	var r *ledger.Rejection
	if !errors.As(err, &r) {
		s.t.Fatalf("%s: accepted", s.line)
	}
	s.equal(r.Code, ledger.Code(want[0]))
	s.equal(r.Detail != "", true)
	for name, value := range s.named(want[1:]) {
		switch name {
		case "account":
			s.equal(r.Account, s.address(value))
		case "available":
			s.equal(r.Available.String(), s.signed(value).String())
		case "balance":
			s.equal(r.Balance.String(), s.signed(value).String())
		case "required":
			s.equal(*r.Required, s.amount(value))
		case "transaction":
			s.equal(strconv.FormatUint(r.Transaction, 10), value)
		case "hold":
			s.equal(strconv.FormatUint(r.Hold, 10), value)
		case "open":
			s.equal(r.FirstOpen.String(), value)
		case "pointer":
			s.equal(r.Fields[0].Pointer, value)
		default:
			s.t.Fatalf("%s: %q is not what rejections have", s.line, name)
		}
	}
}

// checkReplay holds the book to its own history: replayed from the start, encoded and decoded on the way, and restored
// from a snapshot.
func (s *script) checkReplay() {
	s.t.Helper()
	replayed := ledger.NewBook()
	for _, e := range s.log {
		encoded, err := ledger.Encode(e)
		if err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
		decoded, err := ledger.Decode(encoded.Type, encoded.Version, encoded.Data)
		if err == nil {
			err = ledger.Evolve(replayed, decoded)
		}
		if err != nil {
			s.t.Fatalf("%s: replay: %v", s.line, err)
		}
	}
	snapshot := s.book.AppendSnapshot(nil)
	s.equal(string(replayed.AppendSnapshot(nil)) == string(snapshot), true)
	restored, err := ledger.RestoreSnapshot(snapshot)
	if err != nil {
		s.t.Fatalf("%s: restore: %v", s.line, err)
	}
	s.equal(string(restored.AppendSnapshot(nil)) == string(snapshot), true)
}

func (s *script) rule(args []string) ledger.Rule {
	s.t.Helper()
	pattern, err := address.ParsePattern(args[0])
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	var assets []money.Asset
	rest := args[2:]
	for i, word := range rest {
		if word == "assets" {
			for _, asset := range rest[i+1:] {
				if asset != "," {
					assets = append(assets, money.Asset(asset))
				}
			}
			rest = rest[:i]
			break
		}
	}
	return ledger.Rule{
		Pattern: pattern, Type: ledger.AccountType(args[1]), Limits: s.limits(s.named(rest)), Assets: assets,
	}
}

func (s *script) transaction(verb string, args []string) ledger.Command {
	s.t.Helper()
	var c ledger.PostTransaction
	args, c.Preconditions = s.preconditions(args)
	if n := len(args); n > 2 && args[n-2] == "ref" {
		c.Reference, args = args[n-1], args[:n-2]
	}
	entry := func(side ledger.Side, account, asset, amount string) {
		c.Entries = append(c.Entries, ledger.Entry{
			Account: s.address(account), Asset: money.Asset(asset), Side: side, Amount: s.amount(amount),
		})
	}
	if verb == "move" {
		c.Transfers = s.transfers(args)
		return c
	}
	for part := range strings.SplitSeq(strings.Join(args, " "), " , ") {
		w := strings.Fields(part)
		switch {
		case verb == "post" && len(w) == 5 && w[1] == "->":
			entry(ledger.Debit, w[0], w[3], w[4])
			entry(ledger.Credit, w[2], w[3], w[4])
		case verb == "entries" && len(w) == 4 && w[0] == "debit":
			entry(ledger.Debit, w[1], w[2], w[3])
		case verb == "entries" && len(w) == 4 && w[0] == "credit":
			entry(ledger.Credit, w[1], w[2], w[3])
		default:
			s.t.Fatalf("%s: %q is not understood", s.line, part)
		}
	}
	return c
}

// named reads words as names and values in turn.
func (s *script) named(words []string) map[string]string {
	s.t.Helper()
	named := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		named[words[i]] = words[i+1]
	}
	if len(words)%2 != 0 {
		s.t.Fatalf("%s: %q lacks a value", s.line, words[len(words)-1])
	}
	return named
}

func (s *script) limits(named map[string]string) ledger.Limits {
	s.t.Helper()
	var l ledger.Limits
	if text, ok := named["min"]; ok {
		l.Min = new(s.signed(text))
	}
	if text, ok := named["max"]; ok {
		l.Max = new(s.signed(text))
	}
	return l
}

func (s *script) address(text string) address.Address {
	s.t.Helper()
	a, err := address.Parse(text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return a
}

func (s *script) signed(text string) money.Signed {
	s.t.Helper()
	digits, negative := strings.CutPrefix(text, "-")
	return money.NewSigned(negative, s.amount(digits))
}

func (s *script) amount(text string) money.Amount {
	s.t.Helper()
	if less, ok := strings.CutPrefix(text, "max"); ok {
		n, _ := strconv.ParseUint(strings.TrimPrefix(less, "-"), 10, 64)
		a, _ := money.MaxAmount.Sub(money.NewAmount(n))
		return a
	}
	a, err := money.ParseAmount(text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return a
}

func (s *script) equal(got, want any) {
	s.t.Helper()
	if got != want {
		s.t.Fatalf("%s: got %v, want %v", s.line, got, want)
	}
}

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func text(s *money.Signed) string {
	if s == nil {
		return "none"
	}
	return s.String()
}
