package httpx

import (
	"errors"
	"time"
)

// Moment is a time as clients give it: an instant, or a date that stands for its midnight UTC (or, where a range ends
// with it, for the whole of the day: the handler decides).
type Moment struct {
	Time time.Time // in UTC
	Date bool
}

var errMoment = errors.New("want a time like 2026-01-31T12:00:00Z (RFC 3339, up to nanoseconds) or a date like 2026-01-31, " +
	"in the years 1 to 9999")

// longestMoment is the length of "2006-01-02T15:04:05.999999999-07:00".
const longestMoment = 35

// ParseMoment reads an RFC 3339 time, in any offset and with at most nine digits of a second's fraction, or a date.
func ParseMoment(s string) (Moment, error) {
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 1 {
			return Moment{}, errMoment
		}
		return Moment{Time: t, Date: true}, nil
	}
	if !strictRFC3339(s) {
		return Moment{}, errMoment
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return Moment{}, errMoment
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return Moment{}, errMoment
	}
	return Moment{Time: t}, nil
}

// strictRFC3339 refuses what time.Parse lets pass: one-digit hours, commas, more digits than nanoseconds have, offsets
// beyond a day.
func strictRFC3339(s string) bool {
	const seconds = len("2006-01-02T15:04:05")
	if len(s) <= seconds || len(s) > longestMoment || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false
	}
	rest := s[seconds:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n < 2 || n > 10 {
			return false
		}
		rest = rest[n:]
	}
	if rest == "Z" {
		return true
	}
	return len(rest) == len("+07:00") && rest[1:3] <= "23" && rest[4:6] <= "59"
}
