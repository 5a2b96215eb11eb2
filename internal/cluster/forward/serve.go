package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

// drainTimeout is how long requests of other nodes that are being answered may take when the node stops.
const drainTimeout = 20 * time.Second

// Answering is a worker (see package run) that has requests of other nodes answered by a handler, which is to have the middleware. It
// has to run on every node, also on one that owns nothing: it watches over the calls that this one makes.
func (f *Forwarder) Answering(handler http.Handler) *Answering {
	return &Answering{forwarder: f, handler: handler}
}

// Answering answers requests of other nodes.
type Answering struct {
	forwarder *Forwarder
	handler   http.Handler
}

// Name implements run.Worker.
func (a *Answering) Name() string { return "forwarded commands" }

// Run implements run.Worker. At its end it takes no more requests, and lets those end that it has.
func (a *Answering) Run(ctx context.Context) error {
	f := a.forwarder
	stopping := make(chan struct{})
	life, cut := context.WithCancel(httpx.WithStopping(context.WithoutCancel(ctx), stopping))
	defer cut()
	incoming, err := f.options.Conn.Subscribe(Subject(f.options.Member.Node().Name), func(m *nats.Msg) { a.hear(life, m) })
	if err != nil {
		return fmt.Errorf("subscribe to the requests of other nodes: %w", err)
	}
	f.watchSessions(ctx)
	close(stopping)
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	cutting := time.AfterFunc(drainTimeout, cut)
	defer cutting.Stop()
	f.busy.Wait()
	if err := incoming.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from the requests of other nodes: %w", err)
	}
	return nil
}

// watchSessions ends the calls to nodes that are gone, until ctx ends.
func (f *Forwarder) watchSessions(ctx context.Context) {
	for {
		changed := f.options.Member.Changed()
		f.endCallsToTheGone()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// hear takes what another node sends.
func (a *Answering) hear(ctx context.Context, m *nats.Msg) {
	f := a.forwarder
	fr, err := decode(m.Data)
	if err != nil || m.Reply == "" {
		f.log.WarnContext(ctx, "a message that is none of another node's is dropped", "subject", m.Subject)
		return
	}
	f.mu.Lock()
	x := f.serves[m.Reply]
	f.mu.Unlock()
	switch {
	case x != nil:
		x.deliver(fr)
	case fr.kind == opening:
		a.open(ctx, m.Reply, fr)
	case fr.kind != broken:
		_ = f.publish(m.Reply, frame{kind: unknown})
	}
}

func (f *Forwarder) publish(to string, fr frame) error {
	return f.options.Conn.Publish(to, fr.encode())
}

// open begins to answer a request.
func (a *Answering) open(ctx context.Context, from string, first frame) {
	f := a.forwarder
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		_ = f.publish(from, frame{kind: refused})
		return
	}
	f.busy.Add(1)
	x := newExchange(f.options.Silence, f.partSize(), func(fr frame) error { return f.publish(from, fr) })
	x.begin()
	f.serves[from] = x
	f.mu.Unlock()
	x.deliver(first)
	if !first.last {
		_ = x.send(frame{kind: present}) // so that the rest is sent
	}
	go func() {
		defer f.busy.Done()
		a.answer(ctx, x)
		x.end(errNotWaiting)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.serves, from)
	}()
}

// carried is what the middleware is told of a request of another node, and tells.
type carried struct {
	from    string // the node that it came to
	refused bool
}

type carriedKey struct{}

// answer has a request handled, and sends the answer.
func (a *Answering) answer(ctx context.Context, x *exchange) {
	f := a.forwarder
	given, err := readMessage(x.in)
	if err != nil {
		x.giveUp(err)
		return
	}
	how := &carried{from: given.Node}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, carriedKey{}, how))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, given.Method, given.Target, given.body)
	if err != nil {
		x.giveUp(err)
		return
	}
	request.RequestURI, request.Header, request.ContentLength = given.Target, given.Header, given.Length
	request.RemoteAddr = given.Peer
	if given.Length == 0 {
		request.Body = http.NoBody
	}
	go func() {
		select {
		case <-x.over:
			cancel() // nobody waits any more
		case <-ctx.Done():
		}
	}()
	w := &answerWriter{header: http.Header{}, to: x.out}
	completed := a.handle(w, request)
	switch {
	case how.refused:
		f.metrics.served.WithLabelValues("refused").Inc()
		_ = x.send(frame{kind: refused})
	case !completed:
		f.metrics.served.WithLabelValues("broken").Inc()
		x.giveUp(errGivenUp)
	default:
		outcome := "answered"
		if err := w.finish(); err != nil {
			outcome = "broken"
			x.giveUp(err)
		}
		f.metrics.served.WithLabelValues(outcome).Inc()
	}
}

// handle tells whether the handler came to its end. A panic breaks the exchange off, as it would a connection.
func (a *Answering) handle(w http.ResponseWriter, request *http.Request) (completed bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // what was panicked with is that itself
			a.forwarder.log.Error("handling a request of another node failed", "panic", p)
		}
	}()
	a.handler.ServeHTTP(w, request)
	return true
}

// answerWriter is an [http.ResponseWriter] that sends what is written to it, when it is more than a part or at its end.
type answerWriter struct {
	header http.Header
	to     *sender
	status int
	begun  bool
	kept   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.begun {
		return w.to.Write(p)
	}
	if w.kept.Len()+len(p) <= w.to.size {
		return w.kept.Write(p)
	}
	if err := w.begin(-1); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}

// begin sends the head and what was kept.
func (w *answerWriter) begin(length int64) error {
	w.begun = true
	err := writeHead(w.to, &head{Status: w.status, Header: endToEnd(w.header), Length: length})
	if err == nil {
		_, err = w.to.Write(w.kept.Bytes())
	}
	return err
}

// finish sends what is left.
func (w *answerWriter) finish() error {
	w.WriteHeader(http.StatusOK)
	if !w.begun {
		if err := w.begin(int64(w.kept.Len())); err != nil {
			return err
		}
	}
	return w.to.Close()
}

var _ io.Writer = (*answerWriter)(nil)
