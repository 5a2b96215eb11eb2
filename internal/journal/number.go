package journal

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDigits bounds a number as written. 2^128 has 39 digits; prices may have many decimals.
const maxDigits = 255

// number is a number as written: digits and marks, not yet read.
type number struct {
	text     string // digits and the marks between them
	exponent int
}

var errNoNumber = errors.New("a number is missing")

// scanNumber takes the longest number off the front of s: digits, marks between them (. , and spaces as separators of
// digit groups), one mark before or after them, and an exponent.
func scanNumber(s string) (number, string, error) {
	end, digits := 0, 0
	for end < len(s) {
		c, size := utf8.DecodeRuneInString(s[end:])
		switch {
		case isDigit(c):
			digits++
		case c == '.' || c == ',':
		case isGroupSpace(c) && digits > 0 && end+size < len(s) && isDigit(rune(s[end+size])):
		default:
			size = 0
		}
		if size == 0 {
			break
		}
		end += size
	}
	if digits == 0 {
		return number{}, s, errNoNumber
	}
	if digits > maxDigits {
		return number{}, s, fmt.Errorf("a number of %d digits is too long", digits)
	}
	exponent, rest, err := scanExponent(s[end:])
	return number{text: s[:end], exponent: exponent}, rest, err
}

func scanExponent(s string) (exponent int, rest string, err error) {
	if s == "" || (s[0] != 'e' && s[0] != 'E') {
		return 0, s, nil
	}
	end := 1
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	first := end
	for end < len(s) && isDigit(rune(s[end])) {
		end++
	}
	if end == first {
		return 0, s, nil // a commodity that begins with an E
	}
	exponent, err = strconv.Atoi(s[1:end])
	if err != nil || exponent > maxDigits || exponent < -maxDigits {
		return 0, s, fmt.Errorf("the exponent %s is out of range", s[:end])
	}
	return exponent, s[end:], nil
}

// read gives the number's value and the decimal mark that it shows to be in use: '.' or ',', or 0 where it shows none.
// mark is the decimal mark that a directive declared, or 0: then two different marks, or one mark more than once,
// speak for themselves, a single '.' is the decimal mark, and so is a single ',' unless three digits follow: "1,234" is
// one to hledger and a thousand to ledger, and refused.
func (n number) read(mark byte) (decimal, byte, error) {
	if mark == 0 {
		guessed, err := n.guessMark()
		if err != nil {
			return decimal{}, 0, err
		}
		mark = guessed
	}
	whole, fraction := n.text, ""
	if mark != 0 {
		before, after, found := strings.Cut(n.text, string(mark))
		if found {
			whole, fraction = before, after
		}
		if found && strings.Trim(fraction, "0123456789") != "" {
			return decimal{}, 0, fmt.Errorf("%q is not a number with decimal mark %q", n.text, mark)
		}
	}
	digits, err := ungroup(whole, n.text)
	if err != nil {
		return decimal{}, 0, err
	}
	units, ok := new(big.Int).SetString("0"+digits+fraction, 10)
	if !ok {
		return decimal{}, 0, fmt.Errorf("%q is not a number", n.text)
	}
	d := decimal{units: units, places: len(fraction) - n.exponent}
	if d.places < 0 {
		d = decimal{units: new(big.Int).Mul(d.units, pow10(-d.places))}
	}
	return d, n.shownMark(mark), nil
}

// guessMark finds the decimal mark without a declaration; 0 where the number has none.
func (n number) guessMark() (byte, error) {
	points, commas := strings.Count(n.text, "."), strings.Count(n.text, ",")
	switch {
	case points > 0 && commas > 0:
		return n.text[strings.LastIndexAny(n.text, ".,")], nil
	case points == 1:
		return '.', nil
	case points > 1:
		return ',', nil
	case commas > 1:
		return '.', nil
	case commas == 1:
		before, after, _ := strings.Cut(n.text, ",")
		if len(after) == 3 && before != "" {
			return 0, fmt.Errorf("%q may be a thousand or a fraction: declare it, with `decimal-mark .` or"+
				" `commodity` and an example", n.text)
		}
		return ',', nil
	default:
		return 0, nil
	}
}

// shownMark is the decimal mark, where the number as written has any mark.
func (n number) shownMark(mark byte) byte {
	if strings.ContainsAny(n.text, ".,") {
		return mark
	}
	return 0
}

// ungroup takes the separators out of the whole part: one kind, each between digits, three or more of them at the end
// (a last group of two is a fraction with the wrong mark).
func ungroup(whole, text string) (string, error) {
	var digits strings.Builder
	separator, run := rune(0), 0
	for _, c := range whole {
		if isDigit(c) {
			digits.WriteRune(c)
			run++
			continue
		}
		if run == 0 || (separator != 0 && c != separator) {
			return "", fmt.Errorf("%q is not a number: its digit groups are not clear", text)
		}
		separator, run = c, 0
	}
	if separator != 0 && run < 3 {
		return "", fmt.Errorf("%q is not a number: its digit groups are not clear", text)
	}
	return digits.String(), nil
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// isGroupSpace tells the spaces that separate groups of digits: plain, no-break, narrow no-break, thin and figure.
func isGroupSpace(c rune) bool {
	switch c {
	case ' ', '\u00a0', '\u202f', '\u2009', '\u2007':
		return true
	default:
		return false
	}
}
