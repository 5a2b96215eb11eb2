// Package relay publishes what the event store records: every event of every ledger, in commit order, to NATS.
//
// It reads the store through its port and publishes through Watermill, in batches of what waits. It keeps no state of its
// own: where it goes on is what the broker itself says was published last. Each event says which message of the stream it follows; where
// the stream ends otherwise it is refused, and the relay looks again. So the stream holds a part of the log without
// holes, whoever else publishes, and whenever relay and broker die. An event is never skipped; it may be published again where a
// broker lost what it had.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

// Broker is what the relay asks of the broker besides publishing. [stream.Broker] is one.
type Broker interface {
	// Ensure makes the stream that events are published to, where it is missing.
	Ensure(ctx context.Context) error
	// End finds where the stream ends. ours tells which of its messages are events of the log.
	End(ctx context.Context, ours stream.Ours) (stream.End, error)
	// Note keeps where the stream ends, for an End when none of its messages is left.
	Note(ctx context.Context, end stream.End) error
}

// Options tune a relay. Zero fields take the defaults.
type Options struct {
	// MaxEvents and MaxBytes bound what is published at a time: 1,000 events and 4 MiB by default.
	MaxEvents int
	MaxBytes  int
	// Backoff is the longest wait between attempts while the broker is away: 5 s by default.
	Backoff time.Duration
	Logger  *slog.Logger
	// Registry takes the relay's metrics; nil is none.
	Registry prometheus.Registerer
	// Now is the clock; it serves metrics, and tells when to note how far the stream is.
	Now func() time.Time
}

// Relay is the worker (see internal/run).
type Relay struct {
	store     eventstore.Store
	publisher message.Publisher
	broker    Broker
	options   Options
	log       *slog.Logger
	metrics   *metrics

	// end is where the stream ends, as far as this process knows.
	end stream.End
	// noted is when the broker was last told of an end, notedSequence of which.
	noted         time.Time
	notedSequence uint64
	// behind tells that something could not be published and was not since.
	behind bool
	// failure is why nothing can be published, or nil.
	failure atomic.Pointer[error]
}

const (
	firstBackoff = 20 * time.Millisecond
	// noteEvery is how much of what was published may be published again after the process was killed and all messages
	// have expired.
	noteEvery = time.Minute
	// noteAtMost is how long the end of the relay waits for the broker.
	noteAtMost = 250 * time.Millisecond
)

// New makes a relay from a store to a publisher behind which that broker is.
func New(store eventstore.Store, publisher message.Publisher, broker Broker, o Options) *Relay {
	if o.MaxEvents <= 0 {
		o.MaxEvents = 1000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 4 << 20
	}
	if o.Backoff <= 0 {
		o.Backoff = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Relay{
		store: store, publisher: publisher, broker: broker, options: o,
		log: o.Logger.With("worker", "relay"), metrics: newMetrics(o.Registry, o.Now),
	}
}

// Name is "relay".
func (r *Relay) Name() string { return "relay" }

// Run relays until ctx ends. It goes on for ever where the broker or the store fails, and returns an error only where
// the store was closed or its log is corrupt.
func (r *Relay) Run(ctx context.Context) error {
	pause, failing := firstBackoff, false
	recovered := func() {
		pause = firstBackoff
		r.failure.Store(nil)
		if failing {
			failing = false
			r.log.InfoContext(ctx, "publishing again")
		}
	}
	for {
		err := r.relay(ctx, recovered)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whatever failed, the worker was asked to end
		}
		if errors.Is(err, eventstore.ErrClosed) || errors.Is(err, eventstore.ErrCorrupt) {
			return err
		}
		r.metrics.failed()
		r.failure.Store(&err)
		if !failing {
			failing = true
			r.log.WarnContext(ctx, "cannot publish, trying again until it works", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, r.options.Backoff)
	}
}

// Ready tells why nothing can be published at the moment, or nil.
func (r *Relay) Ready(context.Context) error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// relay goes on where the broker says, until something fails. It calls succeeded after each batch, and as soon as the log
// can be read where no batch failed before.
func (r *Relay) relay(ctx context.Context, succeeded func()) error {
	after, err := r.resume(ctx)
	if err != nil {
		return err
	}
	r.log.DebugContext(ctx, "relaying", "after", after.String())
	if err := r.readable(ctx, after); err != nil {
		return err
	}
	if !r.behind {
		r.metrics.idle()
		succeeded()
		r.note(ctx)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	limits := backlog.Limits{Items: r.options.MaxEvents, Bytes: r.options.MaxBytes}
	waiting := backlog.New[eventstore.Recorded](limits)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		cancel(r.read(ctx, after, waiting))
	}()
	defer func() {
		cancel(nil)
		<-reading
	}()
	defer r.noteAtEnd(ctx)
	for {
		records, err := waiting.Take(ctx, limits)
		if err != nil {
			return context.Cause(ctx)
		}
		r.metrics.begin()
		r.behind = true
		if err := r.publish(records); err != nil {
			return err
		}
		r.behind = false
		r.metrics.done(len(records), waiting.Len())
		succeeded()
		r.note(ctx)
	}
}

// readable fails where the log cannot be read at present.
func (r *Relay) readable(ctx context.Context, after eventstore.Position) error {
	for _, err := range r.store.ReadAll(ctx, after) {
		if err != nil {
			return fmt.Errorf("read the log after %s: %w", after, err)
		}
		break
	}
	return nil
}

// read brings records to the backlog until the store fails or ctx ends.
func (r *Relay) read(ctx context.Context, after eventstore.Position, waiting *backlog.Backlog[eventstore.Recorded]) error {
	for record, err := range r.store.Subscribe(ctx, after) {
		if err != nil {
			return fmt.Errorf("read the log after %s: %w", after, err)
		}
		if err := waiting.Put(ctx, record, len(record.Data)+len(record.Metadata)); err != nil {
			return err //nolint:wrapcheck // the context's own
		}
		after = record.Position
	}
	return fmt.Errorf("read the log after %s: %w", after, errEnded)
}

var errEnded = errors.New("the subscription ended")

// publish publishes what the records of ledgers hold; others are no events of a ledger and concern nobody outside.
func (r *Relay) publish(records []eventstore.Recorded) error {
	events := make([]stream.Event, 0, len(records))
	for i := range records {
		if e, ok := event(&records[i]); ok {
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return nil
	}
	if err := r.send(events); err != nil {
		return fmt.Errorf("publish %d events up to %s: %w", len(events), events[len(events)-1].Position, err)
	}
	last := events[len(events)-1]
	last.Data, last.Metadata = nil, nil
	r.end = stream.End{Sequence: r.end.Sequence + uint64(len(events)), Last: &last}
	return nil
}

// eventPublisher is a publisher that takes events without a Watermill message around each, which would cost as much as
// publishing it does. [stream.Publisher] is one.
type eventPublisher interface {
	PublishEvents(after uint64, events []stream.Event) error
}

func (r *Relay) send(events []stream.Event) error {
	if p, ok := r.publisher.(eventPublisher); ok {
		return p.PublishEvents(r.end.Sequence, events)
	}
	messages := make([]*message.Message, len(events))
	for i, e := range events {
		messages[i] = stream.NewMessage(e)
	}
	messages[0].Metadata[stream.KeyAfter] = strconv.FormatUint(r.end.Sequence, 10)
	return r.publisher.Publish(stream.Topic, messages...)
}
