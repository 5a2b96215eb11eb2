package ledger_test

import (
	"strings"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// transfers reads what follows "move": transfers, separated by semicolons, in the form
//
//	A [most N][, B [most N] …] -> C [N/D|rest][, D [N/D|rest] …] ASSET N|all|most N
//
// where "most" bounds a source or the whole, and "rest" takes the remainder.
func (s *script) transfers(words []string) []ledger.Transfer {
	s.t.Helper()
	var list []ledger.Transfer
	for part := range strings.SplitSeq(strings.Join(words, " "), " ; ") {
		from, to, arrow := strings.Cut(part, " -> ")
		w := strings.Fields(to)
		if !arrow || len(w) < 3 {
			s.t.Fatalf("%s: %q is not understood", s.line, part)
		}
		var t ledger.Transfer
		asset := len(w) - 2
		switch last := w[len(w)-1]; {
		case last == "all":
			t.Amount.All = true
		case w[asset] == "most":
			asset--
			t.Amount.UpTo = s.amount(last)
		default:
			t.Amount.Exactly = s.amount(last)
		}
		t.Asset = money.Asset(w[asset])
		for source := range strings.SplitSeq(from, " , ") {
			account, most, bounded := strings.Cut(source, " most ")
			given := ledger.Source{Account: s.address(strings.TrimSpace(account))}
			if bounded {
				given.UpTo = s.amount(strings.TrimSpace(most))
			}
			t.From = append(t.From, given)
		}
		for destination := range strings.SplitSeq(strings.Join(w[:asset], " "), " , ") {
			account, share, _ := strings.Cut(destination, " ")
			given := ledger.Destination{Account: s.address(account), Remainder: share == "rest"}
			if share != "" && share != "rest" {
				var err error
				if given.Share, err = ledger.ParseShare(share); err != nil {
					s.t.Fatalf("%s: %v", s.line, err)
				}
			}
			t.To = append(t.To, given)
		}
		list = append(list, t)
	}
	return list
}

// preconditions cuts "if ACCOUNT ASSET balance|available gte|lte|eq N [and …]" off the end of a step.
func (s *script) preconditions(words []string) (rest []string, list []ledger.Precondition) {
	s.t.Helper()
	step, conditions, found := strings.Cut(strings.Join(words, " "), " if ")
	if !found {
		return words, nil
	}
	for condition := range strings.SplitSeq(conditions, " and ") {
		w := strings.Fields(condition)
		if len(w) != 5 {
			s.t.Fatalf("%s: %q is not understood", s.line, condition)
		}
		var bounds ledger.Bounds
		*map[string]**money.Signed{"gte": &bounds.GTE, "lte": &bounds.LTE, "eq": &bounds.EQ}[w[3]] = new(s.signed(w[4]))
		p := ledger.Precondition{Account: s.address(w[0]), Asset: money.Asset(w[1])}
		if w[2] == "available" {
			p.Available = bounds
		} else {
			p.Balance = bounds
		}
		list = append(list, p)
	}
	return strings.Fields(step), list
}
