package eventstore

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Revision is the number of a record in its stream: 0, 1, 2 … without gaps.
type Revision uint64

// ID identifies a record for ever, across stores and transports: a UUID (version 7 when Daybook makes it).
type ID [16]byte

// AppendTo appends the id in the canonical form of a UUID.
func (id ID) AppendTo(b []byte) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// String gives the id in the canonical form of a UUID.
func (id ID) String() string { return string(id.AppendTo(make([]byte, 0, 36))) }

// Record is what is appended: an identity, an explicit type name, and two opaque byte strings.
type Record struct {
	ID ID
	// Type names the event, such as "TransactionPosted": 1 to 128 bytes of letters, digits, '-' and '_'.
	Type string
	// Data is the event itself.
	Data []byte
	// Metadata says who recorded it, when, and how it chains to the record before it.
	Metadata []byte
}

// Recorded is a record that has its place in the log.
type Recorded struct {
	Record

	Stream   string
	Revision Revision
	Position Position
}

// Appended says where the records of one append came to stand.
type Appended struct {
	// Last is the revision of the last record appended.
	Last Revision
	// Position is the place of that record in the whole log.
	Position Position
}

// Head is where a stream ends.
type Head struct {
	Stream string
	Last   Revision
}

// Position is a place in the whole log. It is ordered, and opaque to everybody but the store that issued it: it may be
// kept (as text) and given back, never computed with.
type Position struct {
	commit uint64
	item   uint64
}

// Start is the position before the first record.
var Start Position //nolint:gochecknoglobals // the zero value, named

// End is the position after every record, those to come included.
var End = Position{commit: math.MaxUint64, item: math.MaxUint64} //nolint:gochecknoglobals // a constant, which Go cannot declare

// NewPosition makes the position of the item-th record (from 0) of the commit-th unit of a store's log (from 1).
// Only stores call it; what the two numbers count is theirs to decide, as long as later records compare greater.
func NewPosition(commit, item uint64) Position { return Position{commit: commit, item: item} }

// Parts gives a store back the numbers it made the position from.
func (p Position) Parts() (commit, item uint64) { return p.commit, p.item }

// Compare is negative where p is before q, zero where they are the same place, positive where p is after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.commit, q.commit), cmp.Compare(p.item, q.item))
}

// String is the position as text, such as "81/3"; [ParsePosition] reads it back.
func (p Position) String() string {
	b := strconv.AppendUint(make([]byte, 0, 41), p.commit, 10)
	b = append(b, '/')
	return string(strconv.AppendUint(b, p.item, 10))
}

// ParsePosition reads what [Position.String] wrote.
func ParsePosition(s string) (Position, error) {
	commit, item, found := strings.Cut(s, "/")
	if !found {
		return Start, fmt.Errorf("position %q: want two numbers joined by a slash", s)
	}
	c, err := strconv.ParseUint(commit, 10, 64)
	if err != nil {
		return Start, fmt.Errorf("position %q: %w", s, err)
	}
	i, err := strconv.ParseUint(item, 10, 64)
	if err != nil {
		return Start, fmt.Errorf("position %q: %w", s, err)
	}
	return NewPosition(c, i), nil
}

// Expected is what an append demands of the stream it extends. It is one of [NoStream], [Any] and [At].
type Expected struct {
	kind     expectedKind
	revision Revision
}

type expectedKind uint8

const (
	expectNoStream expectedKind = iota
	expectAny
	expectAt
)

// NoStream demands that the stream has no record yet.
func NoStream() Expected { return Expected{kind: expectNoStream} }

// Any demands nothing.
func Any() Expected { return Expected{kind: expectAny} }

// At demands that the last record of the stream has this revision.
func At(r Revision) Expected { return Expected{kind: expectAt, revision: r} }

// Revision gives the revision that [At] demands; false where another is expected.
func (e Expected) Revision() (Revision, bool) { return e.revision, e.kind == expectAt }

// Holds tells whether a stream that exists or not, and whose last revision is head, is as expected.
func (e Expected) Holds(exists bool, head Revision) bool {
	switch e.kind {
	case expectNoStream:
		return !exists
	case expectAt:
		return exists && head == e.revision
	case expectAny:
		return true
	default:
		return false // no other can be made
	}
}

// Next is the revision that the first record appended will have: 0 where no stream is demanded, and where nothing is.
func (e Expected) Next() Revision {
	if e.kind == expectAt {
		return e.revision + 1
	}
	return 0
}

// String is for messages: "no stream", "any", or "revision 7".
func (e Expected) String() string {
	switch e.kind {
	case expectNoStream:
		return "no stream"
	case expectAt:
		return "revision " + strconv.FormatUint(uint64(e.revision), 10)
	case expectAny:
		return "any"
	default:
		return "nothing known"
	}
}
