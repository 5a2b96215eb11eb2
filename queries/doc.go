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
// A ledger that was opened a moment ago may not be known to the read models yet. Whether a ledger exists is therefore
// asked of the log before it is answered as not found; one that exists is waited for. Events come from the log itself,
// and are there at once.
//
// Who follows a ledger (feed.go) is not served from the read models either. They only wake it, and it looks at the log by
// itself now and then; each follower has a page of events in memory at most, and is cut off if it does not take it.
//
// A statement shows what was known at one revision on all its pages: the one asked for, or that of the first page. What
// stood before its first line, plus its lines, is what stood after its last; without an end that includes entries that
// count in the future only.
//
// A balance is signed on the normal side of its account. A group of accounts that do not share a side has debits less
// credits.
//
// Reading order: queries.go, request.go, await.go, reader.go, snapshot.go, the pairs of serve and read, history.go, feed.go.
package queries
