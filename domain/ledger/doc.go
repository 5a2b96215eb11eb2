// Package ledger is the decider of a double-entry ledger: which commands are accepted, what happens then, and what a
// ledger's book is after it happened.
//
//	Decide: book, command, time → events, or a rejection      (the book is unchanged)
//	Evolve: book, event → book
//
// Both are plain functions over closed sets ([Command], [Event]). The same Evolve serves the engine that takes commands,
// the verifier that replays history, and the tests. The package does no I/O, knows no clock, no context, no randomness
// and no logging: the time comes in with the command.
//
// Reading order: types.go, command.go, event.go, rejection.go, book.go, decide.go, evolve.go, chart.go, codec.go.
package ledger
