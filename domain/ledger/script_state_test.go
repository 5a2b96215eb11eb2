package ledger_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// stateStep is for the steps about accounts, charts, periods and assertions:
//
//	on TIME [reroute] STEP                             the command of another step, effective then
//	close A, reopen A                                  an account
//	forget                                             the rules so far, before those of another one
//	chart allow|reject                                 replace the chart by one with the rules since then
//	note A|N KEY=VALUE|KEY- …                          change the metadata of an account or transaction (posted with none)
//	period close|reopen DAY                            all days up to one
//	assert PATTERN ASSET [at TIME] eq|gte|lte N …      declare an assertion
//	evaluate ID                                        evaluate it on what the log has before it
//	told EVENT …                                       what must be: the types of the last command's events,
//	judged ID …                                        the assertions that they judge,
//	noted A|N KEY=VALUE …                              metadata as they are now,
//	closed A, open A                                   whether an account takes entries,
//	closed through DAY|never                           the days that are closed,
//	effective N TIME [intended TIME]                   when a transaction counts,
//	assertion ID evaluating|holds|broken BALANCE       how an assertion stands
//
// A rejection may have "open DAY", the first day on which something may be effective.
func (s *script) stateStep(verb string, args []string) (c ledger.Command, known bool) {
	s.t.Helper()
	switch verb {
	case "on":
		return s.onTime(args), true
	case "close":
		return ledger.CloseAccount{Address: s.address(args[0]), Reason: "done"}, true
	case "reopen":
		return ledger.ReopenAccount{Address: s.address(args[0]), Reason: "again"}, true
	case "forget":
		s.rules = nil
		return nil, true
	case "chart":
		return ledger.ReplaceChart{Chart: ledger.Chart{Undeclared: ledger.Undeclared(args[0]), Rules: s.rules}}, true
	case "note":
		return s.note(args), true
	case "period":
		if args[0] == "close" {
			return ledger.ClosePeriod{Through: s.day(args[1]), Reason: "filed"}, true
		}
		return ledger.ReopenPeriod{Through: s.day(args[1]), Reason: "mistake"}, true
	case "assert":
		return s.assert(args), true
	case "evaluate":
		return s.evaluate(s.number(args[0])), true
	default:
		return nil, s.stateHolds(verb, args)
	}
}

// stateHolds tests what must be, if the step says so.
func (s *script) stateHolds(verb string, args []string) (known bool) {
	s.t.Helper()
	switch verb {
	case "told":
		var names []string
		for _, e := range s.last {
			name, _ := ledger.TypeOf(e)
			names = append(names, name)
		}
		s.equal(strings.Join(names, " "), strings.Join(args, " "))
	case "judged":
		var ids []string
		for _, e := range s.last {
			switch e := e.(type) {
			case ledger.AssertionHeld:
				ids = append(ids, strconv.FormatUint(e.ID, 10))
			case ledger.AssertionBroken:
				ids = append(ids, strconv.FormatUint(e.ID, 10))
			}
		}
		s.equal(strings.Join(ids, " "), strings.Join(args, " "))
	case "noted":
		got, want := s.book.AccountMetadata(address.Address(args[0])), s.metadata(args[1:])
		if id, err := strconv.ParseUint(args[0], 10, 64); err == nil {
			got, _ = s.book.TransactionMetadata(id)
		}
		s.equal(fmt.Sprint(got), fmt.Sprint(want))
	case "closed":
		if args[0] != "through" {
			account, _ := s.book.Account(s.address(args[0]))
			s.equal(account.Closed, true)
			break
		}
		through, closed := s.book.Closed()
		s.equal(closed, args[1] != "never")
		if closed {
			s.equal(through.String(), args[1])
		}
	case "open":
		account, found := s.book.Account(s.address(args[0]))
		s.equal(found && !account.Closed, true)
	case "effective":
		posted := s.posted(s.number(args[0]))
		s.equal(posted.EffectiveAt, s.time(args[1]))
		if len(args) > 2 {
			s.equal(posted.IntendedAt, s.time(args[3]))
		} else {
			s.equal(posted.IntendedAt.IsZero(), true)
		}
	case "assertion":
		a, found := s.book.Assertion(s.number(args[0]))
		s.equal(found, true)
		s.equal(string(a.Status)+" "+a.Balance.String(), args[1]+" "+args[2])
	default:
		return false
	}
	return true
}

func (s *script) onTime(args []string) ledger.Command {
	s.t.Helper()
	at, late, rest := s.time(args[0]), ledger.RefuseLate, args[1:]
	if rest[0] == "reroute" {
		late, rest = ledger.RerouteLate, rest[1:]
	}
	switch c := s.step(rest).(type) {
	case ledger.PostTransaction:
		c.EffectiveAt, c.Late = at, late
		return c
	case ledger.PlaceHold:
		c.EffectiveAt = at
		return c
	case ledger.CaptureHold:
		c.EffectiveAt, c.Late = at, late
		return c
	case ledger.RevertTransaction:
		c.EffectiveAt, c.Late = at, late
		return c
	default:
		s.t.Fatalf("%s: a %T has no effective time", s.line, c)
		return nil
	}
}

func (s *script) note(args []string) ledger.Command {
	s.t.Helper()
	patch := ledger.MetadataPatch{}
	for _, word := range args[1:] {
		if key, removed := strings.CutSuffix(word, "-"); removed {
			patch[key] = nil
			continue
		}
		key, value, _ := strings.Cut(word, "=")
		patch[key] = &value
	}
	if id, err := strconv.ParseUint(args[0], 10, 64); err == nil {
		var original ledger.Metadata
		if id > 0 && id <= s.book.Transactions() {
			original = s.posted(id).Metadata
		}
		return ledger.SetTransactionMetadata{ID: id, Original: original, Patch: patch}
	}
	return ledger.SetAccountMetadata{Address: s.address(args[0]), Patch: patch}
}

func (s *script) metadata(words []string) ledger.Metadata {
	m := ledger.Metadata{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		m[key] = value
	}
	return m
}

func (s *script) assert(args []string) ledger.Command {
	s.t.Helper()
	pattern, err := address.ParsePattern(args[0])
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	c := ledger.DeclareAssertion{Pattern: pattern, Asset: money.Asset(args[1])}
	for name, value := range s.named(args[2:]) {
		switch name {
		case "at":
			c.At = s.time(value)
		case "eq":
			c.Bounds.EQ = new(s.signed(value))
		case "gte":
			c.Bounds.GTE = new(s.signed(value))
		case "lte":
			c.Bounds.LTE = new(s.signed(value))
		default:
			s.t.Fatalf("%s: %q is not understood", s.line, name)
		}
	}
	return c
}

// evaluate sums up the log before the declaration, which is what the handler does.
func (s *script) evaluate(id uint64) ledger.Command {
	return ledger.EvaluateAssertion{ID: id, Before: sumsBefore(s.log, id)}
}

func (s *script) posted(id uint64) ledger.TransactionPosted {
	s.t.Helper()
	at := slices.IndexFunc(s.log, func(e ledger.Event) bool {
		posted, is := e.(ledger.TransactionPosted)
		return is && posted.ID == id
	})
	if at < 0 {
		s.t.Fatalf("%s: there is no transaction %d", s.line, id)
	}
	return s.log[at].(ledger.TransactionPosted)
}

func (s *script) number(text string) uint64 {
	s.t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return n
}

func (s *script) day(text string) ledger.Day {
	s.t.Helper()
	d, err := ledger.ParseDay(text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return d
}

// time reads a day or a moment, as the API does.
func (s *script) time(text string) time.Time {
	s.t.Helper()
	if d, err := ledger.ParseDay(text); err == nil {
		return d.Start()
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return t.UTC()
}
