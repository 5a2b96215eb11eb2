package journal

import (
	"fmt"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
)

// kind is what a posting has to do with its transaction's balance.
type kind uint8

const (
	realPosting     kind = iota // balances with the others that are real
	balancedVirtual             // [account]: balances with the others in brackets
	freeVirtual                 // (account): balances with nothing
)

// posting is one line of a transaction.
type posting struct {
	at      place
	account string
	kind    kind
	// amounts is what the posting moves: as written, or inferred (then maybe several, or none). Nil is an amount that
	// is still to be inferred.
	amounts mixed
	// written is the amount in the text, of which decimals count; nil where it is elided.
	written *amount
	cost    *cost
	assert  *assertion
	date    time.Time // its own, or zero
	tags    []tag
}

// cost is a posting's amount in another commodity: for each unit, or in total.
type cost struct {
	amount

	total bool
}

// assertion is the balance that an account has after a posting, or is given by it.
type assertion struct {
	amount

	sole      bool // ==: there is no other commodity
	inclusive bool // =*: subaccounts are counted in
}

// readPosting reads [STATUS] ACCOUNT  [AMOUNT] [COST] [ASSERTION] [; COMMENT]. The year completes dates in the comment.
func (r *reader) readPosting(line string, at place, year int) (*posting, *Error) {
	_, text := scanStatus(strings.TrimSpace(line))
	name, rest := scanAccount(text)
	if strings.ContainsRune(name, ';') {
		return nil, at.errorf("%q: before a comment or an amount there are two spaces, and an account has no semicolon", name)
	}
	p := &posting{at: at}
	p.kind, name = unwrap(name)
	if name == "" || name[0] == '#' {
		return nil, at.errorf("an account name is missing")
	}
	p.account = r.accountName(name)
	if _, err := address.Parse(p.account); err != nil {
		return nil, at.errorf("%v", err)
	}
	rest, comment, commented := cutComment(rest)
	if commented {
		n, err := readNote(comment, year)
		if err != nil {
			return nil, at.errorf("%v", err)
		}
		p.tags, p.date = n.tags, n.date
	}
	if err := p.readAmounts(strings.TrimSpace(rest), &r.numbers); err != nil {
		return nil, at.errorf("%v", err)
	}
	return p, nil
}

func (p *posting) readAmounts(s string, numbers *notations) (err error) {
	if s != "" && s[0] != '=' {
		var written amount
		if written, s, err = numbers.scan(s, p.at); err != nil {
			return err
		}
		p.written, p.amounts = &written, mixed{}.add(written)
	}
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		switch s[0] {
		case '@', '(':
			s, err = p.readCost(s, numbers)
		case '=':
			s, err = p.readAssertion(s, numbers)
		case '{', '[':
			err = fmt.Errorf("lots (%s) are refused: Daybook keeps the units of a commodity together", s)
		default:
			err = fmt.Errorf("%q after the amount is not understood", s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *posting) readCost(s string, numbers *notations) (rest string, err error) {
	for _, mark := range []string{"@@", "(@@)", "@", "(@)"} {
		after, found := strings.CutPrefix(s, mark)
		if !found {
			continue
		}
		if p.written == nil || p.cost != nil || p.assert != nil {
			return s, fmt.Errorf("a cost (%s) belongs after an amount, once", s)
		}
		p.cost = &cost{total: strings.Contains(mark, "@@")}
		p.cost.amount, rest, err = numbers.scan(strings.TrimSpace(after), p.at)
		if err == nil && p.cost.quantity.sign() < 0 {
			err = fmt.Errorf("a cost is not negative: %s", s)
		}
		return rest, err
	}
	return s, fmt.Errorf("%q after the amount is not understood", s)
}

func (p *posting) readAssertion(s string, numbers *notations) (rest string, err error) {
	if p.assert != nil {
		return s, fmt.Errorf("one balance assertion is enough: %s", s)
	}
	p.assert = &assertion{}
	s, p.assert.sole = strings.CutPrefix(s[1:], "=")
	s, p.assert.inclusive = strings.CutPrefix(s, "*")
	p.assert.amount, rest, err = numbers.scan(strings.TrimSpace(s), p.at)
	if err != nil {
		return s, fmt.Errorf("the balance asserted: %w", err)
	}
	if after := strings.TrimSpace(rest); after != "" {
		return rest, fmt.Errorf("%q after the balance asserted is not understood", after)
	}
	return rest, nil
}

// scanAccount takes an account name off the front: it ends before two spaces, a tab, or the end of the line.
func scanAccount(s string) (name, rest string) {
	end := len(s)
	for _, stop := range []string{"  ", "\t", " \t"} {
		if i := strings.Index(s, stop); i >= 0 {
			end = min(end, i)
		}
	}
	return strings.TrimSpace(s[:end]), s[end:]
}

func unwrap(name string) (kind, string) {
	if len(name) >= 2 {
		switch inside := name[1 : len(name)-1]; {
		case name[0] == '(' && name[len(name)-1] == ')':
			return freeVirtual, inside
		case name[0] == '[' && name[len(name)-1] == ']':
			return balancedVirtual, inside
		}
	}
	return realPosting, name
}

// cutComment finds the semicolon that begins a comment: one outside of a commodity's quotes.
func cutComment(s string) (before, comment string, found bool) {
	inQuotes := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			inQuotes = !inQuotes
		case s[i] == ';' && !inQuotes:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
