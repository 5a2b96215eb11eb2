// Package sqlstore keeps the event store in a SQLite file: the default, and durable.
//
// One goroutine writes. It takes all appends that wait, of all streams, executes them in one transaction, and answers
// each when that is on the disk: one sync for many appends. The records of one append are one row (see rowlog), so
// that an event costs little more than copying its bytes. Reads have connections of their own and never wait for the
// writer, nor hold it up: they read a page, end their transaction, and hand the page out.
//
// Another process may append to the same file. The expected revision is tested inside the transaction that writes, so
// that correctness does not depend on being alone; subscriptions learn of such appends by looking every so often.
//
// Reading order: store.go, queue.go, writer.go, session.go, settle.go, read.go, page.go, subscribe.go, file.go.
package sqlstore

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

// Options are the settings of a store; the zero value of each stands for its default.
type Options struct {
	rowlog.Limits

	// Logger takes what operators must know; nil for nothing.
	Logger *slog.Logger
	// Registerer takes the store's metrics; nil for none.
	Registerer prometheus.Registerer
}

func (o Options) withDefaults() (Options, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	err := o.FillIn()
	return o, err //nolint:wrapcheck // it says all
}

// Store is an event store in a SQLite file.
type Store struct {
	path    string
	options Options
	log     *slog.Logger
	metrics *metrics
	queue   *queue
	readers *sqlx.DB

	writer  sync.WaitGroup // the writer's goroutine
	closing chan struct{}  // closed by Close: ends waiting
	alive   sync.RWMutex   // held for reading while a page is read, so that Close waits for it

	changed rowlog.Bell // rung after each commit
	// tail has what was committed last.
	tail tail
	// unsettled is true while the outcome of a commit is not known for good: see settle.go.
	unsettled atomic.Bool

	hooks atomic.Pointer[hooks] // nil in production
}

// hooks let tests reach into the writer. Each may be nil.
type hooks struct {
	// transaction runs in the writer's goroutine before each transaction.
	transaction func(*session)
	// commit stands in for the session's commit.
	commit func(*session) error
	// settle runs before each attempt to settle, which fails where it does.
	settle func() error
}

func (s *Store) hook() hooks {
	if h := s.hooks.Load(); h != nil {
		return *h
	}
	return hooks{}
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the store in the file at path. A file that is missing is created, with its directory; one that is there is
// taken as it is, and refused where it is not an event store of a format known here.
//
// The store keeps running after ctx has ended; Close ends it.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err = prepareFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	s := &Store{
		path:    path,
		options: options,
		log:     options.Logger.With("store", path),
		queue:   newQueue(options.MaxWaiting, 4*options.MaxAppendBytes),
		closing: make(chan struct{}),
	}
	session, err := openSession(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	var keeper *walkeeper.Keeper
	s.readers, err = openReaders(path)
	if err == nil {
		keeper, err = openKeeper(path)
	}
	if err == nil {
		s.metrics, err = newMetrics(options.Registerer, s.queue)
	}
	if err != nil {
		session.close()
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	s.writer.Go(func() { s.write(session, keeper) }) //nolint:contextcheck // it outlives the opening
	return s, nil
}

// Append implements [eventstore.Store].
func (s *Store) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	if err := eventstore.CheckAppend(stream, records, s.options.MaxAppendBytes); err != nil {
		return eventstore.Appended{}, err //nolint:wrapcheck // says all there is to say
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", stream, err)
	}
	// Encoded here, in the caller's goroutine, so that the writer only has to pass bytes on.
	r := newRequest(stream, expected, records)
	if err := s.queue.push(r); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", stream, err)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if s.queue.withdraw(r) {
			return eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", stream, ctx.Err())
		}
		// It is being written. That takes no longer than the disk does, and then the outcome is known.
		<-r.done
	}
	return r.appended, r.err
}

// Traits implements [eventstore.Store].
func (s *Store) Traits() eventstore.Traits {
	return eventstore.Traits{MaxAppendBytes: s.options.MaxAppendBytes, Withdraws: true}
}

// Close implements [eventstore.Store].
func (s *Store) Close() error {
	if !s.queue.close() {
		return nil
	}
	close(s.closing)
	s.writer.Wait()
	s.metrics.Unregister()
	return nil
}

// isClosing tells whether Close was called.
func (s *Store) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}
