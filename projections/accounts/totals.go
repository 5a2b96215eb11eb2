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
	totalsKept     = 1 << 17
	totalsDeferred = 1 << 16
	readRows       = 100
)

// totals are the balances. Each that a batch changes is written once, however often it changes; where deferring is set,
// once in many batches.
type totals struct {
	cache *cache.Cache[key, *total]
	read  string
	rows  views.Buffer
	// changed are those that are not written yet.
	changed   []*total
	deferring bool
}

type key struct {
	accountID int64
	asset     money.Asset
}

type total struct {
	key

	posted, pending ledger.Totals

	changed bool
}

func newTotals(generation int64) *totals {
	table := balances()
	return &totals{
		cache: cache.New[key, *total](totalsKept),
		read: "SELECT account_id, asset, debits, credits, pending_debits, pending_credits FROM " + table.Of(generation) +
			" WHERE account_id IN " + views.In(readRows),
		rows: views.Buffer{Bulk: views.Upsert(table.Of(generation), table.Names(), table.Key)},
	}
}

// apply adds the entries of a batch, and what holds set aside and released, to the balances. The accounts in opened have
// none yet.
func (t *totals) apply(tx *views.Tx, events []projector.Event, moved []movement, opened map[int64]bool) error {
	if len(t.changed) == 0 {
		t.cache.Turn()
	}
	if err := t.load(tx, events, moved, opened); err != nil {
		return err
	}
	for i := range events {
		posted, ok := events[i].Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		for j := range posted.Entries {
			entry := &posted.Entries[j]
			one := t.change(key{events[i].Accounts[j], entry.Asset})
			if !add(&one.posted, entry.Side, entry.Amount) {
				return projector.Fail(&events[i], projector.ErrTotal)
			}
		}
	}
	for i := range moved {
		m := &moved[i]
		one, move := t.change(m.key), add
		if m.release {
			move = subtract
		}
		if !move(&one.pending, m.side, m.amount) {
			return projector.Fail(m.event, projector.ErrTotal)
		}
	}
	if t.deferring && len(t.changed) < totalsDeferred {
		return nil
	}
	return t.store(tx)
}

func (t *totals) reset() {
	t.cache.Clear()
	t.forgetChanges()
	t.rows.Reset()
}

func (t *totals) forgetChanges() {
	clear(t.changed) // not to keep alive what the cache forgets
	t.changed = t.changed[:0]
}

// change gives a balance that is going to be changed.
func (t *totals) change(at key) *total {
	one, found := t.cache.Get(at)
	if !found {
		one = &total{key: key{at.accountID, money.Asset(strings.Clone(string(at.asset)))}}
		t.cache.Put(one.key, one)
	}
	if !one.changed {
		one.changed = true
		t.changed = append(t.changed, one)
	}
	return one
}

func side(of *ledger.Totals, side ledger.Side) *money.Amount {
	if side == ledger.Credit {
		return &of.Credits
	}
	return &of.Debits
}

func add(to *ledger.Totals, at ledger.Side, amount money.Amount) bool {
	total := side(to, at)
	sum, ok := total.Add(amount)
	*total = sum
	return ok
}

func subtract(from *ledger.Totals, at ledger.Side, amount money.Amount) bool {
	total := side(from, at)
	rest, ok := total.Sub(amount)
	*total = rest
	return ok
}

// load reads the rows of all accounts in the batch that are not known.
func (t *totals) load(tx *views.Tx, events []projector.Event, moved []movement, opened map[int64]bool) error {
	var missing []any
	asked := make(map[int64]bool)
	need := func(at key) {
		if _, found := t.cache.Get(at); !found && !opened[at.accountID] && !asked[at.accountID] {
			asked[at.accountID] = true
			missing = append(missing, at.accountID)
		}
	}
	for i := range events {
		if posted, ok := events[i].Body.(ledger.TransactionPosted); ok {
			for j, id := range events[i].Accounts {
				need(key{id, posted.Entries[j].Asset})
			}
		}
	}
	for i := range moved {
		need(moved[i].key)
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
	err := rows.Scan(&one.accountID, &one.asset, &one.posted.Debits, &one.posted.Credits,
		&one.pending.Debits, &one.pending.Credits)
	if err != nil {
		return fmt.Errorf("read a balance: %w", err)
	}
	if _, found := t.cache.Get(one.key); !found {
		t.cache.Put(one.key, one)
	}
	return nil
}

func (t *totals) store(tx *views.Tx) error {
	defer t.forgetChanges()
	slices.SortFunc(t.changed, func(a, b *total) int { // in the order of the table, whose pages are then met once
		return cmp.Or(cmp.Compare(a.accountID, b.accountID), cmp.Compare(a.asset, b.asset))
	})
	for _, one := range t.changed {
		one.changed = false
		t.rows.Values = append(t.rows.Values, one.accountID, string(one.asset),
			projector.Amount(one.posted.Debits), projector.Amount(one.posted.Credits),
			projector.Amount(one.pending.Debits), projector.Amount(one.pending.Credits))
		if err := t.rows.Spill(tx); err != nil {
			return err
		}
	}
	return t.rows.Flush(tx)
}
