package engine

import (
	"errors"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Why a whole unit fails. Those that come from the store are the store's own errors, named here so that callers need
// not know it. After all but ErrOutcomeUnknown nothing of the unit has been written.
var (
	// ErrKeyReused: the idempotency key was used before, with another request.
	ErrKeyReused = errors.New("the idempotency key was used with another request")
	// ErrInvalidUnit: the unit has no command, or a text that is not UTF-8.
	ErrInvalidUnit = errors.New("the unit is invalid")

	// ErrOverloaded: too much is waiting, or others wrote to the stream each time the unit was tried. Try again later.
	ErrOverloaded = eventstore.ErrOverloaded
	// ErrUnavailable: the store cannot be read or written at present.
	ErrUnavailable = eventstore.ErrUnavailable
	// ErrOutcomeUnknown: the store did not tell whether it had written the unit, and could not be asked afterwards.
	ErrOutcomeUnknown = eventstore.ErrOutcomeUnknown
	// ErrTooLarge: the store does not take the events of this unit in one piece.
	ErrTooLarge = eventstore.ErrTooLarge
	// ErrClosed: the engine or the store was closed.
	ErrClosed = eventstore.ErrClosed
	// ErrCorrupt: the stream is not what was written. Nothing is decided on it.
	ErrCorrupt = eventstore.ErrCorrupt
)
