package accounts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

const (
	totalsKept = 1 << 17
	readRows   = 100
)

// totals are the balances. Each that a batch changes is written once, however often it changes.
type totals struct {
	cache *cache.Cache[key, *total]
	read  string
	write views.Bulk
	// values is what is written, kept from batch to batch for its memory.
	values []any
}

type key struct {
	accountID int64
	asset     money.Asset
}

type total struct {
	key
	ledger.Totals

	changed bool
}

func newTotals(generation int64) *totals {
	table := balances()
	return &totals{
		cache: cache.New[key, *total](totalsKept),
		read: "SELECT account_id, asset, debits, credits FROM " + table.Of(generation) +
			" WHERE account_id IN " + views.In(readRows),
		write: views.Upsert(table.Of(generation), table.Names(), table.Key),
	}
}

// apply adds the entries of a batch to the balances. The accounts in opened have none yet.
func (t *totals) apply(tx *views.Tx, events []projector.Event, opened map[int64]bool) error {
	t.cache.Turn()
	if err := t.load(tx, events, opened); err != nil {
		return err
	}
	var changed []*total
	for i := range events {
		posted, ok := events[i].Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		for j := range posted.Entries {
			entry := &posted.Entries[j]
			one, found := t.cache.Get(key{events[i].Accounts[j], entry.Asset})
			if !found {
				one = t.fresh(events[i].Accounts[j], entry.Asset)
			}
			if err := projector.Add(&one.Totals, entry); err != nil {
				return projector.Fail(&events[i], err)
			}
			if !one.changed {
				one.changed = true
				changed = append(changed, one)
			}
		}
	}
	return t.store(tx, changed)
}

func (t *totals) fresh(accountID int64, asset money.Asset) *total {
	one := &total{key: key{accountID, money.Asset(strings.Clone(string(asset)))}}
	t.cache.Put(one.key, one)
	return one
}

// load reads the rows of all accounts in the batch that are not known.
func (t *totals) load(tx *views.Tx, events []projector.Event, opened map[int64]bool) error {
	var missing []any
	asked := make(map[int64]bool)
	for i := range events {
		posted, ok := events[i].Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		for j, id := range events[i].Accounts {
			if _, found := t.cache.Get(key{id, posted.Entries[j].Asset}); !found && !opened[id] && !asked[id] {
				asked[id] = true
				missing = append(missing, id)
			}
		}
	}
	for len(missing)%readRows != 0 { // one text for all, so that it stays prepared
		missing = append(missing, nil)
	}
	for part := range slices.Chunk(missing, readRows) {
		if err := tx.Query(t.read, part, t.remember); err != nil {
			return err
		}
	}
	return nil
}

func (t *totals) remember(rows *sqlx.Rows) error {
	one := &total{}
	if err := rows.Scan(&one.accountID, &one.asset, &one.Debits, &one.Credits); err != nil {
		return fmt.Errorf("read a balance: %w", err)
	}
	if _, found := t.cache.Get(one.key); !found {
		t.cache.Put(one.key, one)
	}
	return nil
}

func (t *totals) store(tx *views.Tx, changed []*total) error {
	slices.SortFunc(changed, func(a, b *total) int { // in the order of the table, whose pages are then met once
		return cmp.Or(cmp.Compare(a.accountID, b.accountID), cmp.Compare(a.asset, b.asset))
	})
	t.values = t.values[:0]
	for _, one := range changed {
		one.changed = false
		t.values = append(t.values, one.accountID, string(one.asset), one.Debits.String(), one.Credits.String(), "0", "0")
	}
	err := t.write.Write(tx, t.values)
	clear(t.values)
	return err
}
