// Package commands takes commands over HTTP, has them decided by the engines of the ledgers, and answers with what
// happened.
//
// A request comes in as JSON, is decoded strictly into a command of the domain (body.go, decode.go), and goes to the
// engine of its ledger as part of a unit. The events that come back are rendered as the answer (answer.go), a rejection
// as a problem (problem.go). A replay goes the same way, from the original events, so that it is the same answer.
//
// What is tested here is shape alone. Everything that needs a book is the domain's; everything about keys, order and
// durability is the engine's.
//
// What books do not keep, and some commands and answers need, is read from the log (history.go): the entries of a
// transaction to be reverted (lookup.go, submit.go), how a hold was placed (subject.go), what came before an assertion
// (upkeep.go), an earlier chart (charts.go).
//
// Reading order: ledgers.go, handlers.go, request.go, body.go, decode.go, movement.go, transaction.go, plain.go,
// answer.go, subject.go, problem.go, digest.go, submit.go, lookup.go; holds.go, reverts.go, metadata.go, accounts.go,
// periods.go, assertions.go, upkeep.go, verdicts.go; bulk.go, item.go, itemtypes.go, stream.go, lines.go.
package commands
