package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// ErrSyntax means that bytes are not an envelope as [Envelope.AppendJSON] writes it.
var ErrSyntax = errors.New("not an envelope")

// Parse reads what [Envelope.AppendJSON] wrote, and nothing else: what it accepts is written again byte for byte. Its
// errors wrap [ErrSyntax]. It does not check the hash.
func Parse(text []byte) (Envelope, error) {
	var e Envelope
	if err := e.Read(text); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// Read is Parse for whoever reads many: a text that is the same as before, as actors mostly are, is not made anew. After an
// error there is no telling what e is.
func (e *Envelope) Read(text []byte) error {
	p := parser{rest: text}
	p.literal(`{"envelope":1,"id":"`)
	p.uuid(&e.ID)
	p.literal(`","schema":`)
	e.Schema = p.schema()
	p.literal(`,"recorded_at":"`)
	e.RecordedAt = p.time()
	p.literal(`","actor":"`)
	p.string(&e.Actor)
	p.member(`","correlation":"`, &e.Correlation)
	p.member(`","causation":"`, &e.Causation)
	p.member(`","key":"`, &e.Key)
	e.Request = Hash{}
	if p.optional(`","request":"`) {
		p.hash(&e.Request)
		p.require(e.Request != Hash{}, "an empty member")
	}
	p.literal(`","previous":"`)
	p.hash(&e.Previous)
	p.literal(`","hash":"`)
	p.hash(&e.Hash)
	p.literal(`"}`)
	p.require(len(p.rest) == 0, "something after the end")
	if p.fault != "" {
		return fmt.Errorf("%w: %s at byte %d", ErrSyntax, p.fault, len(text)-len(p.rest))
	}
	return nil
}

// parser reads from the front of rest. After the first fault it reads nothing more.
type parser struct {
	rest  []byte
	fault string
}

func (p *parser) require(holds bool, fault string) bool {
	if !holds && p.fault == "" {
		p.fault = fault
	}
	return p.fault == ""
}

func (p *parser) optional(s string) bool {
	if p.fault != "" || len(p.rest) < len(s) || string(p.rest[:len(s)]) != s {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

func (p *parser) literal(s string) {
	if !p.optional(s) {
		p.require(false, "want "+s)
	}
}

// member reads a string that is left out where it is empty.
func (p *parser) member(name string, into *string) {
	if !p.optional(name) {
		*into = ""
		return
	}
	p.string(into)
	p.require(*into != "", "an empty member")
}

// string reads up to the closing quote, which it leaves.
func (p *parser) string(into *string) {
	if p.fault != "" {
		return
	}
	end := 0
	for end < len(p.rest) && p.rest[end] >= ' ' && p.rest[end] != '"' && p.rest[end] != '\\' {
		end++
	}
	plain := p.rest[:end]
	p.rest = p.rest[end:]
	if len(p.rest) > 0 && p.rest[0] == '\\' {
		plain = p.escaped(bytes.Clone(plain))
	}
	p.require(len(p.rest) > 0 && p.rest[0] == '"', "a string without end")
	p.require(utf8.Valid(plain), "a string that is not UTF-8")
	if *into != string(plain) {
		*into = string(plain)
	}
}

func (p *parser) escaped(s []byte) []byte {
	for len(p.rest) > 0 && p.rest[0] >= ' ' && p.rest[0] != '"' {
		c, width := p.rest[0], 1
		if c == '\\' {
			if c, width = unescape(p.rest); width == 0 {
				p.require(false, "an escape")
				return nil
			}
		}
		s, p.rest = append(s, c), p.rest[width:]
	}
	return s
}

// unescape reads the escape that s begins with, as appendString writes them: \", \\, or \u00xx for a control character.
func unescape(s []byte) (c byte, width int) {
	if len(s) >= 2 && (s[1] == '"' || s[1] == '\\') {
		return s[1], 2
	}
	if len(s) >= 6 && string(s[:4]) == `\u00` && (s[4] == '0' || s[4] == '1') && digit(s[5]) < 16 {
		return digit(s[4])<<4 | digit(s[5]), 6
	}
	return 0, 0
}

func (p *parser) schema() int {
	end := 0
	for end < len(p.rest) && end < 10 && p.rest[end] >= '0' && p.rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(p.rest[:end]), 10, 64)
	p.require(err == nil && n >= 1 && n <= math.MaxInt32 && p.rest[0] != '0', "a schema")
	p.rest = p.rest[end:]
	return int(n)
}

func (p *parser) time() time.Time {
	text := string(p.rest[:max(bytes.IndexByte(p.rest, '"'), 0)])
	t, err := time.Parse(time.RFC3339Nano, text)
	if p.require(err == nil && t.Year() >= 1 && isShortestTime(text), "a time") {
		p.rest = p.rest[len(text):]
	}
	return t.UTC()
}

// isShortestTime tells whether a text that package time takes is in the one form that appendTime writes. Writing the time
// again to compare takes as long as reading it.
func isShortestTime(s string) bool {
	const seconds, nanos = len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.999999999Z")
	end := len(s) - 1
	if len(s) < seconds || len(s) > nanos || s[end] != 'Z' {
		return false
	}
	return len(s) == seconds || s[seconds-1] == '.' && s[end-1] != '0'
}

func (p *parser) uuid(id *[16]byte) {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			p.literal("-")
		}
		p.hex(part)
	}
}

func (p *parser) hash(h *Hash) { p.hex(h[:]) }

func (p *parser) hex(dst []byte) {
	if !p.require(len(p.rest) >= 2*len(dst), "an end too early") {
		return
	}
	text, all := p.rest[:2*len(dst)], byte(0)
	for i := range dst {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		all |= high | low
		dst[i] = high<<4 | low
	}
	if p.require(all < 16, "want small hexadecimal digits") {
		p.rest = p.rest[len(text):]
	}
}

// digits gives the value of each hexadecimal digit in small letters, and 255 for every other byte.
//
//nolint:gochecknoglobals // a constant table
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = 255
	}
	for i, c := range []byte(hexDigits) {
		table[c] = byte(i)
	}
	return table
}()

func digit(c byte) byte { return digits[c] }
