package journal

import (
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Limits of the metadata that tags become; a tag that does not fit is left out, as other comments are.
const (
	maxTags     = 60
	maxTagName  = 128
	maxTagValue = 2048
)

// convertAll turns balanced entries into transactions in whole units.
func convertAll(entries []*entry, scales map[string]int, options Options, problems *problems) *Journal {
	journal := &Journal{}
	assets := &assets{scales: scales, names: map[string]string{}, owners: map[string]string{}}
	for _, e := range entries {
		parts, err := e.convert(options, assets)
		problems.add(err)
		if err == nil && len(parts) == 0 {
			journal.PassedOver++
		}
		journal.Transactions = append(journal.Transactions, parts...)
	}
	return journal
}

// convert makes an entry's transactions: one for each day on which some of its postings count, the entry's own first.
func (e *entry) convert(options Options, assets *assets) ([]Transaction, *Error) {
	days := []time.Time{e.date}
	byDay := map[time.Time][]Entry{}
	for _, p := range e.postings {
		switch {
		case p.kind != realPosting && options.Real:
			continue
		case p.kind == freeVirtual:
			return nil, p.at.errorf("(%s) is a virtual posting that nothing balances: --real leaves virtual postings out",
				p.account)
		}
		entries, err := p.entries(assets)
		if err != nil {
			return nil, p.at.errorf("%v", err)
		}
		day := p.countsOn(e)
		if _, known := byDay[day]; !known && !day.Equal(e.date) {
			days = append(days, day)
		}
		byDay[day] = append(byDay[day], entries...)
	}
	var parts []Transaction
	for _, day := range days {
		if len(byDay[day]) == 0 {
			continue
		}
		parts = append(parts, Transaction{
			File: e.at.file, Line: e.at.line, Index: e.index, Part: len(parts) + 1, Date: day,
			Description: e.description, Metadata: e.metadata(), Entries: balanced(byDay[day], e.at.line),
		})
	}
	return parts, nil
}

// entries are the posting's amounts in whole units; zeros are dropped.
func (p *posting) entries(assets *assets) ([]Entry, error) {
	var entries []Entry
	for _, a := range p.amounts.nonZero() {
		asset, err := assets.name(a.commodity)
		if err != nil {
			return nil, err
		}
		scale := assets.scales[a.commodity]
		units, exact := a.quantity.whole(scale)
		if !exact {
			return nil, fmt.Errorf("the amount inferred for %s is %s, but amounts of %s have %d decimals in this journal:"+
				" write the amount", p.account, a, a.commodity, scale)
		}
		if units.BitLen() > 128 {
			return nil, fmt.Errorf("the amount of %s for %s is too large: it passes 2^128 - 1 units", a, p.account)
		}
		entries = append(entries, Entry{Account: p.account, Asset: asset, Amount: units, Line: p.at.line})
	}
	return entries, nil
}

// balanced adds what the entries leave over in each asset, the other way round, to [ConversionAccount].
func balanced(entries []Entry, line int) []Entry {
	var order []string
	sums := map[string]*big.Int{}
	for _, one := range entries {
		if sums[one.Asset] == nil {
			sums[one.Asset] = new(big.Int)
			order = append(order, one.Asset)
		}
		sums[one.Asset].Add(sums[one.Asset], one.Amount)
	}
	for _, asset := range order {
		if sums[asset].Sign() != 0 {
			entries = append(entries, Entry{ConversionAccount, asset, sums[asset].Neg(sums[asset]), line})
		}
	}
	return entries
}

// metadata has the code, the status and the tags. A name that comes again with another value is numbered: "receipt",
// "receipt-2".
func (e *entry) metadata() map[string]string {
	metadata := map[string]string{}
	if e.code != "" {
		metadata["code"] = e.code
	}
	if e.status != "" {
		metadata["status"] = e.status
	}
	for _, t := range e.tags {
		if len(t.name) > maxTagName || len(t.value) > maxTagValue || len(metadata) >= maxTags {
			continue
		}
		name := t.name
		for n := 2; ; n++ {
			value, taken := metadata[name]
			if !taken || value == t.value {
				break
			}
			name = t.name + "-" + strconv.Itoa(n)
		}
		metadata[name] = t.value
	}
	return metadata
}
