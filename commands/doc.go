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
// Reading order: ledgers.go, handlers.go, request.go, body.go, decode.go, transaction.go, plain.go,
// answer.go, problem.go, digest.go, bulk.go, item.go, stream.go, lines.go.
package commands
