package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// reader reads JSON in one pass. After the first error everything it gives is zero and every loop ends.
//
//	for more := r.begin('{', '}'); more; more = r.next('}') {
//		switch r.name() { … }
//	}
//
// The strings it gives are parts of one copy of the data, made at the start.
type reader struct {
	text string
	at   int
	err  error
}

// fields is a set of the fields of an object, a bit each.
type fields uint

var (
	errSyntax  = errors.New("not the JSON that was expected")
	errText    = errors.New("a string that is not valid UTF-8 or has control characters")
	errTwice   = errors.New("a field that was there before")
	errMissing = errors.New("an object that lacks a field")
	errAfter   = errors.New("more after the end")
)

func newReader(data []byte) reader { return reader{text: string(data)} }

// finish gives the first error, and where it was found.
func (r *reader) finish() error {
	r.space()
	if r.at < len(r.text) {
		r.fail(errAfter)
	}
	return r.err
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %w", r.at, err)
	}
}

func (r *reader) must(ok bool) {
	if !ok {
		r.fail(errBadValue)
	}
}

// field notes that a field is there.
func (r *reader) field(seen *fields, field fields) {
	if *seen&field != 0 {
		r.fail(errTwice)
	}
	*seen |= field
}

func (r *reader) require(seen, wanted fields) {
	if seen&wanted != wanted {
		r.fail(errMissing)
	}
}

// begin goes into an object or array, and tells whether it has anything in it.
func (r *reader) begin(opening, closing byte) bool {
	if !r.take(opening) {
		r.fail(errSyntax)
		return false
	}
	return r.err == nil && !r.take(closing)
}

// next goes past a comma, or the end of the object or array.
func (r *reader) next(closing byte) bool {
	if r.err != nil || r.take(closing) {
		return false
	}
	if !r.take(',') {
		r.fail(errSyntax)
		return false
	}
	return true
}

// name reads the name of a member and its colon.
func (r *reader) name() string {
	name := r.string()
	if !r.take(':') {
		r.fail(errSyntax)
	}
	return name
}

// take goes past a character, if that is the next one that is not white space.
func (r *reader) take(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] <= ' ' {
		r.space()
	}
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *reader) bool() bool {
	r.space()
	for _, b := range []struct {
		text  string
		value bool
	}{{"true", true}, {"false", false}} {
		if len(r.text)-r.at >= len(b.text) && r.text[r.at:r.at+len(b.text)] == b.text {
			r.at += len(b.text)
			return b.value
		}
	}
	r.fail(errSyntax)
	return false
}

func (r *reader) uint64() uint64 {
	r.space()
	start := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	digits := r.text[start:r.at]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || digits[0] == '0' && len(digits) > 1 {
		r.fail(errBadValue)
	}
	return n
}

// parsed reads a string and makes something of it.
func parsed[T any](r *reader, parse func(string) (T, error)) T {
	return converted(r, r.string(), parse)
}

func converted[T any](r *reader, text string, parse func(string) (T, error)) T {
	value, err := parse(text)
	if err != nil {
		r.fail(err)
	}
	return value
}

// time reads a time as the writer writes it: RFC 3339 in UTC, with a "Z", and at most nanoseconds.
func (r *reader) time() time.Time {
	s := r.string()
	const form = "0000-00-00T00:00:00"
	ok := len(s) > len(form) && len(s) <= len(form)+len(".000000000Z") && s[len(s)-1] == 'Z'
	for i := 0; ok && i < len(s)-1; i++ {
		switch {
		case i >= len(form) && i != len(form), i < len(form) && form[i] == '0':
			ok = '0' <= s[i] && s[i] <= '9'
		case i == len(form):
			ok = s[i] == '.'
		default:
			ok = s[i] == form[i]
		}
	}
	if !ok {
		r.fail(errBadValue)
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s) // which refuses the 30th of February
	if err != nil || s[:4] == "0000" {
		r.fail(errBadValue)
		return time.Time{}
	}
	return t
}

// string reads a string. One without escapes, which nearly all are, is given as the part of the text that it is.
func (r *reader) string() string {
	if r.err != nil || !r.take('"') {
		r.fail(errSyntax)
		return ""
	}
	rest := r.text[r.at:]
	var high byte // has its upper bit where any byte had
	for i := range len(rest) {
		c := rest[i]
		if c >= ' ' && c != '"' && c != '\\' {
			high |= c
			continue
		}
		switch c {
		case '"':
			r.at += i + 1
			if high >= utf8.RuneSelf && !utf8.ValidString(rest[:i]) {
				r.fail(errText)
			}
			return rest[:i]
		case '\\':
			start := r.at
			r.at += i
			return r.escaped(start)
		default:
			r.fail(errText)
			return ""
		}
	}
	r.fail(errSyntax)
	return ""
}

// escaped reads on where the first escape of a string that started at start was found.
func (r *reader) escaped(start int) string {
	b := []byte(r.text[start:r.at])
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				r.fail(errText)
			}
			return string(b)
		case c < ' ':
			r.fail(errText)
			return ""
		case c == '\\':
			b = r.escape(b)
		default:
			b = append(b, c)
		}
	}
	r.fail(errSyntax)
	return ""
}

// escape appends what the escape stands for whose backslash was just read.
func (r *reader) escape(b []byte) []byte {
	if r.at == len(r.text) {
		return b // the string's own loop finds the end missing
	}
	c := r.text[r.at]
	r.at++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'u':
		return utf8.AppendRune(b, r.unicode())
	default:
		r.fail(errSyntax)
		return b
	}
}

// unicode reads the digits of \uXXXX, and of the second half of a surrogate pair where there has to be one.
func (r *reader) unicode() rune {
	c := r.hex()
	if !utf16.IsSurrogate(c) {
		return c
	}
	if len(r.text)-r.at < 2 || r.text[r.at:r.at+2] != `\u` {
		r.fail(errText)
		return 0
	}
	r.at += 2
	c = utf16.DecodeRune(c, r.hex())
	if c == utf8.RuneError {
		r.fail(errText)
	}
	return c
}

func (r *reader) hex() rune {
	const digits = 4
	if len(r.text)-r.at < digits {
		r.fail(errSyntax)
		return 0
	}
	n, err := strconv.ParseUint(r.text[r.at:r.at+digits], 16, 16)
	if err != nil {
		r.fail(errSyntax)
	}
	r.at += digits
	return rune(n)
}
