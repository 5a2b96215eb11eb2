package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errNoYear = errors.New("the date has no year, and no Y directive gives one")

// scanDate takes a date off the front of s: year, month and day with one kind of separator (- / .), or month and day
// where a default year (not 0) is known.
func scanDate(s string, defaultYear int) (time.Time, string, error) {
	end := 0
	for end < len(s) && (isDigit(rune(s[end])) || strings.IndexByte("-/.", s[end]) >= 0) {
		end++
	}
	date, err := readDate(s[:end], defaultYear)
	return date, s[end:], err
}

func readDate(s string, defaultYear int) (time.Time, error) {
	at := strings.IndexAny(s, "-/.")
	if at < 0 {
		return time.Time{}, fmt.Errorf("%q is not a date", s)
	}
	parts := strings.Split(s, s[at:at+1])
	if len(parts) == 2 && !strings.ContainsAny(parts[1], "-/.") {
		if defaultYear == 0 {
			return time.Time{}, errNoYear
		}
		parts = append([]string{fmt.Sprintf("%04d", defaultYear)}, parts...)
	}
	if len(parts) != 3 || len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 {
		return time.Time{}, fmt.Errorf("%q is not a date", s)
	}
	var numbers [3]int
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not a date", s)
		}
		numbers[i] = int(n)
	}
	date := time.Date(numbers[0], time.Month(numbers[1]), numbers[2], 0, 0, 0, 0, time.UTC)
	if date.Year() != numbers[0] || date.Month() != time.Month(numbers[1]) || date.Day() != numbers[2] || numbers[0] == 0 {
		return time.Time{}, fmt.Errorf("%q is not a day of the calendar", s)
	}
	return date, nil
}

// readYear reads the year of a Y directive: four digits.
func readYear(s string) (int, error) {
	if len(s) != 4 {
		return 0, fmt.Errorf("%q is not a year of four digits", s)
	}
	year, err := strconv.ParseUint(s, 10, 16)
	if err != nil || year == 0 {
		return 0, fmt.Errorf("%q is not a year of four digits", s)
	}
	return int(year), nil
}
