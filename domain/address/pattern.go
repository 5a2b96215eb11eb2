package address

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Pattern stands for the addresses that have its form: an address in which a segment "*" stands for any one segment
// and a final "**" for one or more. "users:*" matches "users:alice" and not "users"; "users:**" matches
// "users:alice:wallet" too. Make one with [ParsePattern]; the zero value matches nothing.
type Pattern string

// The segments that are no literals.
const (
	One  = "*"  // any one segment
	Rest = "**" // one segment or more; only at the end
)

// What is wrong with a text that is an address but not a pattern.
var (
	errRest = errors.New("** may only be the last segment")
	errStar = errors.New("* stands for a whole segment and cannot be part of one")
)

// ParsePattern reads a pattern. A "*" that is only part of a segment is refused rather than taken literally: whoever
// writes "users:a*" in a chart expects it to match more than it would.
func ParsePattern(s string) (Pattern, error) {
	err := check(s)
	rest := false
	for segment := range Pattern(s).Segments() {
		switch {
		case err != nil:
		case rest:
			err = errRest
		case segment == Rest:
			rest = true
		case segment != One && strings.Contains(segment, "*"):
			err = errStar
		}
	}
	if err != nil {
		return "", fmt.Errorf("pattern %s: %w", quoted(s), err)
	}
	return Pattern(s), nil
}

// String is the pattern as it was parsed.
func (p Pattern) String() string { return string(p) }

// Segments yields the parts between the colons, from the left.
func (p Pattern) Segments() iter.Seq[string] { return strings.SplitSeq(string(p), Separator) }

// Match tells whether the pattern stands for the address.
func (p Pattern) Match(a Address) bool {
	if p == "" || a == "" {
		return false
	}
	pattern, address := string(p), string(a)
	for {
		wanted, patternTail, patternMore := strings.Cut(pattern, Separator)
		segment, addressTail, addressMore := strings.Cut(address, Separator)
		switch {
		case wanted == Rest:
			return true
		case wanted != One && wanted != segment:
			return false
		case !patternMore || !addressMore:
			return patternMore == addressMore
		}
		pattern, address = patternTail, addressTail
	}
}

// Literal is the text that every matching address starts with, up to the first "*": "users:" for "users:*:wallet",
// and all of a pattern that has none (exact is then true: it matches that one address). It bounds a scan of an index.
func (p Pattern) Literal() (prefix string, exact bool) {
	if i := strings.Index(string(p), One); i >= 0 {
		return string(p[:i]), false
	}
	return string(p), true
}

// Compare orders patterns by how specific they are: negative where p is more specific than q. Segments are compared
// from the left, a literal before "*" before "**", and what has more segments first. Of two different patterns that
// match the same address it is never zero.
func (p Pattern) Compare(q Pattern) int {
	left, right := string(p), string(q)
	for {
		pSegment, pTail, pMore := strings.Cut(left, Separator)
		qSegment, qTail, qMore := strings.Cut(right, Separator)
		if c := cmp.Compare(rank(pSegment), rank(qSegment)); c != 0 {
			return c
		}
		if !pMore || !qMore {
			return cmp.Compare(boolRank(!pMore), boolRank(!qMore))
		}
		left, right = pTail, qTail
	}
}

func rank(segment string) int {
	switch segment {
	case Rest:
		return 2
	case One:
		return 1
	default:
		return 0
	}
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
