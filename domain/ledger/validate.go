package ledger

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How much of everything there may be in a command.
const (
	MaxEntries = 2000 // a transaction's; it has at least 2

	maxReference   = 255 // bytes
	maxDescription = 4096
	maxYear        = 9999
	maxKeys        = 64
	maxKey         = 128
	maxValue       = 2048
	maxLedgerName  = 63
)

// Validate tests the shape of a command: all that is wrong with it whatever the book. The error is a [*Rejection] with
// one field for each fault, or nil. Addresses, assets, patterns and amounts were parsed, and are only tested for being there.
//
// The pointers are those of the command's JSON form in the API, a transaction's in the form with entries.
func Validate(c Command) error {
	var f faults
	switch c := c.(type) {
	case OpenLedger:
		f.openLedger(c)
	case OpenAccount:
		f.openAccount(c)
	case PostTransaction:
		f.movement(&c.Movement, false)
		f.preconditions(c.Preconditions)
		return f.balanced(c.Entries)
	case PlaceHold:
		f.placeHold(&c)
		return f.balanced(c.Entries)
	case CaptureHold:
		f.captureHold(&c)
		return f.balanced(c.Entries)
	case VoidHold:
		f.reason(c.Reason)
	case ExpireHold:
	case RevertTransaction:
		f.reason(c.Reason)
		f.when(c.EffectiveAt, c.Late)
	case ReplaceChart:
		f.chart("", c.Chart)
	case CloseAccount:
		f.named(c.Address, c.Reason)
	case ReopenAccount:
		f.named(c.Address, c.Reason)
	case SetAccountMetadata:
		f.named(c.Address, "")
		f.metadataPatch(c.Patch)
	case SetTransactionMetadata:
		f.metadataPatch(c.Patch)
	case ClosePeriod:
		f.through(c.Through)
		f.reason(c.Reason)
	case ReopenPeriod:
		f.through(c.Through)
		f.reason(c.Reason)
	case DeclareAssertion:
		f.declareAssertion(c)
	case EvaluateAssertion:
		f.evaluateAssertion(c)
	default:
		panic(fmt.Sprintf("ledger: Validate of a %T", c)) // the set is closed
	}
	return f.err()
}

// faults are the fields found wrong so far.
type faults []Field

// maxFaults is how many are told: whoever sends a million has no use for as many answers.
const maxFaults = 100

func (f *faults) addf(pointer, format string, args ...any) {
	if len(*f) == maxFaults {
		return
	}
	*f = append(*f, Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	first := (*f)[0]
	r := &Rejection{Code: InvalidField, Detail: fmt.Sprintf("%s: %s", first.Pointer, first.Detail), Fields: *f}
	if n := len(*f); n > 1 {
		r.Detail = fmt.Sprintf("%d fields are invalid; the first is %s", n, r.Detail)
	}
	return r
}

func (f *faults) openLedger(c OpenLedger) {
	if !validLedgerName(c.Name) {
		f.addf("/name", "want 1 to %d of a-z, 0-9 and -, not starting with -", maxLedgerName)
	}
	switch _, known := c.Template.Chart(); {
	case c.Template == "":
	case !known:
		f.addf("/template", "want %q or %q", General, Wallets)
	case c.Chart != nil:
		f.addf("/template", "give a template or a chart, not both")
	}
	if c.Chart != nil {
		f.chart("/chart", *c.Chart)
	}
	f.metadata(c.Metadata)
}

func (f *faults) openAccount(c OpenAccount) {
	if c.Address == "" {
		f.addf("/address", "want the address of an account")
	}
	if _, known := c.Type.kind(); !known && c.Type != "" {
		f.addf("/type", wantType)
	}
	if c.Limits.contradictory() {
		f.addf("/min_balance", "want no more than max_balance")
	}
	f.metadata(c.Metadata)
}

func (f *faults) time(pointer string, t time.Time) {
	if year := t.UTC().Year(); year < 1 || year > maxYear { // the zero time, where it stands for something, is in year 1
		f.addf(pointer, "want a year from 1 to %d", maxYear)
	}
}

func (f *faults) reference(s string) {
	f.text("/reference", s, maxReference)
	if strings.ContainsFunc(s, unicode.IsControl) {
		f.addf("/reference", "want no control characters")
	}
}

func (f *faults) text(pointer, s string, most int) {
	if len(s) > most {
		f.addf(pointer, "want at most %d bytes", most)
	}
	if !utf8.ValidString(s) {
		f.addf(pointer, "want valid UTF-8")
	}
}

func (f *faults) metadata(m Metadata) {
	if len(m) > maxKeys {
		f.addf("/metadata", "want at most %d keys", maxKeys)
		return
	}
	for _, key := range m.keys() {
		if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
			f.addf("/metadata", "want keys of 1 to %d bytes of valid UTF-8", maxKey)
			continue
		}
		f.text("/metadata/"+escapePointer(key), m[key], maxValue)
	}
}

func validLedgerName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-' && i > 0:
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxLedgerName
}

// escapePointer makes a name a segment of a JSON pointer (RFC 6901).
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
