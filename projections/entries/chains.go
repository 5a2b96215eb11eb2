package entries

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unique"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

const (
	chainsKept = 1 << 18
	// headsRead is how many ends of chains are read by one statement.
	headsRead = 100
	// Of chains that have changed, and of entries that have changed them, so many are kept back at most.
	chainsDeferred = 1 << 16
	freshDeferred  = 1 << 19
	// markEvery is how many entries of a chain there are to a mark. Whoever reads a balance at an instant walks up to
	// twice as many; whoever writes pays for two index entries each time.
	markEvery = 64
)

// chains are the ends of the chains of entries, with the closings that a batch changes. Each closing is written once;
// where deferring is set, once in many batches.
type chains struct {
	heads  *cache.Cache[key, *chain]
	assets cache.Handles[money.Asset]
	// opened are the accounts that the batch opens, which have no closings before it.
	opened map[int64]bool
	// changed are the chains whose closings are not written yet, and fresh counts the entries that have come to them.
	changed   []*chain
	fresh     int
	deferring bool
	rows      views.Buffer
	// unread are the chains of a batch whose ends were not known.
	unread []*chain

	readHead, readFrom string
}

type key struct {
	accountID int64
	asset     unique.Handle[money.Asset]
}

// chain is the end of a chain: its last closing, which is of the day of its last entry. A late entry is never after that.
type chain struct {
	key
	closing

	// columns are those of the key.
	columns [2]any

	// before are closings of earlier days that are not written yet, late the late entries that are not in the closings.
	before []closing
	late   []arrival
	// listed says that chains.changed has it.
	listed bool
}

// arrival is what a chain needs to know of an entry.
type arrival struct {
	day, nanos int64
	side       ledger.Side
	amount     money.Amount
}

func newChains(generation int64) *chains {
	table := closings()
	of, columns := table.Of(generation), strings.Join(table.Names()[2:], ", ")
	const ofOne = " WHERE account_id = ? AND asset = ?"
	return &chains{
		heads:  cache.New[key, *chain](chainsKept),
		opened: make(map[int64]bool),
		readHead: "WITH wanted (account_id, asset) AS (VALUES (CAST(? AS BIGINT), CAST(? AS TEXT))" +
			strings.Repeat(", (?, ?)", headsRead-1) + ") SELECT c.account_id, c.asset, " + columns + " FROM wanted w CROSS JOIN " + of + " c " +
			"WHERE c.account_id = w.account_id AND c.asset = w.asset " +
			"AND c.day = (SELECT x.day FROM " + of + " x WHERE x.account_id = w.account_id AND x.asset = w.asset ORDER BY x.day DESC LIMIT 1)",
		readFrom: "SELECT " + columns + " FROM " + of + ofOne + ` AND day >=
			coalesce((SELECT day FROM ` + of + ofOne + ` AND day <= ? ORDER BY day DESC LIMIT 1), ?) AND day < ? ORDER BY day`,
		rows: views.Buffer{Bulk: views.Replace(of, table.Names())},
	}
}

func (s *chains) begin() {
	if len(s.changed) == 0 {
		s.heads.Turn()
	}
	clear(s.opened)
}

// end writes what the batch has changed, or puts it off.
func (s *chains) end(tx *views.Tx) error {
	if s.deferring && len(s.changed) < chainsDeferred && s.fresh < freshDeferred {
		return nil
	}
	return s.write(tx)
}

func (s *chains) reset() {
	s.heads.Clear()
	s.forgetChanges()
	s.rows.Reset()
}

func (s *chains) forgetChanges() {
	clear(s.changed) // not to keep alive what the cache forgets
	s.changed, s.fresh = s.changed[:0], 0
}

// of gives the chains that a batch adds entries to, one for each entry, in order. Those that are not known are read together,
// before anything is written, which reading would have to wait for.
func (s *chains) of(tx *views.Tx, events []projector.Event) ([]*chain, error) {
	s.unread = s.unread[:0]
	touched := make([]*chain, 0, 2*len(events)) //nolint:mnd // most transactions have two entries
	for i := range events {
		switch e := events[i].Body.(type) {
		case ledger.AccountOpened:
			s.opened[events[i].Accounts[0]] = true
		case ledger.TransactionPosted:
			for j := range e.Entries {
				touched = append(touched, s.touch(events[i].Accounts[j], e.Entries[j].Asset))
			}
		}
	}
	return touched, s.readHeads(tx)
}

// touch gives the chain of an account and asset, which is going to change.
func (s *chains) touch(accountID int64, asset money.Asset) *chain {
	at := key{accountID, s.assets.Of(asset)}
	c, found := s.heads.Get(at)
	if !found {
		c = &chain{key: at, closing: closing{day: noDay}, columns: [2]any{accountID, string(at.asset.Value())}}
		s.heads.Put(at, c)
		if !s.opened[accountID] {
			s.unread = append(s.unread, c)
		}
	}
	s.fresh++
	if !c.listed {
		c.listed = true
		s.changed = append(s.changed, c)
	}
	return c
}

// readHeads reads the ends of the chains that were not known.
func (s *chains) readHeads(tx *views.Tx) error {
	for part := range slices.Chunk(s.unread, headsRead) {
		args := make([]any, 2*headsRead) // one text for all, so that it stays prepared
		for i, c := range part {
			args[2*i], args[2*i+1] = c.columns[0], c.columns[1]
		}
		err := tx.Query(s.readHead, args, func(rows *sqlx.Rows) error {
			var accountID int64
			var asset money.Asset
			var head closing
			if err := head.scan(rows, &accountID, &asset); err != nil {
				return err
			}
			c, _ := s.heads.Get(key{accountID, s.assets.Of(asset)})
			c.closing = head
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the ends of chains: %w", err)
		}
	}
	return nil
}

func (s *chains) read(tx *views.Tx, query string, args []any, found func(*closing)) error {
	return tx.Query(query, args, func(rows *sqlx.Rows) error {
		var c closing
		if err := c.scan(rows); err != nil {
			return fmt.Errorf("read a closing: %w", err)
		}
		found(&c)
		return nil
	})
}

// write stores the closings that have changed.
func (s *chains) write(tx *views.Tx) error {
	slices.SortFunc(s.changed, func(a, b *chain) int { // in the order of the table, whose pages are then met once
		return cmp.Or(cmp.Compare(a.accountID, b.accountID), cmp.Compare(a.asset.Value(), b.asset.Value()))
	})
	defer s.forgetChanges()
	for _, c := range s.changed {
		if len(c.late) > 0 {
			if err := s.settle(tx, c); err != nil {
				return err
			}
		}
		s.rows.Values = c.settled(s.rows.Values)
		if err := s.rows.Spill(tx); err != nil {
			return err
		}
	}
	return s.rows.Flush(tx)
}

// settle adds a chain's late entries to the closings of their days and of all days after.
func (s *chains) settle(tx *views.Tx, c *chain) error {
	slices.SortStableFunc(c.late, func(a, b arrival) int { return cmp.Compare(a.day, b.day) })
	since := c.late[0].day
	standing := []closing{{day: noDay}}
	c.before = append(c.before, c.closing)
	if earliest := c.before[0].day; since < earliest {
		args := []any{c.columns[0], c.columns[1], c.columns[0], c.columns[1], since, since, earliest}
		err := s.read(tx, s.readFrom, args, func(c *closing) { standing = append(standing, *c) })
		if err != nil {
			return err
		}
	}
	all, err := spread(append(standing, c.before...), c.late)
	if err != nil {
		return err
	}
	c.before, c.closing = all[:len(all)-1], all[len(all)-1]
	return nil
}

// link appends the columns of an entry that say what place in the chain it has, if it has one.
func (c *chain) link(values []any, id int64, e arrival) ([]any, error) {
	if e.day < c.day || e.day == c.day && e.nanos < c.nanos {
		c.late = append(c.late, e)
		return append(values, nil, nil, nil, nil), nil
	}
	previous := c.last
	if e.day > c.day {
		if c.changed {
			c.before = append(c.before, c.closing)
		}
		c.day = e.day
	}
	c.changed, c.last, c.nanos = true, id, e.nanos
	c.place++
	if !e.addTo(&c.all) {
		return nil, projector.ErrTotal
	}
	values = append(values, c.place, number(previous))
	if c.place%markEvery != 0 {
		return append(values, nil, nil), nil
	}
	// Late entries are no part of the chain. Those that have just come are not in the closing yet.
	debits, _ := c.all.Debits.Sub(c.delayed.Debits)
	credits, _ := c.all.Credits.Sub(c.delayed.Credits)
	return append(values, projector.Amount(debits), projector.Amount(credits)), nil
}

// settled appends the rows of the closings that have changed, and makes the chain ready for the next batch.
func (c *chain) settled(values []any) []any {
	for i := range c.before {
		values = c.before[i].row(values, c.columns)
	}
	values = c.row(values, c.columns)
	c.before, c.late = nil, nil
	c.changed, c.listed = false, false
	return values
}

// noDay is before all days: that of the closing that is before the first.
const noDay = math.MinInt64
