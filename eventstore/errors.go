package eventstore

import (
	"errors"
	"fmt"
)

// The ways in which a store fails. "Append failed" and "outcome unknown" are different: after the first nothing was
// written, after the second only the log can tell.
var (
	// ErrConflict: the stream is not as the append expected. See [ConflictError] for how it is.
	ErrConflict = errors.New("the stream is not at the expected revision")
	// ErrOutcomeUnknown: the append may or may not have been written.
	ErrOutcomeUnknown = errors.New("the outcome of the append is unknown")
	// ErrInvalid: the append is not one that any store takes: no records, or a bad name of a stream or a type.
	ErrInvalid = errors.New("the append is invalid")
	// ErrTooLarge: the append exceeds what the store takes in one piece.
	ErrTooLarge = errors.New("the append is too large")
	// ErrOverloaded: the store took up nothing because too much is waiting. Try again later.
	ErrOverloaded = errors.New("the store is overloaded")
	// ErrUnavailable: the store cannot do it at present (disk full, connection lost). Nothing was written.
	ErrUnavailable = errors.New("the store is unavailable")
	// ErrStreamNotFound: no record was ever appended to the stream.
	ErrStreamNotFound = errors.New("the stream does not exist")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrCorrupt: what is stored is not what was written.
	ErrCorrupt = errors.New("the log is corrupt")
)

// ConflictError is the [ErrConflict] that says what was expected and what is there.
type ConflictError struct {
	Stream   string
	Expected Expected
	// Exists is false where the stream has no record; Actual is the revision of its last record otherwise.
	Exists bool
	Actual Revision
}

// Error tells both sides of the conflict.
func (e *ConflictError) Error() string {
	if !e.Exists {
		return fmt.Sprintf("stream %q: expected %s, but it does not exist", e.Stream, e.Expected)
	}
	return fmt.Sprintf("stream %q: expected %s, but it is at revision %d", e.Stream, e.Expected, e.Actual)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
