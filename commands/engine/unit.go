package engine

import (
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// Command is a command and what is needed to recognise it when it comes again.
type Command[C any] struct {
	Command C
	// Key is the idempotency key, empty for none. Keys of different actors are different keys.
	Key string
	// Request is the digest of the request that carries the command: the same key with another digest is a misuse.
	// It is kept only where there is a key.
	Request envelope.Hash
}

// Unit is what a caller submits in one piece: one command, or many.
type Unit[C any] struct {
	Commands []Command[C]
	// Atomic: either all commands are accepted or none is.
	Atomic bool
	// DryRun: tell what would happen, and change nothing. Keys are neither looked at nor used up.
	DryRun bool
	// Key is a key of the caller for the whole unit, empty for none, and Request its digest. Where it is known with another
	// request, be it that of a single command, the unit fails with [ErrKeyReused] before anything is decided. The commands
	// that it is to protect have keys made of it by [PartKey], and its digest for their own.
	Key     string
	Request envelope.Hash
	// Actor is who issues the commands. Correlation and Causation go into the events' envelopes as they are.
	Actor       string
	Correlation string
	Causation   string
}

// Event is an event together with its metadata and place.
type Event[E any] struct {
	Event    E
	Envelope envelope.Envelope
	Revision eventstore.Revision
}

// Result is what became of a unit.
type Result[E any] struct {
	// Answers has one answer per command, in order.
	Answers []Answer[E]
	// Exists tells whether the stream has events, and Revision is the last one's after the unit was decided.
	Exists   bool
	Revision eventstore.Revision
}

// Answer is what became of one command: it was accepted (Err is nil), or rejected.
type Answer[E any] struct {
	// Events are those that the command caused. In a dry run they are those that it would cause: their envelopes
	// have a recorded time and an actor, but no id and no hash.
	Events []Event[E]
	// Replayed: the command's key was known, and Events are the original ones, read from the log again.
	Replayed bool
	// Err is the decider's rejection as it was returned, or [ErrKeyReused]; or [ErrTooLarge] where the unit had come to
	// its bound, for this command and all after it, which were not decided; or the decider's failure to encode or evolve
	// what it decided.
	Err error

	// known is where the original events of a replayed command stand.
	known span
}

// isNew tells whether the command was accepted now.
func (a Answer[E]) isNew() bool { return a.Err == nil && !a.Replayed }

// RefusedError is why an atomic unit was refused: one of its commands was.
type RefusedError struct {
	// Index is the place of that command in the unit, from 0.
	Index int
	// Err is what its answer would have been.
	Err error
}

// Error tells which command and why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("command %d of an atomic unit: %v", e.Index, e.Err)
}

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }
