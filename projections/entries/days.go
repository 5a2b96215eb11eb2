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

const tailsKept = 1 << 17

// days are the closings. Each that a batch changes is written once. The last one of each account and asset is
// remembered, because nearly every entry falls on its day or after it.
type days struct {
	tails *cache.Cache[key, closing]
	// from reads the closings of an account and asset from the last one before a day.
	from   string
	write  views.Bulk
	values []any
}

type key struct {
	accountID int64
	asset     money.Asset
}

// closing is the totals at the end of a day.
type closing struct {
	day int64
	ledger.Totals
}

// noDay is before all days: the tail of what has no closing.
const noDay = math.MinInt64

func newDays(generation int64) *days {
	table := closings()
	return &days{
		tails: cache.New[key, closing](tailsKept),
		from: "SELECT day, debits, credits FROM " + table.Of(generation) + ` WHERE account_id = ? AND asset = ? AND day >=
			coalesce((SELECT max(day) FROM ` + table.Of(generation) + ` WHERE account_id = ? AND asset = ? AND day <= ?), ?)
			ORDER BY day`,
		write: views.Upsert(table.Of(generation), table.Names(), table.Key),
	}
}

// apply adds lines to the closings. They are in the order of account and day. The accounts in opened have none yet.
func (d *days) apply(tx *views.Tx, lines []line, opened map[int64]bool) error {
	d.tails.Turn()
	d.values = d.values[:0]
	defer func() { clear(d.values) }()
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].accountID == lines[0].accountID {
			n++
		}
		if err := d.account(tx, lines[:n], opened[lines[0].accountID]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return d.write.Write(tx, d.values)
}

// account adds the lines of one account, asset by asset.
func (d *days) account(tx *views.Tx, lines []line, opened bool) error {
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.entry.Asset, b.entry.Asset) })
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].entry.Asset == lines[0].entry.Asset {
			n++
		}
		if err := d.asset(tx, lines[:n], opened); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// asset adds the lines of one account and asset, which are in the order of days, and notes the closings to be written.
func (d *days) asset(tx *views.Tx, lines []line, opened bool) error {
	at := key{lines[0].accountID, lines[0].entry.Asset}
	known, found := d.tails.Get(at)
	if !found {
		at.asset = money.Asset(strings.Clone(string(at.asset))) // it becomes the key of what is remembered
		known.day = noDay
	}
	standing := []closing{known}
	if !found && !opened || lines[0].day < known.day {
		var err error
		if standing, err = d.read(tx, at, lines[0].day); err != nil {
			return err
		}
	}
	changed, err := merge(standing, lines)
	if err != nil {
		return err
	}
	for _, c := range changed {
		d.values = append(d.values, at.accountID, string(at.asset), c.day, c.Debits.String(), c.Credits.String())
	}
	d.tails.Put(at, changed[len(changed)-1])
	return nil
}

func (d *days) read(tx *views.Tx, at key, day int64) ([]closing, error) {
	standing := []closing{{day: noDay}}
	asset := string(at.asset)
	err := tx.Query(d.from, []any{at.accountID, asset, at.accountID, asset, day, day}, func(rows *sqlx.Rows) error {
		var c closing
		if err := rows.Scan(&c.day, &c.Debits, &c.Credits); err != nil {
			return fmt.Errorf("read a closing: %w", err)
		}
		standing = append(standing, c)
		return nil
	})
	return standing, err
}

// merge gives the closings that the lines change or add, from the first line's day to the end. The standing ones begin
// with one at or before that day, if only noDay.
func merge(standing []closing, lines []line) ([]closing, error) {
	var changed []closing
	var added ledger.Totals // by the lines so far
	next := 0               // the first of standing that is after the day reached
	for len(lines) > 0 || next < len(standing) {
		day := int64(math.MaxInt64)
		if len(lines) > 0 {
			day = lines[0].day
		}
		if next < len(standing) && standing[next].day < day {
			day = standing[next].day
		}
		for next < len(standing) && standing[next].day <= day {
			next++
		}
		touched := !added.Debits.IsZero() || !added.Credits.IsZero()
		for ; len(lines) > 0 && lines[0].day == day; lines = lines[1:] {
			touched = true
			if err := projector.Add(&added, lines[0].entry); err != nil {
				return nil, projector.Fail(lines[0].event, err)
			}
		}
		if !touched {
			continue
		}
		debits, ok := standing[next-1].Debits.Add(added.Debits)
		credits, fits := standing[next-1].Credits.Add(added.Credits)
		if !ok || !fits {
			return nil, projector.ErrTotal
		}
		changed = append(changed, closing{day, ledger.Totals{Debits: debits, Credits: credits}})
	}
	return changed, nil
}
