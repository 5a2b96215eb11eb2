// Package cluster lets several processes ("nodes") share the work on the same stores: each ledger's commands are decided by one
// node at a time, and each singleton (the relay, the projections) is done by one.
//
// It is about speed, never about truth. Whoever appends to the event store is fenced by the expected revision, the relay's
// duplicates by the readers' revisions, the projector by its checkpoints. Two nodes that both take a ledger for theirs get
// in each other's way and harm nothing, so nothing here has to be right about time.
//
// Everything is kept in a bucket of JetStream's key-value store, [Bucket], in three kinds of keys:
//
//	node.<name>       a session: who the node is, for as long as it renews it (Options.Lease)
//	ledger.<name>     whose the ledger is: a node and its session
//	singleton.<name>  the same of a singleton
//
// A claim holds for as long as the session that it names lives, so that what has to be renewed grows with the nodes and not
// with the ledgers. A claim whose session is gone is anybody's, by compare-and-set. A session ends when its node stops, at once;
// when its node does not renew it, which the server finds out; and never comes back, not even for the same node. Every
// node watches the bucket, so that looking up an owner asks nobody.
//
// A ledger goes to the node that is asked for it first, and later to the one where nearly all of its commands come in: its owner makes
// the claim that one's. So it is whoever sends the commands, as a balancer, that divides the ledgers among the nodes.
//
// # What others need
//
//	member, err := cluster.New(cluster.Options{…})  // start it as a worker (see package run); stopping it ends its session
//	member.Locate(ctx, ledger)                      // who decides for a ledger: this node, if nobody did
//	member.Asked(ledger, node)                      // a command came in at that node
//	member.Owner(ledger)                            // who does at present, if anybody; asks and takes nothing
//	member.Lead(ctx, "relay", work)                 // waits for its turn, and runs work for as long as that lasts
//	member.Picture()                                // all nodes, what they own and lead: for an operator
//	member.Ready()                                  // why this node has no part in the cluster at present
//
// # Without NATS
//
// A node that cannot renew its session goes on with what it owns until the session is over by its own clock, and then is
// alone: nobody can be asked who owns what, so it decides commands for whatever ledger they are. The event store keeps
// several such nodes apart, at the price of conflicts. Singletons stop instead: their work needs NATS, or can wait.
//
// The package knows nothing of HTTP (see its sub-package forward), of the event store and of what commands are.
//
// Reading order: member.go, session.go, view.go, watch.go, claim.go, follow.go, singleton.go, picture.go.
package cluster
