// Package effective is the form that effective times have in SQL. Projections write it, queries read it.
//
// A time is two integers: days since 1970-01-01 (negative before) and nanoseconds since midnight UTC. They sort as the
// times do. Nanoseconds since 1970 in one integer would only reach from 1677 to 2262.
package effective

import "time"

// LastNano is the last nanosecond of a day.
const LastNano = int64(24*time.Hour) - 1

const secondsADay = 24 * 60 * 60

// Split gives the day and the nanosecond of a time.
func Split(t time.Time) (day, nanos int64) {
	seconds := t.Unix()
	day = seconds / secondsADay
	if seconds%secondsADay < 0 { // division rounds toward 1970
		day--
	}
	return day, (seconds-day*secondsADay)*int64(time.Second) + int64(t.Nanosecond())
}

// Join is the inverse of [Split]. The time is in UTC.
func Join(day, nanos int64) time.Time { return time.Unix(day*secondsADay, nanos).UTC() }
