package journal

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// amount is a quantity of a commodity, as it is written. A zero may have no commodity.
type amount struct {
	commodity string
	quantity  decimal
}

// notations is what is known of how numbers are written: what directives declared, and what numbers have shown.
type notations struct {
	// mark is the decimal mark of the file (decimal-mark), or 0.
	mark byte
	// declared has the decimal marks of commodities (commodity, D). It holds for all files that follow.
	declared map[string]byte
	// shown has the mark that a commodity's numbers used without a declaration, and where: all must use the same.
	shown map[string]shownMark
	// commodity is that of amounts without one (D); empty for none.
	commodity string
}

type shownMark struct {
	mark byte
	at   place
}

var errTwoSigns = errors.New("an amount has one sign")

// scan takes an amount off the front of s: its commodity left or right of the number, its sign before either.
func (n *notations) scan(s string, at place) (amount, string, error) {
	negative, signed, s := scanSign(s)
	symbol, rest, err := scanSymbol(s)
	if err != nil {
		return amount{}, s, err
	}
	left := rest != s
	if left {
		s = strings.TrimLeft(rest, " \t")
		again, signedAgain, after := scanSign(s)
		if signed && signedAgain {
			return amount{}, s, errTwoSigns
		}
		negative, s = negative || again, after
	}
	written, s, err := scanNumber(s)
	if err != nil {
		return amount{}, s, err
	}
	if !left {
		symbol, rest, err = scanSymbol(strings.TrimLeft(s, " \t"))
		if err != nil {
			return amount{}, s, err
		}
		if symbol != "" {
			s = rest
		} else {
			symbol = n.commodity
		}
	}
	quantity, err := n.value(written, symbol, at)
	if negative && err == nil {
		quantity = quantity.neg()
	}
	return amount{commodity: symbol, quantity: quantity}, s, err
}

// value reads a number of a commodity, and holds the commodity to one decimal mark.
func (n *notations) value(written number, commodity string, at place) (decimal, error) {
	mark := n.mark
	if mark == 0 {
		mark = n.declared[commodity]
	}
	quantity, shown, err := written.read(mark)
	if err != nil || mark != 0 || shown == 0 {
		return quantity, err
	}
	before, seen := n.shown[commodity]
	if !seen {
		n.shown[commodity] = shownMark{shown, at}
	} else if before.mark != shown {
		return quantity, fmt.Errorf("%q uses the decimal mark %q, but at %s:%d the same commodity uses %q: declare"+
			" one with `decimal-mark` or `commodity`", written.text, shown, before.at.file, before.at.line, before.mark)
	}
	return quantity, nil
}

func scanSign(s string) (negative, signed bool, rest string) {
	if s == "" || (s[0] != '-' && s[0] != '+') {
		return false, false, s
	}
	return s[0] == '-', true, strings.TrimLeft(s[1:], " \t")
}

// scanSymbol takes a commodity off the front of s, in quotes or not; empty where there is none.
func scanSymbol(s string) (symbol, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		symbol, rest, found := strings.Cut(s[1:], `"`)
		if !found {
			return "", s, errors.New("a commodity's closing quote is missing")
		}
		if symbol == "" {
			return "", s, errors.New("a commodity in quotes is empty")
		}
		return symbol, rest, nil
	}
	end := 0
	for end < len(s) {
		c, size := utf8.DecodeRuneInString(s[end:])
		if !isSymbolRune(c) {
			break
		}
		end += size
	}
	return s[:end], s[end:], nil
}

// isSymbolRune tells what a commodity may hold without quotes: anything but digits, spaces and the signs that mean
// something else in an amount.
func isSymbolRune(c rune) bool {
	return !unicode.IsSpace(c) && !unicode.IsControl(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-+.,;@*={}[]()\"", c)
}
