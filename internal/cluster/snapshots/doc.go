// Package snapshots shares the snapshots of ledgers' states among the nodes of a cluster, so that a node which takes over a ledger
// that it never had reads a snapshot and the end of the stream, rather than all of it.
//
// Each node keeps snapshots by itself ([Local]), and that stays the first place: what is saved is saved there, and then copied to a
// stream of JetStream, [Stream], beside whatever the node does. Before a snapshot is loaded, a newer one of another node is fetched into
// the node's own place, if that is worth it, and everything goes on as if it had always been there. Nothing depends on it: where
// anything is missing, damaged, too slow or of another log, the node uses what it has, and the log. Whoever loads a snapshot holds it to
// the log, here as there.
//
// # What is in the stream
//
//	daybook.snapshots.<ledger's stream>.manifest   one message: what there is of the ledger, by name, length and SHA-256
//	daybook.snapshots.<ledger's stream>.file.<id>  a file in parts, in order: a snapshot, or a run that it refers to
//
// A file is written once, under an id that nobody used before. The manifest is the only thing that is replaced, by
// compare-and-set:
//
//	read    the manifest and its sequence, and which files there are
//	send    the runs that the manifest does not have, and the snapshot
//	switch  the manifest, if it is still that of the sequence
//	sweep   the files that were there at first and that the new manifest does not name
//
// So whatever a manifest names was named by the one before it, or was sent since that was read; a sweep, however late, takes neither.
// Who dies in the middle leaves files that no manifest names, for the next sweep of the ledger. Who comes too late, paused or one of
// two rivals, finds the manifest switched and takes away what it sent. Who fetches while files are swept finds a manifest that is
// newer, and fetches that one.
//
// The package knows nothing of what is in a snapshot.
//
// Reading order: snapshots.go, manifest.go, publish.go, fetch.go, bucket.go, transfer.go.
package snapshots
