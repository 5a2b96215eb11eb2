package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/cluster"
)

// message is a request or an answer: its head, and what follows.
type message struct {
	head

	body io.Reader
	// interrupt ends a reading of the body that waits; nil where none does for long.
	interrupt func()
}

// call is a request to another node, and its answer once that has begun.
type call struct {
	message // the answer

	*exchange

	forwarder *Forwarder
	owner     cluster.Owner
	number    string
	request   *message
	sending   chan struct{} // closed when nothing more of the request is sent
	watching  func() bool   // ends the watch over the client
}

// ask sends a request to a node, and returns when its answer has begun. After [errUnsent] and [errRefused] nothing was
// done. The call is to be closed.
func (f *Forwarder) ask(ctx context.Context, owner cluster.Owner, request *message) (*call, error) {
	c := &call{
		forwarder: f, owner: owner, request: request, number: strconv.FormatUint(f.count.Add(1), 36), sending: make(chan struct{}),
	}
	c.exchange = newExchange(f.options.Silence, f.partSize(), c.publish)
	c.out.hold()
	c.begin()
	f.mu.Lock()
	f.asked[c.number] = c
	f.mu.Unlock()
	c.watching = context.AfterFunc(ctx, func() { c.giveUp(context.Cause(ctx)) })
	if !f.options.Member.Alive(owner) { // it was looked up before it was entered among those that are told
		c.end(errUnsent)
	}
	go c.sendAll()
	answer, err := readMessage(c.in)
	if err != nil {
		err = fmt.Errorf("ask node %s: %w", owner.Node, c.why(err))
		c.close()
		return nil, err
	}
	c.message = answer
	return c, nil
}

// publish sends a frame to the node that is asked.
func (c *call) publish(fr frame) error {
	if fr.kind == part && fr.number == 0 {
		fr.kind = opening
	}
	if fr.kind == present && !c.isHeard() {
		return nil // what comes back of the opening must not be taken for an answer to this
	}
	return c.forwarder.options.Conn.PublishMsg(&nats.Msg{
		Subject: Subject(c.owner.Node), Reply: c.forwarder.inbox + "." + c.number, Data: fr.encode(),
	})
}

// sendAll sends the request.
func (c *call) sendAll() {
	defer close(c.sending)
	if err := writeMessage(c.out, c.request); err != nil {
		if c.out.begun() {
			c.giveUp(err)
		} else {
			c.end(errors.Join(errUnsent, err))
		}
	}
}

// why is why there is no answer: what ended the exchange, or else what was wrong with the answer.
func (c *call) why(err error) error {
	c.giveUp(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// close ends the call.
func (c *call) close() {
	c.watching()
	if c.in.isRead() {
		c.end(errNotWaiting)
	} else {
		c.giveUp(errNotWaiting)
	}
	c.awaitSending()
	c.forwarder.mu.Lock()
	defer c.forwarder.mu.Unlock()
	delete(c.forwarder.asked, c.number)
}

// awaitSending waits until nothing more of the request is sent. A reading of its body that begins just now is interrupted at
// the next attempt.
func (c *call) awaitSending() {
	const attempt = 10 * time.Millisecond
	for c.request.interrupt != nil {
		c.request.interrupt()
		select {
		case <-c.sending:
			return
		case <-time.After(attempt):
		}
	}
	<-c.sending
}

// noResponders is the status with which NATS says that nobody has subscribed.
const noResponders = "503"

// hearAnswer takes what other nodes send to the calls of this one.
func (f *Forwarder) hearAnswer(m *nats.Msg) {
	number := strings.TrimPrefix(m.Subject, f.inbox+".")
	f.mu.Lock()
	c := f.asked[number]
	f.mu.Unlock()
	if c == nil {
		return // it was given up
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == noResponders {
		if c.isHeard() {
			c.end(errOwnerGone)
		} else {
			c.end(errUnsent)
		}
		return
	}
	fr, err := decode(m.Data)
	if err != nil {
		c.giveUp(err)
		return
	}
	c.deliver(fr)
	c.out.release()
}

// endCallsToTheGone gives the calls up to nodes whose sessions are over. One that was only paused hears of it when it wakes, right
// after the request: it should not begin with what nobody waits for any more.
func (f *Forwarder) endCallsToTheGone() {
	f.mu.Lock()
	var gone []*call
	for _, c := range f.asked {
		if !f.options.Member.Alive(c.owner) {
			gone = append(gone, c)
		}
	}
	f.mu.Unlock()
	for _, c := range gone {
		c.giveUp(errOwnerGone)
	}
}
