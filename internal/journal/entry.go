package journal

import (
	"fmt"
	"strings"
	"time"
)

// entry is a transaction of the file: its amounts as written at first, complete after balancing.
type entry struct {
	at          place
	index       int
	date        time.Time
	description string
	status      string
	code        string
	tags        []tag
	postings    []*posting
}

// readEntry reads a transaction. Each of its lines that is wrong is an error of its own; an entry with errors takes
// its number, but is not gathered.
func (r *reader) readEntry(b block) {
	before := len(r.problems.list)
	e := &entry{at: b.at}
	if err := e.readHead(b.head, r.scope.year); err != nil {
		r.problems.add(b.at.errorf("%v", err))
	}
	for i, line := range b.lines {
		if text := strings.TrimSpace(line); text[0] == ';' {
			r.problems.add(e.readCommentLine(text[1:], b.lineAt(i)))
			continue
		}
		p, err := r.readPosting(line, b.lineAt(i), e.date.Year())
		if err != nil {
			r.problems.add(err)
			continue
		}
		e.postings = append(e.postings, p)
		e.tags = append(e.tags, p.tags...)
	}
	r.count++
	e.index = r.count
	if len(r.problems.list) == before {
		r.entries = append(r.entries, e)
	}
}

// readHead reads a transaction's first line: DATE[=DATE2] [STATUS] [(CODE)] [DESCRIPTION] [; COMMENT].
func (e *entry) readHead(head string, defaultYear int) error {
	head, comment, commented := strings.Cut(head, ";")
	date, rest, err := scanDate(head, defaultYear)
	if err != nil {
		return err
	}
	e.date = date
	if strings.HasPrefix(rest, "=") {
		var second time.Time
		second, rest, err = scanDate(rest[1:], date.Year())
		if err != nil {
			return fmt.Errorf("the secondary date: %w", err)
		}
		e.tags = append(e.tags, tag{"date2", second.Format(time.DateOnly)})
	}
	if rest != "" && !isBlank(rest[0]) {
		return fmt.Errorf("%q follows the date: a space is missing", rest)
	}
	e.status, rest = scanStatus(strings.TrimSpace(rest))
	if strings.HasPrefix(rest, "(") {
		code, after, found := strings.Cut(rest[1:], ")")
		if found {
			e.code, rest = strings.TrimSpace(code), strings.TrimSpace(after)
		}
	}
	e.description = rest
	if !commented {
		return nil
	}
	n, err := readNote(comment, 0)
	e.tags = append(e.tags, n.tags...)
	return err
}

// readCommentLine reads a comment on a line of its own. It belongs to the posting above it, if there is one.
func (e *entry) readCommentLine(text string, at place) *Error {
	year := 0
	if len(e.postings) > 0 {
		year = e.date.Year()
	}
	n, err := readNote(text, year)
	if err != nil {
		return at.errorf("%v", err)
	}
	e.tags = append(e.tags, n.tags...)
	if !n.date.IsZero() {
		if last := e.postings[len(e.postings)-1]; last.date.IsZero() {
			last.date = n.date
		}
	}
	return nil
}

// scanStatus takes a status mark off the front.
func scanStatus(s string) (status, rest string) {
	if s == "" {
		return "", ""
	}
	switch s[0] {
	case '*':
		status = "cleared"
	case '!':
		status = "pending"
	default:
		return "", s
	}
	return status, strings.TrimLeft(s[1:], " \t")
}
