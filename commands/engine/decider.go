package engine

import "time"

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

	// Snapshot appends the state to dst. Restore reads it back, and keeps nothing of the bytes it is given.
	Snapshot func(state S, dst []byte) []byte
	Restore  func(snapshot []byte) (S, error)

	// Happened is told what each accepted command has caused, once, when this engine has appended it and that is durable;
	// not what a replay, a dry run or an append that failed speaks of, nor what is only read. The stream waits for it, and so
	// do the callers, who have not been answered yet. The events are not its own. See [Engines] for what it may miss.
	Happened func(stream string, events []Event[E])
}

// Payload is an event as the log has it.
type Payload struct {
	// Type and Schema name the form that the data are written in.
	Type   string
	Schema int
	Data   []byte
}
