package ledger

import (
	"errors"
	"fmt"
	"time"
)

// Day is a calendar day in UTC: days since 1970-01-01, negative before. Those that have a form in text are in the years
// 1 to 9999.
type Day int64

const (
	dayForm    = time.DateOnly
	daySeconds = 24 * 60 * 60

	firstDay Day = -719162 // 0001-01-01
	lastDay  Day = 2932896 // 9999-12-31
)

var errDay = errors.New(`want a day of the years 1 to 9999, such as "2026-01-31"`)

// ParseDay reads a day as String writes it, and nothing else.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayForm, s)
	if err != nil || t.Year() < 1 {
		return 0, fmt.Errorf("day %q: %w", s, errDay)
	}
	return DayOf(t), nil
}

// DayOf gives the day, in UTC, that a time is in.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	day := seconds / daySeconds
	if seconds%daySeconds < 0 {
		day-- // division rounds towards zero, and a day starts at its beginning
	}
	return Day(day)
}

// String is the day as YYYY-MM-DD.
func (d Day) String() string { return d.Start().Format(dayForm) }

// Start is the first moment of the day, midnight UTC.
func (d Day) Start() time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

// End is the last moment of the day that a time can tell, a nanosecond before the next one starts.
func (d Day) End() time.Time { return (d + 1).Start().Add(-1) }
