package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// End is where the stream ends, as whoever publishes next has to know it.
type End struct {
	// Sequence is the number of the last message that was ever stored, be it there still or not: 0 where there was none.
	Sequence uint64
	// Last is the last event of the log that is known to have been published, without data and metadata. All before it were, too. It
	// is nil where none is known.
	Last *Event
}

// Ours tells which messages are events of the log: anybody may have published others, and the log may have been replaced.
type Ours func(*Event) (bool, error)

// End finds where the stream ends. Where its last messages are not of the log, the one before them is its last event; where none is, as
// after all have expired, that is what [Broker.Note] was told, if the stream has not lost messages since. It fails where the broker
// cannot be asked, and with what ours fails with.
func (b *Broker) End(ctx context.Context, ours Ours) (End, error) {
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	events, err := b.js.Stream(asking, Name)
	if err != nil {
		return End{}, fmt.Errorf("look up the JetStream stream %s: %w", Name, err)
	}
	state := events.CachedInfo().State
	end := End{Sequence: state.LastSeq}
	if state.Msgs > 0 {
		s := search{events: events, ours: ours}
		if end.Last, err = s.last(ctx, state.FirstSeq, state.LastSeq); err != nil || end.Last != nil {
			return end, err
		}
	}
	noted, err := b.noted(ctx)
	if err != nil || noted.Last == nil || noted.Sequence > end.Sequence {
		return end, err
	}
	if known, err := ours(noted.Last); err != nil || !known {
		return end, err
	}
	end.Last = noted.Last
	return end, nil
}

// search looks for the last event of the log in the stream.
type search struct {
	events jetstream.Stream
	ours   Ours
}

// last goes back from the last message, each step twice as far as the one before, to an event of the log, and from there halves the
// way to what was none. It is nil where it finds none down to the first message. Whatever event of the log it finds, all before that
// were published.
func (s search) last(ctx context.Context, first, last uint64) (*Event, error) {
	at, other := last, last+1 // other is the lowest number that was none
	found, err := s.load(ctx, at)
	for step := uint64(1); found == nil && err == nil; step *= 2 {
		if at == first {
			return nil, nil //nolint:nilnil // as documented
		}
		other = at
		at -= min(step, at-first)
		found, err = s.load(ctx, at)
	}
	for err == nil && other-at > 1 {
		middle := at + (other-at)/2
		var e *Event
		if e, err = s.load(ctx, middle); e == nil {
			other = middle
		} else {
			found, at = e, middle
		}
	}
	return found, err
}

// load reads a message. It is nil where that is no event of the log, or not there.
func (s search) load(ctx context.Context, sequence uint64) (*Event, error) {
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	msg, err := s.events.GetMsg(asking, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, fmt.Errorf("read message %d of the JetStream stream %s: %w", sequence, Name, err)
	}
	e, err := parseMsg(msg.Subject, msg.Header, msg.Data)
	if err != nil {
		return nil, nil //nolint:nilnil // somebody else published it
	}
	e.Data, e.Metadata = nil, nil
	known, err := s.ours(&e)
	if err != nil || !known {
		return nil, err
	}
	return &e, nil
}

// The note is the metadata of a consumer of the stream, which gets no message: it needs no right that a subscriber does not need, and
// lives, is copied and is removed with the stream.
const (
	noteConsumer = "daybook-relay"
	noteSubject  = Topic + ".none" // events have a ledger and a type
	noteKey      = "daybook-end"
)

// note is what is kept. Its form must stay readable by later versions.
type note struct {
	Sequence uint64 `json:"sequence"`
	Ledger   string `json:"ledger"`
	Revision uint64 `json:"revision"`
	Position string `json:"position"`
	ID       string `json:"id"`
}

// Note keeps the end at the broker, for the time when the stream has no message any more that says it.
func (b *Broker) Note(ctx context.Context, end End) error {
	if !b.js.Conn().IsConnected() {
		return ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	text, err := json.Marshal(note{
		Sequence: end.Sequence, Ledger: end.Last.Ledger, Revision: end.Last.Revision, Position: end.Last.Position, ID: end.Last.ID,
	})
	if err != nil {
		return err //nolint:wrapcheck // there is no such case
	}
	if _, err = b.js.CreateOrUpdateConsumer(ctx, Name, jetstream.ConsumerConfig{
		Durable: noteConsumer, Description: "Gets nothing; its metadata say what was published last",
		FilterSubject: noteSubject, DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy,
		Metadata: map[string]string{noteKey: string(text)},
	}); err != nil {
		return fmt.Errorf("keep what was published last as the JetStream consumer %s: %w", noteConsumer, err)
	}
	return nil
}

// noted reads the note; its event is nil where there is none.
func (b *Broker) noted(ctx context.Context) (End, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := b.js.Consumer(ctx, Name, noteConsumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return End{}, nil
	}
	if err != nil {
		return End{}, fmt.Errorf("look up the JetStream consumer %s: %w", noteConsumer, err)
	}
	var n note
	if err := json.Unmarshal([]byte(consumer.CachedInfo().Config.Metadata[noteKey]), &n); err != nil {
		return End{}, nil // somebody else's, or changed
	}
	return End{Sequence: n.Sequence, Last: &Event{Ledger: n.Ledger, Revision: n.Revision, Position: n.Position, ID: n.ID}}, nil
}
