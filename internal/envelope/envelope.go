// Package envelope is the metadata of an event: who recorded it, when, why, and how it chains to the event before it.
//
// It is written by the command side, and read by everybody who reads the log: projections, queries, verifiers. Its
// bytes in the store are JSON that a person can read (see [Envelope.AppendJSON]); its hash covers explicit, versioned,
// canonical bytes and never the JSON.
//
// # Canonical bytes, version 1
//
// The hash of an event is the SHA-256 of the following, without separators. Integers are unsigned and big-endian,
// except for the seconds, which are signed (two's complement). A text is its length in bytes as 4 bytes, then its
// UTF-8 bytes.
//
//	 1  16 bytes  the ASCII letters "daybook event v1": what is hashed, and the version of this list
//	 2  text      stream
//	 3   8 bytes  revision
//	 4  text      type
//	 5   4 bytes  schema
//	 6  16 bytes  id
//	 7   8 bytes  recorded time, seconds since 1970-01-01T00:00:00Z
//	 8   4 bytes  recorded time, nanoseconds in that second
//	 9  text      actor
//	10  text      correlation
//	11  text      causation
//	12  text      idempotency key
//	13  32 bytes  request digest (zeros where there is none)
//	14  32 bytes  hash of the stream's preceding event (zeros before the first)
//	15  32 bytes  SHA-256 of the event's data
//
// The data themselves are not covered, only their digest: data can be erased later, and who keeps the digest can still
// prove everything else.
package envelope

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Hash is a SHA-256 digest. The zero hash stands before a stream's first event.
type Hash [32]byte

// Envelope is the metadata of one event.
type Envelope struct {
	// ID is the event's id, the same as its record's.
	ID [16]byte
	// Schema is the version of the event type that the data are written in, from 1.
	Schema int
	// RecordedAt is when the event was written, in UTC; it never decreases along a stream.
	RecordedAt time.Time
	// Actor is who issued the command.
	Actor string
	// Correlation ties together what belongs to one request; Causation is what led to the command. Both may be empty.
	Correlation string
	Causation   string
	// Key is the command's idempotency key, or empty; Request is the digest of the request that used it.
	Key     string
	Request Hash
	// Previous is the hash of the stream's preceding event, Hash that of this one.
	Previous Hash
	Hash     Hash
}

// Place is where an event stands: what its hash covers besides the envelope and the data.
type Place struct {
	Stream   string
	Revision uint64
	Type     string
}

// ErrHash means that an event is not what its hash says.
var ErrHash = errors.New("the hash does not cover the event as it is")

// Seal sets e.Hash to the hash of the event that stands at the given place with the given data. Everything else in e,
// Previous included, has been set before. It fails on an envelope that [Parse] would not give back as it is: a text that
// is not UTF-8, a schema below 1, a recorded time that is not in UTC or not in the years 1 to 9999.
func (e *Envelope) Seal(place Place, data []byte) error {
	if err := e.check(); err != nil {
		return fmt.Errorf("seal event %d of %q: %w", place.Revision, place.Stream, err)
	}
	e.Hash = e.sum(place, data)
	return nil
}

// Verify tells whether the event that stands at the given place with the given data is the one that was sealed. Its
// error is [ErrHash]. That e.Previous is the hash of the preceding event is for the caller to compare.
func (e *Envelope) Verify(place Place, data []byte) error {
	if e.Hash != e.sum(place, data) {
		return fmt.Errorf("event %d of %q: %w", place.Revision, place.Stream, ErrHash)
	}
	return nil
}

func (e *Envelope) check() error {
	if e.Schema < 1 || e.Schema > math.MaxInt32 {
		return fmt.Errorf("schema %d: want 1 or more", e.Schema)
	}
	if year := e.RecordedAt.Year(); e.RecordedAt.Location() != time.UTC || year < 1 || year > 9999 {
		return fmt.Errorf("recorded time %v: want UTC, in the years 1 to 9999", e.RecordedAt)
	}
	for _, text := range [...]string{e.Actor, e.Correlation, e.Causation, e.Key} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q is not UTF-8", text)
		}
	}
	return nil
}
