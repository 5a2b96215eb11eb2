package queries

import (
	"cmp"
	"database/sql"
	"math"
	"time"

	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// place is a point in the effective order of entries, and stands for everything up to it, itself included. Its zero
// value is not special; see beginning and end.
type place struct {
	Day         int64 `json:"d"`
	Nanos       int64 `json:"n"`
	Transaction int64 `json:"t"`
	Index       int64 `json:"i"`
}

// endOf is the place after all entries that are effective at an instant.
func endOf(day, nanos int64) place {
	return place{Day: day, Nanos: nanos, Transaction: math.MaxInt64, Index: math.MaxInt64}
}

// beginning and end are the places before and after all entries. Days stay far from the ends of the integers, so that
// one can be added or taken away.
func beginning() place { return endOf(math.MinInt64/2, effective.LastNano) }
func end() place       { return endOf(math.MaxInt64/2, effective.LastNano) }

// upTo is the place after a moment: of an instant its own, of a date the end of its day.
func upTo(m httpx.Moment) place {
	day, nanos := effective.Split(m.Time)
	if m.Date {
		nanos = effective.LastNano
	}
	return endOf(day, nanos)
}

// before is the place before all entries that are effective at a moment or later.
func before(m httpx.Moment) place {
	day, nanos := effective.Split(m.Time)
	if nanos == 0 {
		return endOf(day-1, effective.LastNano)
	}
	return endOf(day, nanos-1)
}

// earlier is the one of two places, each after all entries of an instant, that comes first.
func earlier(a, b place) place {
	if cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Nanos, b.Nanos)) <= 0 {
		return a
	}
	return b
}

// wholeDays tells whether the place is the end of a day, so that closings alone say what stood then.
func (p place) wholeDays() bool {
	return p.Nanos == effective.LastNano && p.Transaction == math.MaxInt64
}

// joinOptional is nil where there is no time.
func joinOptional(day, nanos sql.NullInt64) *time.Time {
	if !day.Valid {
		return nil
	}
	t := effective.Join(day.Int64, nanos.Int64)
	return &t
}

// dateOf writes a day as clients see it.
func dateOf(day int64) string { return effective.Join(day, 0).Format(time.DateOnly) }
