package commands

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// plain reads JSON in the form that clients usually write it in, several times faster than the general decoder. It has
// no errors: what it does not take (broken JSON, unknown or repeated fields, wrong types, nulls, odd numbers) it leaves
// to the general decoder, which then either takes it or says what is wrong and where. Whatever it takes it must
// understand as the general decoder does; a fuzz test holds the two together.
//
// Texts that it gives are parts of s: s must not change.
type plain struct {
	s  string
	at int
}

// next skips white space, and tells whether c comes then, which it passes over.
func (p *plain) next(c byte) bool {
	for p.at < len(p.s) {
		switch got := p.s[p.at]; {
		case got == c:
			p.at++
			return true
		case got != ' ' && got != '\n' && got != '\t' && got != '\r':
			return false
		}
		p.at++
	}
	return false
}

// end tells whether nothing is left but white space.
func (p *plain) end() bool {
	return !p.next(0) && p.at == len(p.s)
}

// text reads a string.
func (p *plain) text() (string, bool) {
	if !p.next('"') {
		return "", false
	}
	start, ascii := p.at, true
	for i := start; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.at = i + 1
			text := p.s[start:i]
			return text, ascii || utf8.ValidString(text)
		case c == '\\':
			return p.escaped(start-1, i)
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

// escaped reads a string that starts at a quote and has its first escape at i.
func (p *plain) escaped(start, i int) (string, bool) {
	for ; i < len(p.s) && p.s[i] != '"'; i++ {
		if p.s[i] == '\\' {
			i++
		}
	}
	if i >= len(p.s) {
		return "", false
	}
	p.at = i + 1
	text, err := jsontext.AppendUnquote(nil, p.s[start:p.at])
	return string(text), err == nil
}

// digits reads a number of at most 39 digits without sign, or a string.
func (p *plain) digits() (numeral, bool) {
	if p.next('"') {
		p.at--
		text, ok := p.text()
		return numeral{text: text, given: true}, ok
	}
	start := p.at
	for p.at < len(p.s) && '0' <= p.s[p.at] && p.s[p.at] <= '9' {
		p.at++
	}
	n := p.at - start
	if n == 0 || n > 1 && p.s[start] == '0' || p.at == len(p.s) {
		return numeral{}, false
	}
	switch p.s[p.at] {
	case ',', '}', ' ', '\n', '\r', '\t':
		return numeral{text: p.s[start:p.at], given: true}, true
	}
	return numeral{}, false
}

// boolean reads true or false.
func (p *plain) boolean() (value, ok bool) {
	for _, word := range [...]string{"true", "false"} {
		if p.next(word[0]) {
			p.at--
			ok = strings.HasPrefix(p.s[p.at:], word)
			p.at += len(word)
			return word == "true", ok
		}
	}
	return false, false
}

// object reads an object whose members are read by a function, which is given the name. No name may come twice: the
// function gives each that it knows another bit.
func (p *plain) object(member func(name string) (bit uint, ok bool)) bool {
	if !p.next('{') {
		return false
	}
	if p.next('}') {
		return true
	}
	for seen := uint(0); ; {
		name, ok := p.text()
		if !ok || !p.next(':') {
			return false
		}
		bit, ok := member(name)
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
		if p.next('}') {
			return true
		}
		if !p.next(',') {
			return false
		}
	}
}

// array reads an array whose items are read by a function.
func (p *plain) array(item func() bool) bool {
	if !p.next('[') {
		return false
	}
	if p.next(']') {
		return true
	}
	for {
		if !item() {
			return false
		}
		if p.next(']') {
			return true
		}
		if !p.next(',') {
			return false
		}
	}
}

// texts reads an object of strings.
func (p *plain) texts() (metadata, bool) {
	m := metadata{}
	ok := p.object(func(name string) (uint, bool) {
		value, ok := p.text()
		_, twice := m[name]
		m[name] = value
		return 0, ok && !twice
	})
	return m, ok
}
