// Package progress tells the nodes of a cluster how far the read models are, which one of them feeds.
//
// Queries on every node wait for revisions on their own [watermark.Board], and commands on every node are held up by their own
// [lag.Bound]. In a single process the projections tell both. In a cluster each node has a [Node] that does: it hears on plain NATS
// what the node that feeds the read models has committed, through its [Feed].
//
//	daybook.projected  from the feed, after each commit and every second: {"lacks": {projection: events},
//	                   "ledgers": {ledger: {projection: revision}}}; lacks is null until the feed knows
//	daybook.appended   from whoever appends: {ledger: its last revision}
//	daybook.awaited    from whoever waits for a revision: the projections need not let work gather
//
// Whoever feeds counts what the read models lack (see [lag.Count]): it is told once what the log has, and knows from daybook.appended what
// is added, whichever node appends it. A message that is lost is made up for by the next one about the same ledger, by what the
// projections take, and by those who wait, who look at the checkpoints themselves now and then. A node that hears nothing of
// what is lacking for a while takes it that nobody feeds the read models, and holds no commands up.
//
// Nothing is kept. It knows ledgers and projections as names only.
package progress
