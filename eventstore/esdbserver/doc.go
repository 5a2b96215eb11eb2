// Package esdbserver serves a log over EventStoreDB's gRPC protocol: with a client for EventStoreDB, in whatever language,
// streams and the whole log are read in both directions and subscribed to. Any [eventstore.Store] can be behind it.
//
// As the product offers it, nobody can write through it: it is for auditors and downstream systems. Made writable it is
// the counterpart of eventstore/esdb in tests, and does what that relies on: expected revisions, and the recognition of
// an append that is sent again.
//
// # What is what
//
//   - A stream has the same name, a record the same revision, id and type in both worlds. The id of a record is the
//     event's id; its data are the event's data, its metadata the event's custom metadata, byte for byte.
//   - The content type is application/json where the data are JSON, which the log itself does not record.
//   - The commit position, to which the prepare position is always equal, is a record's place in the whole log as one
//     number that grows along it.
//   - The time of creation is what [Options.RecordedAt] finds in the record.
//
// Streams that begin with '$' do not exist: the log has neither metadata of streams nor links nor system projections.
// Nothing is ever deleted.
package esdbserver
