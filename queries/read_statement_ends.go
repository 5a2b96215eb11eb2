package queries

import (
	"maps"
	"slices"

	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// statementEnds are the balances before the first line of a whole statement and after its last: those of the asset that is
// asked for, or of all in which the account had moved at either end.
type statementEnds map[string][2]money.Signed

// show gives both in order of asset.
func (e statementEnds) show() (opening, closing []wire.AssetBalance) {
	opening, closing = make([]wire.AssetBalance, 0, len(e)), make([]wire.AssetBalance, 0, len(e))
	for _, asset := range slices.Sorted(maps.Keys(e)) {
		opening = append(opening, wire.AssetBalance{Asset: asset, Balance: e[asset][0].String()})
		closing = append(closing, wire.AssetBalance{Asset: asset, Balance: e[asset][1].String()})
	}
	return opening, closing
}

// start is the place before the first line of the page.
func (f *statementFilter) start() place {
	if f.resume != nil {
		return f.resume.After
	}
	return f.after
}

// begin sets the ends of the statement, and gives the totals just before the first line of the page. What the mark of
// the page before carries is not read again.
func (s *snapshot) begin(page *statement, id int64, debit bool, f *statementFilter, h horizon) (running map[string]totals, err error) {
	if f.resume != nil && f.resume.Running != nil && f.resume.Ends != nil {
		page.ends = f.resume.Ends
		running = make(map[string]totals, len(f.resume.Running))
		for asset, t := range f.resume.Running {
			running[asset] = totals{debits: t[0], credits: t[1]}
		}
		return running, nil
	}
	opening, err := s.accountStanding(id, f.after, h)
	if err != nil {
		return nil, err
	}
	closing, err := s.accountStanding(id, f.upTo, h)
	if err != nil {
		return nil, err
	}
	page.ends = endsOf(opening, closing, debit, f.asset)
	if f.resume == nil {
		return opening, nil
	}
	return s.accountStanding(id, f.resume.After, h)
}

// accountStanding is standing for one account, an asset each. What never moved is missing.
func (s *snapshot) accountStanding(id int64, at place, h horizon) (map[string]totals, error) {
	standing := make(map[string]totals)
	if at == beginning() {
		return standing, nil
	}
	found, err := s.standing([]int64{id}, at, h)
	for at, t := range found {
		if !t.isZero() {
			standing[at.asset] = t
		}
	}
	return standing, err
}

func endsOf(opening, closing map[string]totals, debit bool, asset string) statementEnds {
	ends := make(statementEnds, len(closing))
	add := func(of string) {
		ends[of] = [2]money.Signed{
			normal(debit, opening[of].debits, opening[of].credits), normal(debit, closing[of].debits, closing[of].credits),
		}
	}
	if asset != "" {
		add(asset)
		return ends
	}
	for of := range opening {
		add(of)
	}
	for of := range closing {
		add(of)
	}
	return ends
}
