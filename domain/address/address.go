// Package address has the names of accounts, and the patterns that stand for many of them.
//
// It knows nothing of ledgers, charts or SQL, does no I/O and imports the standard library alone. Addresses come in as
// text, from clients and from the log, and go through [Parse] once; an [Address] is taken as valid from there on.
package address

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address names an account inside its ledger: segments joined by ':', such as "users:alice:wallet". Letter case,
// spaces inside segments and every other character count. Make one with [Parse]; the zero value is no address.
type Address string

// MaxBytes is how long an address may be.
const MaxBytes = 512

// Separator stands between the segments of an address.
const Separator = ":"

// What is wrong with a text that is not an address.
var (
	errEmpty   = errors.New("it is empty")
	errTooLong = errors.New("it is longer than 512 bytes")
	errUTF8    = errors.New("it is not valid UTF-8")
	errSegment = errors.New("a segment between the colons is empty")
	errControl = errors.New("it has a control character")
	errSpace   = errors.New("a segment starts or ends with a space")
)

// Parse reads an address: at most [MaxBytes] bytes of UTF-8, in segments joined by ':' that are not empty, have no
// control character, and do not start or end with a space.
func Parse(s string) (Address, error) {
	if err := check(s); err != nil {
		return "", fmt.Errorf("address %s: %w", quoted(s), err)
	}
	return Address(s), nil
}

// Segments yields the parts between the colons, from the left.
func (a Address) Segments() iter.Seq[string] { return strings.SplitSeq(string(a), Separator) }

// Depth is the number of segments.
func (a Address) Depth() int { return strings.Count(string(a), Separator) + 1 }

// Prefix gives the address of the first n segments, or all of it where it has no more: what accounts are grouped by.
func (a Address) Prefix(n int) Address {
	for i := range len(a) {
		if a[i] != Separator[0] {
			continue
		}
		if n--; n <= 0 {
			return a[:i]
		}
	}
	return a
}

// check takes one pass over plain ASCII, which nearly all addresses are, and leaves the rest to checkUnicode.
func check(s string) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > MaxBytes:
		return errTooLong
	}
	previous := byte(':') // as if a segment had just ended
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			return checkUnicode(s)
		case c < ' ' || c == 0x7f:
			return errControl
		case c == ':' && previous == ':':
			return errSegment
		case c == ' ' && previous == ':', c == ':' && previous == ' ':
			return errSpace
		}
		previous = c
	}
	switch previous {
	case ':':
		return errSegment
	case ' ':
		return errSpace
	}
	return nil
}

func checkUnicode(s string) error {
	if !utf8.ValidString(s) {
		return errUTF8
	}
	for segment := range strings.SplitSeq(s, Separator) {
		if segment == "" {
			return errSegment
		}
		if strings.ContainsFunc(segment, unicode.IsControl) {
			return errControl
		}
		if strings.TrimFunc(segment, unicode.IsSpace) != segment {
			return errSpace
		}
	}
	return nil
}

// quoted is s for a message, cut short where it is long: what is refused comes from anybody.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
