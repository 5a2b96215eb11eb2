package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// pumped is how many messages are received before somebody takes them.
const pumped = 64

// pump receives the messages of one call in a goroutine of its own, so that whoever takes them waits no longer than a
// context allows, whatever the client does.
type pump[T any] struct {
	messages chan received[T]
	cancel   context.CancelFunc
	over     <-chan struct{} // of the session
}

type received[T any] struct {
	message T
	err     error
}

// start begins a call, and receives until receive fails. The pump is to be closed.
func start[T any](
	ctx context.Context, s *session, open func(context.Context) (receive func() (T, error), err error),
) (*pump[T], error) {
	ctx, cancel := context.WithCancel(ctx)
	call, end, err := s.begin(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	p := &pump[T]{messages: make(chan received[T], pumped), cancel: cancel, over: s.over}
	go func() {
		defer end()
		defer cancel()
		defer close(p.messages)
		p.run(ctx, func() (func() (T, error), error) { return open(call) })
	}()
	return p, nil
}

func (p *pump[T]) run(ctx context.Context, open func() (func() (T, error), error)) {
	receive, err := contained(open)
	for {
		var r received[T]
		if r.err = err; err == nil {
			r.message, r.err = contained(receive)
			err = r.err
		}
		select {
		case p.messages <- r:
		case <-ctx.Done():
			return
		}
		if r.err != nil {
			return
		}
	}
}

// contained has the client do something. It panics at messages that it does not know, and at answers that lack what it looks
// for.
func contained[T any](do func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the client of EventStoreDB does not understand the server: %v", p)
		}
	}()
	return do()
}

// next waits for a message.
func (p *pump[T]) next(ctx context.Context) (message T, err error) {
	select {
	case r, ok := <-p.messages:
		if !ok {
			return message, io.ErrUnexpectedEOF // it was closed
		}
		return r.message, r.err
	case <-p.over:
		return message, errAbandoned
	case <-ctx.Done():
		return message, ctx.Err() //nolint:wrapcheck // wrapped by the calls
	}
}

func (p *pump[T]) close() { p.cancel() }

// events are what one call of the client reads.
type events struct{ *pump[*client.RecordedEvent] }

// read begins a call that reads. It is to be closed.
func (s *session) read(ctx context.Context, open func(context.Context) (*client.ReadStream, error)) (events, error) {
	p, err := start(ctx, s, func(ctx context.Context) (func() (*client.RecordedEvent, error), error) {
		stream, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return func() (*client.RecordedEvent, error) {
			resolved, err := stream.Recv()
			if err != nil {
				return nil, err //nolint:wrapcheck // told apart by persist
			}
			if event := resolved.OriginalEvent(); event != nil {
				return event, nil
			}
			return nil, errNoEvent
		}, nil
	})
	return events{p}, err
}

// errNoEvent means that the server sent an event without anything in it.
var errNoEvent = errors.New("the server of EventStoreDB sent an empty event")

// errBrokenOff means that the server ended a reading before the end that it has itself told of. EventStoreDB does so, without
// an error, where something fails while it reads.
var errBrokenOff = errors.New("the server of EventStoreDB ended a reading too early")

// all are the events up to the end of the reading.
func (e events) all(ctx context.Context) iter.Seq2[*client.RecordedEvent, error] {
	return func(yield func(*client.RecordedEvent, error) bool) {
		for {
			event, err := e.next(ctx)
			if errors.Is(err, io.EOF) || !yield(event, err) || err != nil {
				return
			}
		}
	}
}
