// Package engine runs a decider over streams of events: it loads a stream's state, decides commands against it, appends
// what happened, and answers when that is durable. It knows nothing of ledgers.
//
// Units of commands come in from the HTTP handlers through [Engines.Submit]; events go out to the event store, and back
// to the handlers as answers. The engine may import the event store's port, the envelope and the runs on the disk, and no
// domain.
//
// # How a unit goes through
//
// For each stream in use one goroutine owns the state (stream.go, to be read first):
//
//	decide   Every unit that waits is decided, one after another, against the state as it evolves: idempotency key,
//	         Decide, Evolve, encode, seal. Its events join the open batch.
//	append   When no append is under way, the open batch is appended with the expected revision. Meanwhile the units
//	         that come in are decided on top of it, into the next batch.
//	answer   When the append returns, the callers of its batch are answered. Everything that was decided on top of
//	         something not yet durable waits for it, rejections and replays too, because they tell of it.
//
// # When the append does not succeed
//
//	conflict          Somebody else wrote. What was speculated is dropped, the stream loaded again, the same units
//	                  decided again; a bounded number of times.
//	outcome unknown   The same, but first the log is asked whether it has the batch, by the id of its first event. A
//	                  batch that is not there might still arrive: that stays in doubt until another event stands in its
//	                  place, and until then nobody is told that his unit failed.
//	too large         The batch is halved between its units. A unit that is too large by itself fails.
//	not written       The units fail, and the state is loaded again for the next one.
//
// Correctness rests on the expected revision alone, never on being the only writer. A batch without events has no
// append to fence it, so the log is asked whether the stream is still as it was, before a rejection is told.
//
// # What is saved
//
// Every so often the state is frozen between two batches, and written by another goroutine (snapshotter.go, saving.go). What
// comes after it is read from the log at the next load. Idempotency keys and names that are too many for memory are handed
// over to runs (register.go, recall.go, merging.go), which the snapshot names: runs first, then the snapshot, and only then
// what it no longer needs is removed and what was handed over leaves memory. Nothing of it is more than an index of the log:
// what does not fit the log is dropped, and the stream read from its beginning.
package engine
