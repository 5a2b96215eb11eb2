package ledger

import (
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/domain/money"
)

// writer appends JSON. Its methods leave a comma behind each member and item; close takes the last one back.
type writer struct {
	b   []byte
	err error
}

var (
	errNotUTF8 = errors.New("a text is not valid UTF-8")
	errYear    = errors.New("a time is not in the years 1 to 9999")
)

func (w *writer) ledgerOpened(e *LedgerOpened) {
	w.open('{')
	w.text(`"name":`, e.Name)
	w.optional(`"template":`, string(e.Template))
	w.raw(`"chart":`)
	w.chart(&e.Chart)
	w.metadata(e.Metadata)
	w.end('}')
}

func (w *writer) chart(c *Chart) {
	w.open('{')
	w.text(`"undeclared":`, string(c.Undeclared))
	w.raw(`"rules":`)
	w.open('[')
	for i := range c.Rules {
		w.rule(&c.Rules[i])
	}
	w.close(']')
	w.close('}')
}

func (w *writer) rule(r *Rule) {
	w.open('{')
	w.text(`"pattern":`, string(r.Pattern))
	if r.AnyCase {
		w.raw(`"any_case":true,`)
	}
	w.text(`"type":`, string(r.Type))
	w.limits(r.Limits)
	if len(r.Assets) > 0 {
		w.raw(`"assets":`)
		w.open('[')
		for _, asset := range r.Assets {
			w.text("", string(asset))
		}
		w.close(']')
	}
	w.close('}')
}

func (w *writer) accountOpened(e *AccountOpened) {
	w.open('{')
	w.text(`"address":`, string(e.Address))
	w.text(`"type":`, string(e.Type))
	w.limits(e.Limits)
	w.metadata(e.Metadata)
	if e.Implicit {
		w.raw(`"implicit":true,`)
	}
	w.end('}')
}

func (w *writer) transactionPosted(e *TransactionPosted) {
	w.open('{')
	w.uint64(`"id":`, e.ID)
	w.entries(`"entries":`, e.Entries)
	w.time(`"effective_at":`, e.EffectiveAt)
	w.optionalTime(`"intended_at":`, e.IntendedAt)
	w.optional(`"reference":`, e.Reference)
	w.optional(`"description":`, e.Description)
	w.metadata(e.Metadata)
	if e.Reverts|e.Hold != 0 || e.Forced || e.Reason != "" {
		w.origin(e)
	}
	w.end('}')
}

// origin writes where a transaction comes from that does not stand for itself.
func (w *writer) origin(e *TransactionPosted) {
	w.optionalUint64(`"reverts":`, e.Reverts)
	if e.Forced {
		w.raw(`"forced":true,`)
	}
	w.optional(`"reason":`, e.Reason)
	w.optionalUint64(`"hold":`, e.Hold)
}

func (w *writer) entries(name string, entries []Entry) {
	w.raw(name)
	w.open('[')
	for i := range entries {
		w.entry(&entries[i])
	}
	w.close(']')
}

func (w *writer) entry(e *Entry) {
	w.open('{')
	w.text(`"account":`, string(e.Account))
	w.text(`"asset":`, string(e.Asset))
	if e.Side == Debit {
		w.raw(`"debit":"`)
	} else {
		w.raw(`"credit":"`)
	}
	w.b, _ = e.Amount.AppendText(w.b)
	w.raw(`",`)
	w.close('}')
}

func (w *writer) limits(l Limits) {
	w.signed(`"min_balance":"`, l.Min)
	w.signed(`"max_balance":"`, l.Max)
}

func (w *writer) signed(name string, s *money.Signed) {
	if s == nil {
		return
	}
	w.raw(name)
	w.b, _ = s.AppendText(w.b)
	w.raw(`",`)
}

func (w *writer) metadata(m Metadata) {
	if len(m) == 0 {
		return
	}
	w.raw(`"metadata":`)
	w.open('{')
	for _, key := range m.keys() {
		w.string(key)
		w.b = append(w.b, ':')
		w.text("", m[key])
	}
	w.close('}')
}

func (w *writer) time(name string, t time.Time) {
	t = t.UTC()
	if year := t.Year(); year < 1 || year > 9999 {
		w.err = errYear
		return
	}
	w.raw(name)
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, time.RFC3339Nano)
	w.raw(`",`)
}

func (w *writer) optionalTime(name string, t time.Time) {
	if !t.IsZero() {
		w.time(name, t)
	}
}

func (w *writer) uint64(name string, n uint64) {
	w.raw(name)
	w.b = append(strconv.AppendUint(w.b, n, 10), ',')
}

func (w *writer) optionalUint64(name string, n uint64) {
	if n != 0 {
		w.uint64(name, n)
	}
}

func (w *writer) optional(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *writer) text(name, s string) {
	w.raw(name)
	w.string(s)
	w.b = append(w.b, ',')
}

func (w *writer) raw(s string) { w.b = append(w.b, s...) }

func (w *writer) open(bracket byte) { w.b = append(w.b, bracket) }

// close ends an object or array inside another.
func (w *writer) close(bracket byte) {
	w.end(bracket)
	w.b = append(w.b, ',')
}

// end ends an object or array.
func (w *writer) end(bracket byte) {
	if last := len(w.b) - 1; w.b[last] == ',' {
		w.b[last] = bracket
		return
	}
	w.b = append(w.b, bracket)
}

// string writes a JSON string. Only what must be is escaped, so that people can read what is there.
func (w *writer) string(s string) {
	w.b = append(w.b, '"')
	start := 0
	var high byte // has its upper bit where any byte had
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			high |= c
			continue
		}
		w.b = append(w.b, s[start:i]...)
		w.b = appendEscape(w.b, c)
		start = i + 1
	}
	w.b = append(append(w.b, s[start:]...), '"')
	if high >= utf8.RuneSelf && !utf8.ValidString(s) {
		w.err = errNotUTF8
	}
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		const hex = "0123456789abcdef"
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}
