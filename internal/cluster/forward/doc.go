// Package forward has requests answered by the node that owns the ledger which they are about: a request that comes to another
// node goes to the owner through NATS, whole, and the owner's answer comes back, as if it had been given here.
//
// It is a middleware around the handlers of commands ([Forwarder.Middleware]), and a worker that has requests from other nodes
// handled ([Forwarder.Answering]). Who owns what is told by package cluster; what requests mean is the handlers' business.
//
// # On the way
//
// A request and its answer are two streams of bytes, each a head in JSON followed by the body. A stream is cut into parts, as
// many as the largest message of NATS calls for: mostly there is one message each way. A sender has a few parts on the
// way that the receiver has not used up, so that a body without end is held up at its source. All of a node's messages go to
// one subject ([Subject]), and answers to a subject of each exchange's own. NATS may lose any of them: a part that is missing
// breaks the exchange, and while nothing else is to be said both sides say that they are still there.
//
// # What is not known
//
// A request that reached nobody, or one whose receiver says that it does not own the ledger, has done nothing: the owner is looked for
// again, for a while. One that was sent and not answered may have been carried out, or may be yet, by a node that was only paused. It
// is sent again where it has an idempotency key; if it is accepted then, it cannot be a second time. If it is refused, or has no
// key, its client is told that nobody knows. A request is forwarded once: the owner never passes it on.
//
// Reading order: forward.go, middleware.go, ask.go, serve.go, exchange.go, flow.go, frame.go.
package forward
