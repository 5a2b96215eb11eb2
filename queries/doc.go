// Package queries answers what clients ask about ledgers.
//
// Rows come in from the read models that the projections keep: SQL views, named in docs/schema.md, of a database that
// this package only reads. History comes in from the event store, in history.go and nowhere else. Answers go out over
// HTTP as the types of internal/wire. Nothing here writes, decides, or knows how a row came to be.
//
// A request goes through three layers, each in its own files: a handler (serve_*.go) reads the parameters, a wait
// (await.go) holds it until the projections have reached the revision that it demands, and a reader (read_*.go) takes
// the rows, and the revision that they reflect, from one state of the database.
//
// Reading order: queries.go, request.go, await.go, reader.go, the pairs of serve and read, history.go.
package queries
