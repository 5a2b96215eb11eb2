package linear_test

import (
	"fmt"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

// The requests about accounts, their chart, and what is noted of accounts and transactions.
type (
	openAccount struct {
		account int
		limits  int // which of the own limits
		note    string
	}
	closeAccount    struct{ account int }
	reopenAccount   struct{ account int }
	noteAccount     struct{ account, key, value int }
	noteTransaction struct{ id, key, value int }
	replaceChart    struct{ chart int }
)

var ownLimits = []limits{{}, {min: new(-10)}, {min: new(5)}, {max: new(90)}, {min: new(80)}}

func (o openAccount) unit(heard) commands.Unit {
	c := ledger.OpenAccount{Address: purse(o.account), Limits: ownLimits[o.limits].domain()}
	if o.note != "" {
		c.Metadata = ledger.Metadata{noteKeys[0]: o.note}
	}
	return one(c)
}

func (c closeAccount) unit(heard) commands.Unit {
	return one(ledger.CloseAccount{Address: purse(c.account)})
}

func (r reopenAccount) unit(heard) commands.Unit {
	return one(ledger.ReopenAccount{Address: purse(r.account)})
}

func (r replaceChart) unit(heard) commands.Unit {
	return one(ledger.ReplaceChart{Chart: charts[r.chart].chart()})
}

func (o openAccount) step(s *plain, _ heard) told {
	after := *s
	after.accounts[o.account].own = ownLimits[o.limits]
	bounds := after.limits(s.chart, o.account)
	switch {
	case bounds.min != nil && bounds.max != nil && *bounds.min > *bounds.max:
		return no("invalid_field %s", purse(o.account))
	case s.accounts[o.account].open:
		return no("account_exists %s", purse(o.account))
	case o.account == charts[s.chart].refuses:
		return no("account_not_declared %s", purse(o.account))
	}
	s.accounts[o.account] = plainAccount{open: true, own: ownLimits[o.limits], notes: notes{o.note}}
	return s.yes("opens it")
}

func (c closeAccount) step(s *plain, _ heard) told {
	a := &s.accounts[c.account]
	switch {
	case !a.open:
		return no("account_not_found %s", purse(c.account))
	case a.closed:
		return no("account_closed %s", purse(c.account))
	case !a.empty():
		return no("account_not_empty %s", purse(c.account))
	}
	a.closed = true
	return s.yes("closed " + string(purse(c.account)))
}

func (r reopenAccount) step(s *plain, _ heard) told {
	a := &s.accounts[r.account]
	switch {
	case !a.open:
		return no("account_not_found %s", purse(r.account))
	case !a.closed:
		return no("invalid_field %s", purse(r.account))
	}
	a.closed = false
	return s.yes("reopened " + string(purse(r.account)))
}

func (r replaceChart) step(s *plain, _ heard) told {
	for account := range s.accounts {
		a, bounds := &s.accounts[account], s.limits(r.chart, account)
		switch {
		case a.empty():
		case account == charts[r.chart].refuses, account == charts[r.chart].foreign,
			bounds.min != nil && a.available() < *bounds.min, bounds.max != nil && a.highest() > *bounds.max:
			return no("chart_conflict")
		}
	}
	s.chart = r.chart
	return s.yes("another chart")
}

// notes are metadata: the values of two keys, empty for none.
type notes [2]string

var (
	noteKeys   = [len(notes{})]string{"note", "mark"}
	noteValues = []string{"", "a", "b"}
)

func notesOf(m ledger.Metadata) notes {
	var n notes
	for i, key := range noteKeys {
		n[i] = m[key]
	}
	return n
}

func (n notes) String() string { return fmt.Sprintf("%q", [len(n)]string(n)) }

// patch sets one key, or removes it where the value is the empty one.
func patch(key, value int) ledger.MetadataPatch {
	if noteValues[value] == "" {
		return ledger.MetadataPatch{noteKeys[key]: nil}
	}
	return ledger.MetadataPatch{noteKeys[key]: &noteValues[value]}
}

func (n noteAccount) unit(heard) commands.Unit {
	return one(ledger.SetAccountMetadata{Address: purse(n.account), Patch: patch(n.key, n.value)})
}

func (n noteTransaction) unit(h heard) commands.Unit {
	c := ledger.SetTransactionMetadata{Patch: patch(n.key, n.value)}
	if h.of(n.id) {
		c.ID, c.Original = uint64(n.id), h[n.id-1].Metadata
	}
	return one(c)
}

func (n noteAccount) step(s *plain, _ heard) told {
	a := &s.accounts[n.account]
	if !a.open {
		return no("account_not_found %s", purse(n.account))
	}
	a.notes[n.key] = noteValues[n.value]
	return s.yes(fmt.Sprintf("%s has %v", purse(n.account), a.notes))
}

func (n noteTransaction) step(s *plain, h heard) told {
	if !h.of(n.id) || n.id > len(s.transactions) {
		return no("transaction_not_found")
	}
	t := &s.transactions[n.id-1]
	t.notes[n.key] = noteValues[n.value]
	return s.yes(fmt.Sprintf("transaction %d has %v", n.id, t.notes))
}
