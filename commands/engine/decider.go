package engine

import (
	"io"
	"time"
)

// Decider is everything that the engine knows of what it runs: a state S, commands C that are decided against it, and
// events E from which it evolves. S is usually a pointer. All functions are given, but Happened need not be.
//
// For one stream the functions are called by one goroutine at a time; Encode and Decode are called by several at once.
type Decider[S, C, E any] struct {
	// New is the state of a stream without events.
	New func() S
	// Decide tells what happens if the command is accepted at the given time, or why it is not. The state stays as it is.
	Decide func(state S, command C, at time.Time) ([]E, error)
	// Evolve changes the state by an event. It fails, changing nothing, on an event that cannot follow.
	Evolve func(state S, event E) error

	// Begin remembers the state; Rollback returns to what was remembered; Commit forgets it. They are not nested.
	Begin, Commit, Rollback func(state S)

	// Encode and Decode turn an event into its form in the log and back. The engine keeps what Encode returns.
	Encode func(event E) (Payload, error)
	Decode func(payload Payload) (E, error)

	// Freeze gives the state as it is, to be written by another goroutine while this one goes on. It takes next to no time,
	// whatever is in the state. Thaw says that it was written, or will not be; one freeze follows the other's thaw.
	// Restore reads back what was written, and keeps nothing of the bytes it is given. HandOver: see [Names].
	Freeze  func(state S, handOver bool) Frozen
	Thaw    func(state S)
	Restore func(snapshot []byte) (S, error)

	// Names may be left out.
	Names Names[S, C, E]

	// Happened is told what each accepted command has caused, once, when this engine has appended it and that is durable;
	// not what a replay, a dry run or an append that failed speaks of, nor what is only read. The stream waits for it, and so
	// do the callers, who have not been answered yet. The events are not its own. See [Engines] for what it may miss.
	Happened func(stream string, events []Event[E])
}

// Frozen is a state as it was.
type Frozen interface {
	// WriteSnapshot writes the state.
	WriteSnapshot(to io.Writer) error
}

// Names are texts that belong to one event of a stream each, for ever, and that decisions ask for. As they become many
// the engine keeps them on the disk, and the state need not know them all.
type Names[S, C, E any] struct {
	// Of gives the name that an event takes, Wanted the one that a command would have taken; empty for none.
	Of     func(event E) string
	Wanted func(command C) string
	// Recall tells the state of the event that has a name which the next command wants, and which the state may have
	// forgotten. The state may forget it again when it is told of another.
	Recall func(state S, event E)
	// Forget says that the state need not know the names that it handed over with a freeze: neither what was frozen nor the
	// state has to have them from then on.
	Forget func(state S, handedOver Frozen)
}

// Payload is an event as the log has it.
type Payload struct {
	// Type and Schema name the form that the data are written in.
	Type   string
	Schema int
	Data   []byte
}
