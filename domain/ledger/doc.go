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
// Commands come in from the command side, which has parsed their addresses, assets and amounts; events go out to the
// log as JSON ([Encode]), and come back from there ([Decode]) to everybody who reads history. A book is kept between
// two runs as a snapshot ([Book.AppendSnapshot]).
//
// Reading order: types.go, command.go, event.go, rejection.go say what there is; book.go is the state, validate.go,
// decide.go and evolve.go are the rules, chart.go and template.go which of them hold for an account. Whatever moves
// (post.go, hold.go, revert.go) comes to an effect that touch.go gathers and judge.go judges. codec.go and snapshot.go
// are the two forms in bytes; index.go, journal.go and texts.go what a book is made of.
package ledger
