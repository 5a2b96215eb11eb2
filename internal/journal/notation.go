package journal

import (
	"errors"
	"strings"
)

// commodity declares how a commodity's numbers are written, by an example beside its name or on a format line.
func (r *reader) commodity(b block, rest string) *Error {
	if strings.ContainsAny(rest, "0123456789") && !strings.HasPrefix(rest, `"`) || hasNumberAfterQuote(rest) {
		if err := r.example(rest, b.at); err != nil {
			return err
		}
	} else if _, after, err := scanSymbol(rest); err != nil || rest == "" || after != "" {
		return b.at.errorf("commodity %s: want a commodity, or an amount as an example", rest)
	}
	for i, line := range b.lines {
		if isComment(line) {
			continue
		}
		word, value := splitWord(stripComment(line))
		switch word {
		case "note", "nomarket":
		case "format":
			if err := r.example(value, b.lineAt(i)); err != nil {
				return err
			}
		default:
			return b.lineAt(i).errorf("%s under commodity is refused: it may change what other lines mean", word)
		}
	}
	return nil
}

func hasNumberAfterQuote(s string) bool {
	if !strings.HasPrefix(s, `"`) {
		return false
	}
	_, after, _ := strings.Cut(s[1:], `"`)
	return strings.ContainsAny(after, "0123456789")
}

// example reads an amount that shows how numbers of its commodity are written. It must show a decimal mark, as in
// "$1,000.00" or "1.000, JPY": without one it would not say which mark it is.
func (r *reader) example(text string, at place) *Error {
	commodity, mark, err := readExample(text)
	if err != nil {
		return at.errorf("%q as an example: %v", text, err)
	}
	r.numbers.declared[commodity] = mark
	return nil
}

// defaultCommodity is D: the commodity, and the decimal mark, of amounts that have none.
func (r *reader) defaultCommodity(text string, at place) *Error {
	commodity, mark, err := readExample(text)
	if err != nil {
		return at.errorf("D %s: %v", text, err)
	}
	r.numbers.declared[commodity] = mark
	r.scope.commodity, r.numbers.commodity = commodity, commodity
	return nil
}

func (r *reader) decimalMark(text string, at place) *Error {
	if text != "." && text != "," {
		return at.errorf("decimal-mark %s: want a point or a comma", text)
	}
	r.scope.mark, r.numbers.mark = text[0], text[0]
	return nil
}

// price checks the form of a market price, which moves nothing.
func (r *reader) price(text string, at place) *Error {
	_, rest, err := scanDate(text, r.scope.year)
	if err != nil {
		return at.errorf("P: %v", err)
	}
	rest = strings.TrimSpace(rest)
	if word, after := splitWord(rest); strings.Count(word, ":") > 0 && isDigit(rune(word[0])) {
		rest = after
	}
	symbol, rest, err := scanSymbol(rest)
	if err != nil || symbol == "" {
		return at.errorf("P: a commodity is missing")
	}
	_, rest, err = r.numbers.scan(strings.TrimSpace(rest), at)
	if err != nil || strings.TrimSpace(rest) != "" {
		return at.errorf("P: %q is not a price", text)
	}
	return nil
}

// readExample reads an amount whose last mark is the decimal mark.
func readExample(text string) (commodity string, mark byte, err error) {
	i := strings.LastIndexAny(text, ".,")
	if i < 0 {
		return "", 0, errNoDecimalMark
	}
	// The commodity may hold neither mark, so the last one of either is the number's.
	mark = text[i]
	n := notations{mark: mark}
	example, rest, err := n.scan(text, place{})
	switch {
	case err != nil:
		return "", 0, err
	case strings.TrimSpace(rest) != "":
		return "", 0, errNotOneAmount
	case example.commodity == "":
		return "", 0, errNoCommodity
	}
	return example.commodity, mark, nil
}

var (
	errNoDecimalMark = errors.New("it shows no decimal mark: write one, as in $1,000.00 or 1000. JPY")
	errNotOneAmount  = errors.New("it is not one amount")
	errNoCommodity   = errors.New("it has no commodity")
)
