package entries

import (
	"cmp"
	"fmt"
	"math"
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
	chainsKept = 1 << 17
	// markEvery is how many entries of a chain there are to a mark. Whoever reads a balance at an instant walks up to
	// twice as many; whoever writes pays for two index entries each time.
	markEvery = 64
)

// chains are the ends of the chains of entries, with the closings that a batch changes. Each closing is written once.
type chains struct {
	heads *cache.Cache[key, *chain]
	// opened are the accounts that the batch opens, which have no closings before it.
	opened map[int64]bool
	// changed are the chains that the batch is about, values the rows that come of it.
	changed []*chain
	values  []any

	readHead, readFrom string
	upsert             views.Bulk
}

type key struct {
	accountID int64
	asset     money.Asset
}

// chain is the end of a chain: its last closing, which is of the day of its last entry. A late entry is never after that.
type chain struct {
	key
	closing

	// before are the closings of earlier days that the batch changes, delayed the late entries that it brings.
	before  []closing
	delayed []lateEntry
	// listed says that chains.changed has it.
	listed bool
}

type lateEntry struct {
	day   int64
	entry *ledger.Entry
	event *projector.Event
}

func newChains(generation int64) *chains {
	table := closings()
	of, columns := table.Of(generation), strings.Join(table.Names()[2:], ", ")
	const ofOne = " WHERE account_id = ? AND asset = ?"
	return &chains{
		heads:    cache.New[key, *chain](chainsKept),
		opened:   make(map[int64]bool),
		readHead: "SELECT " + columns + " FROM " + of + ofOne + " ORDER BY day DESC LIMIT 1",
		readFrom: "SELECT " + columns + " FROM " + of + ofOne + ` AND day >=
			coalesce((SELECT max(day) FROM ` + of + ofOne + ` AND day <= ?), ?) AND day < ? ORDER BY day`,
		upsert: views.Upsert(of, table.Names(), table.Key),
	}
}

func (s *chains) begin() {
	s.heads.Turn()
	clear(s.opened)
	s.changed = s.changed[:0]
}

func (s *chains) reset() { s.heads.Clear() }

// of gives the chain of an account and asset, which the batch is about from now on.
func (s *chains) of(tx *views.Tx, at key) (*chain, error) {
	c, found := s.heads.Get(at)
	if !found {
		c = &chain{key: at, closing: closing{day: noDay}}
		c.asset = money.Asset(strings.Clone(string(at.asset))) // it is remembered longer than the event
		if !s.opened[at.accountID] {
			if err := s.read(tx, s.readHead, c.args(), func(head *closing) { c.closing = *head }); err != nil {
				return nil, err
			}
		}
		s.heads.Put(c.key, c)
	}
	if !c.listed {
		c.listed = true
		s.changed = append(s.changed, c)
	}
	return c, nil
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

// write stores the closings that the batch has changed.
func (s *chains) write(tx *views.Tx) error {
	slices.SortFunc(s.changed, func(a, b *chain) int { // in the order of the table, whose pages are then met once
		return cmp.Or(cmp.Compare(a.accountID, b.accountID), cmp.Compare(a.asset, b.asset))
	})
	s.values = s.values[:0]
	defer func() {
		clear(s.values)
		clear(s.changed)
	}()
	for _, c := range s.changed {
		if len(c.delayed) > 0 {
			if err := s.settle(tx, c); err != nil {
				return err
			}
		}
		s.values = c.settled(s.values)
	}
	return s.upsert.Write(tx, s.values)
}

// settle adds a chain's late entries to the closings of their days and of all days after.
func (s *chains) settle(tx *views.Tx, c *chain) error {
	slices.SortStableFunc(c.delayed, func(a, b lateEntry) int { return cmp.Compare(a.day, b.day) })
	since := c.delayed[0].day
	standing := []closing{{day: noDay}}
	c.before = append(c.before, c.closing)
	if earliest := c.before[0].day; since < earliest {
		args := append(append(c.args(), c.args()...), since, since, earliest)
		err := s.read(tx, s.readFrom, args, func(c *closing) { standing = append(standing, *c) })
		if err != nil {
			return err
		}
	}
	all, err := spread(append(standing, c.before...), c.delayed)
	if err != nil {
		return err
	}
	c.before, c.closing = all[:len(all)-1], all[len(all)-1]
	return nil
}

// after tells whether the chain's last entry is effective after a time, so that an entry of that time is late.
func (c *chain) after(day, nanos int64) bool {
	return day < c.day || day == c.day && nanos < c.nanos
}

// add makes an entry the chain's last.
func (c *chain) add(id, day, nanos int64, entry *ledger.Entry) error {
	if day > c.day {
		if c.changed {
			c.before = append(c.before, c.closing)
		}
		c.day = day
	}
	c.changed, c.last, c.nanos = true, id, nanos
	c.place++
	return projector.Add(&c.all, entry)
}

// mark gives the columns that only a mark has: the totals of the chain, of which late entries are no part.
func (c *chain) mark() []any {
	if c.place%markEvery != 0 {
		return []any{nil, nil}
	}
	debits, _ := c.all.Debits.Sub(c.late.Debits)
	credits, _ := c.all.Credits.Sub(c.late.Credits)
	return []any{debits.String(), credits.String()}
}

// settled appends the rows of the closings that have changed, and makes the chain ready for the next batch.
func (c *chain) settled(values []any) []any {
	for i := range c.before {
		values = c.before[i].row(values, c.key)
	}
	values = c.row(values, c.key)
	c.before, c.delayed = nil, nil
	c.changed, c.listed = false, false
	return values
}

func (c *chain) args() []any { return []any{c.accountID, string(c.asset)} }

// noDay is before all days: that of the closing that is before the first.
const noDay = math.MinInt64
