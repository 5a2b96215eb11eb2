package journal

import (
	"fmt"
	"strings"
	"time"
)

// tag is a name and a value from a comment: "name: value", up to a comma or the end of the line.
type tag struct{ name, value string }

// note is what a comment of one line says to Daybook.
type note struct {
	tags []tag
	// date is a posting's own date: "date: 2024-01-31" or "[2024-01-31]"; zero for none.
	date time.Time
}

// readNote reads one line of comment as hledger does: a tag's name is the last word before a colon. A posting's own
// date is only looked for where year is not 0: it completes dates that have none.
func readNote(text string, year int) (note, error) {
	var n note
	for text != "" {
		at := strings.IndexAny(text, ":[")
		if at < 0 {
			return n, nil
		}
		before, after := text[:at], text[at+1:]
		if text[at] == '[' {
			text = after
			if year == 0 {
				continue
			}
			inside, rest, found := strings.Cut(after, "]")
			if !found || !looksLikeDates(inside) {
				continue
			}
			if err := n.bracketed(inside, year); err != nil {
				return n, err
			}
			text = rest
			continue
		}
		name := before[strings.LastIndexAny(before, " \t")+1:]
		if name == "" {
			text = after
			continue
		}
		value, rest, _ := strings.Cut(after, ",")
		if err := n.named(name, strings.TrimSpace(value), year); err != nil {
			return n, err
		}
		text = rest
	}
	return n, nil
}

func (n *note) named(name, value string, year int) error {
	if name == "date" && year != 0 {
		date, err := readDate(value, year)
		if err != nil {
			return fmt.Errorf("the posting's date: %w", err)
		}
		n.setDate(date)
		return nil
	}
	n.tags = append(n.tags, tag{name, value})
	return nil
}

// bracketed reads ledger's form of a posting's dates: [DATE], [DATE=DATE2] or [=DATE2].
func (n *note) bracketed(inside string, year int) error {
	first, second, two := strings.Cut(inside, "=")
	if first != "" {
		date, err := readDate(first, year)
		if err != nil {
			return fmt.Errorf("the posting's date [%s]: %w", inside, err)
		}
		n.setDate(date)
	}
	if two {
		date, err := readDate(second, year)
		if err != nil {
			return fmt.Errorf("the posting's secondary date [%s]: %w", inside, err)
		}
		n.tags = append(n.tags, tag{"date2", date.Format(time.DateOnly)})
	}
	return nil
}

// setDate keeps the first date of a comment, as hledger does.
func (n *note) setDate(date time.Time) {
	if n.date.IsZero() {
		n.date = date
	}
}

func looksLikeDates(s string) bool {
	return strings.Trim(s, "0123456789/-.=") == "" && strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, "/-.")
}
