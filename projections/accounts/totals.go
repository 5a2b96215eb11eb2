package accounts

import (
	"cmp"
	"fmt"
	"slices"
	"unique"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

const (
	totalsKept     = 1 << 18
	totalsDeferred = 1 << 16
	readRows       = 100
)

// totals are the balances. Each that a batch changes is written once, however often it changes; where deferring is set,
// once in many batches.
type totals struct {
	cache  *cache.Cache[key, *total]
	assets cache.Handles[money.Asset]
	unread []*total
	read   string
	rows   views.Buffer
	// changed are those that are not written yet.
	changed   []*total
	deferring bool
}

type key struct {
	accountID int64
	asset     unique.Handle[money.Asset]
}

type total struct {
	key

	posted, pending ledger.Totals

	// Where unread, what its row has is not part of it yet.
	unread, changed bool
}

func newTotals(generation int64) *totals {
	table := balances()
	return &totals{
		cache: cache.New[key, *total](totalsKept),
		read: "SELECT account_id, asset, debits, credits, pending_debits, pending_credits FROM " + table.Of(generation) +
			" WHERE account_id IN " + views.In(readRows),
		rows: views.Buffer{Bulk: views.Replace(table.Of(generation), table.Names())},
	}
}

// apply adds the entries of a batch, and what holds set aside and released, to the balances. The accounts in opened have
// none yet.
func (t *totals) apply(tx *views.Tx, events []projector.Event, moved []movement, opened map[int64]bool) error {
	if len(t.changed) == 0 {
		t.cache.Turn()
	}
	for i := range events {
		posted, ok := events[i].Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		for j := range posted.Entries {
			entry := &posted.Entries[j]
			one := t.change(key{events[i].Accounts[j], t.assets.Of(entry.Asset)}, opened)
			if !add(&one.posted, entry.Side, entry.Amount) {
				return projector.Fail(&events[i], projector.ErrTotal)
			}
		}
	}
	for i := range moved {
		t.change(moved[i].key, opened)
	}
	if err := t.load(tx); err != nil {
		return err
	}
	for i := range moved {
		m := &moved[i]
		one, move := t.change(m.key, opened), add
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
	t.unread = t.unread[:0]
	t.forgetChanges()
	t.rows.Reset()
}

func (t *totals) forgetChanges() {
	clear(t.changed) // not to keep alive what the cache forgets
	t.changed = t.changed[:0]
}

// change gives a balance that is going to be changed.
func (t *totals) change(at key, opened map[int64]bool) *total {
	one, found := t.cache.Get(at)
	if !found {
		one = &total{key: at, unread: !opened[at.accountID]}
		t.cache.Put(at, one)
		if one.unread {
			t.unread = append(t.unread, one)
		}
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

// load adds what the rows have to the balances that were not known.
func (t *totals) load(tx *views.Tx) error {
	accounts := make(map[int64]bool)
	var args []any
	for _, one := range t.unread {
		if !accounts[one.accountID] {
			accounts[one.accountID] = true
			args = append(args, one.accountID)
		}
	}
	for len(args)%readRows != 0 { // one text for all, so that it stays prepared
		args = append(args, nil)
	}
	for part := range slices.Chunk(args, readRows) {
		if err := tx.Query(t.read, part, t.remember); err != nil {
			return err
		}
	}
	for _, one := range t.unread {
		one.unread = false // also where there was no row
	}
	t.unread = t.unread[:0]
	return nil
}

// remember takes over a row of an account that the batch is about.
func (t *totals) remember(rows *sqlx.Rows) error {
	var asset money.Asset
	var row total
	err := rows.Scan(&row.accountID, &asset, &row.posted.Debits, &row.posted.Credits, &row.pending.Debits, &row.pending.Credits)
	if err != nil {
		return fmt.Errorf("read a balance: %w", err)
	}
	row.asset = unique.Make(asset)
	one, found := t.cache.Get(row.key)
	switch {
	case !found:
		t.cache.Put(row.key, &row)
	case one.unread:
		one.pending = row.pending
		if !add(&one.posted, ledger.Debit, row.posted.Debits) || !add(&one.posted, ledger.Credit, row.posted.Credits) {
			return projector.ErrTotal
		}
	}
	return nil
}

func (t *totals) store(tx *views.Tx) error {
	defer t.forgetChanges()
	slices.SortFunc(t.changed, func(a, b *total) int { // in the order of the table, whose pages are then met once
		return cmp.Or(cmp.Compare(a.accountID, b.accountID), cmp.Compare(a.asset.Value(), b.asset.Value()))
	})
	for _, one := range t.changed {
		one.changed = false
		t.rows.Values = append(t.rows.Values, one.accountID, string(one.asset.Value()),
			projector.Amount(one.posted.Debits), projector.Amount(one.posted.Credits),
			projector.Amount(one.pending.Debits), projector.Amount(one.pending.Credits))
		if err := t.rows.Spill(tx); err != nil {
			return err
		}
	}
	return t.rows.Flush(tx)
}
