// Package envelope is the metadata of an event: who recorded it, when, why, and how it chains to the event before it.
//
// It is written by the command side, and read by everybody who reads the log: projections, queries, verifiers. Its
// bytes in the store are JSON that a person can read; its hash covers explicit, versioned, canonical bytes (see
// [Envelope.Seal]) and never the JSON.
package envelope

import "time"

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
