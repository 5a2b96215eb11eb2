package journal

import (
	"strings"
)

// alias renames an account and those under it.
type alias struct{ from, to string }

// directive obeys one directive. The ones that say nothing about amounts, names or dates are checked for their form
// and passed over; those that Daybook does not do exactly are refused.
func (r *reader) directive(b block) *Error {
	word, rest := splitWord(stripComment(b.head))
	if len(word) > 1 && word[0] == 'Y' && isDigit(rune(word[1])) {
		word, rest = "Y", word[1:]
	}
	if refusal, refused := refusals[word]; refused {
		return b.at.errorf("%s is refused: %s", word, refusal)
	}
	switch word {
	case "account", "payee", "tag":
		return b.declaration(word, rest)
	case "commodity":
		return r.commodity(b, rest)
	case "apply":
		return r.apply(b, rest)
	case "end":
		return r.end(b, rest)
	}
	if err := b.onlyComments(word); err != nil {
		return err
	}
	switch word {
	case "D":
		return r.defaultCommodity(rest, b.at)
	case "P":
		return r.price(rest, b.at)
	case "N":
		return nil
	case "Y", "year":
		return r.year(rest, b.at)
	case "decimal-mark":
		return r.decimalMark(rest, b.at)
	case "alias":
		return r.alias(rest, b.at)
	case "include":
		return r.include(rest, b.at)
	default:
		return b.at.errorf("%q is not understood: neither a transaction (a date first) nor a directive", b.head)
	}
}

// refusals says why a directive that hledger or ledger knows is not done.
var refusals = map[string]string{
	"=":       "an automated transaction adds postings to others; write them out (hledger print --auto does it)",
	"~":       "a periodic transaction is a rule, not something that happened; leave it out, or write its transactions out",
	"A":       "a bucket account completes transactions that do not balance; write its postings out",
	"bucket":  "a bucket account completes transactions that do not balance; write its postings out",
	"C":       "a conversion between commodities changes amounts; write them in one commodity",
	"define":  "amounts are numbers here, not expressions",
	"def":     "amounts are numbers here, not expressions",
	"eval":    "it is an expression of ledger's",
	"expr":    "it is an expression of ledger's",
	"assert":  "it is an expression of ledger's; a balance assertion stands on a posting",
	"check":   "it is an expression of ledger's; a balance assertion stands on a posting",
	"python":  "it is a program",
	"capture": "it changes account names; use alias",
	"value":   "it is an expression of ledger's",
}

// declaration passes over an account, payee or tag that is declared, unless its lines change what others mean.
func (b block) declaration(word, rest string) *Error {
	if rest == "" {
		return b.at.errorf("%s: a name is missing", word)
	}
	for i, line := range b.lines {
		sub, _ := splitWord(strings.TrimSpace(line))
		if sub != "note" && !isComment(line) {
			return b.lineAt(i).errorf("%s under %s is refused: it may change what other lines mean", sub, word)
		}
	}
	return nil
}

func (b block) onlyComments(word string) *Error {
	for i, line := range b.lines {
		if !isComment(line) {
			return b.lineAt(i).errorf("%q under %s is not understood", strings.TrimSpace(line), word)
		}
	}
	return nil
}

// apply and end: what stands between them is under a parent account, or in a year.
func (r *reader) apply(b block, rest string) *Error {
	if err := b.onlyComments("apply"); err != nil {
		return err
	}
	switch what, value := splitWord(rest); {
	case what == "account" && value != "":
		r.scope.parents = append(r.scope.parents, value)
		return nil
	case what == "year":
		return r.year(value, b.at)
	default:
		return b.at.errorf("apply %s is refused: apply account and apply year are known", rest)
	}
}

func (r *reader) end(b block, rest string) *Error {
	if err := b.onlyComments("end"); err != nil {
		return err
	}
	switch rest {
	case "aliases":
		r.scope.aliases = nil
	case "apply account", "":
		if len(r.scope.parents) == 0 {
			return b.at.errorf("end %s: no apply account is open", rest)
		}
		r.scope.parents = r.scope.parents[:len(r.scope.parents)-1]
	default:
		return b.at.errorf("end %s is not understood here", rest)
	}
	return nil
}

func (r *reader) year(rest string, at place) *Error {
	year, err := readYear(rest)
	if err != nil {
		return at.errorf("default year: %v", err)
	}
	r.scope.year = year
	return nil
}

func (r *reader) alias(rest string, at place) *Error {
	from, to, found := strings.Cut(rest, "=")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !found || from == "" || to == "" {
		return at.errorf("alias: want OLD = NEW")
	}
	if strings.HasPrefix(from, "/") {
		return at.errorf("alias %s is refused: regular expressions differ between programs; name the account", from)
	}
	r.scope.aliases = append(r.scope.aliases, alias{from, to})
	return nil
}

// accountName applies parents and aliases to a name as it is written: the latest alias first, each once.
func (r *reader) accountName(name string) string {
	name = strings.Join(append(append([]string{}, r.scope.parents...), name), ":")
	for i := len(r.scope.aliases) - 1; i >= 0; i-- {
		a := r.scope.aliases[i]
		if name == a.from || strings.HasPrefix(name, a.from+":") {
			name = a.to + name[len(a.from):]
		}
	}
	return name
}

func splitWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}

// stripComment takes a comment off the end of a directive's line.
func stripComment(line string) string {
	before, _, _ := cutComment(line)
	return strings.TrimSpace(before)
}

func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.IndexByte(";#*", line[0]) >= 0
}
