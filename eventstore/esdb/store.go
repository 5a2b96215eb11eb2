// Package esdb keeps the event store in EventStoreDB or KurrentDB, through the official client: for more than one machine.
//
// It is the only room that knows that client, and what is wrong with it (see session.go, pump.go, codec.go, url.go): calls honour their
// contexts, connections that broke are made anew, subscriptions and readings go on where they were. An append whose
// outcome nobody knows is sent again: EventStoreDB recognises it by the ids of its events.
//
// How streams, positions, ids and metadata are mapped is written in docs/adr/0029. All that is read comes from the leader
// of the cluster, for others may not have it yet. What does not have the form of Daybook's events, such as what
// EventStoreDB writes itself, is passed over.
//
// Reading order: store.go, url.go, append.go, attempt.go, read.go, subscribe.go, persist.go, session.go, event.go,
// identity.go, log.go, codec.go.
package esdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Options are the settings of a store; the zero value of each stands for the default in brackets.
type Options struct {
	// ID is the identity that the log must have; empty for whichever it has, or a new one where there is none.
	ID string
	// MaxWaiting is how many appends may be under way before more are refused with ErrOverloaded [64]. Servers take
	// about a hundred calls on one connection, subscriptions and readings among them.
	MaxWaiting int
	// Attempts is how often an append is sent while its outcome is unknown [5].
	Attempts int
	// Logger takes what operators must know; nil for nothing.
	Logger *slog.Logger
	// Registerer takes the store's metrics; nil for none.
	Registerer prometheus.Registerer
}

// Store is a log in EventStoreDB.
type Store struct {
	settings settings
	options  Options
	metrics  *metrics
	id       string // of the log

	waiting chan struct{} // has an element for each append that is under way

	life    context.Context //nolint:containedctx // ends with Close, and with it all readings
	closing context.CancelFunc
	alive   sync.RWMutex // held for reading by appends, so that Close waits for them

	mu       sync.Mutex
	closed   bool
	current  *session       // the connection in use, which may have broken; nil before the first
	dialling *dialling      // a connection that is being made; nil for none
	sessions sync.WaitGroup // connections and what makes them
}

var _ eventstore.Store = (*Store)(nil)

// Open connects to the server, or to the cluster, that the URL names, such as "esdb://user:secret@host:2113?tls=true": a
// connection string of EventStoreDB, with "maxAppendSize", in bytes, as a further parameter for servers that take more or less
// than 1 MiB in one append. Where there is no log of Daybook yet it begins one. Another log than [Options] want is refused.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	return attach(ctx, url, o, false)
}

// attach opens a store; one to be read alone has to be there already.
func attach(ctx context.Context, url string, o Options, readOnly bool) (*Store, error) {
	settings, err := parse(url)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 64)
	o.Attempts = cmp.Or(o.Attempts, 5)
	life, closing := context.WithCancel(context.Background())
	s := &Store{
		settings: settings, options: o, metrics: newMetrics(o.Registerer),
		waiting: make(chan struct{}, o.MaxWaiting), life: life, closing: closing,
	}
	if _, err = s.session(ctx); err != nil {
		err = fmt.Errorf("connect to EventStoreDB: %w", err)
	} else if err = s.identify(ctx, o.ID, readOnly); err != nil {
		err = fmt.Errorf("open the log in EventStoreDB: %w", err)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Ready tells whether the log can be read.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.end(ctx)
	return err
}

// Traits implements [eventstore.Store].
func (s *Store) Traits() eventstore.Traits {
	return eventstore.Traits{MaxAppendBytes: s.settings.maxAppendBytes(), RecognisesRepetition: true}
}

// closeTimeout bounds how long Close waits for the client. Connections end at once, unless the client hangs.
const closeTimeout = 10 * time.Second

// Close implements [eventstore.Store].
func (s *Store) Close() error {
	s.closing() // new appends are refused, readings end
	s.alive.Lock()
	defer s.alive.Unlock()
	s.mu.Lock()
	current, again := s.current, s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.metrics.unregister(s.options.Registerer)
	if current != nil {
		current.retire()
	}
	ended := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-time.After(closeTimeout):
		return errors.New("close the connection to EventStoreDB: its client has not ended")
	}
}

// ended is the reason why a call cannot go on: the store is closed, or the context has ended.
func (s *Store) ended(ctx context.Context) error {
	if s.life.Err() != nil {
		return eventstore.ErrClosed
	}
	return ctx.Err() //nolint:wrapcheck // wrapped by the calls
}
