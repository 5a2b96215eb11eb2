// Package pgstore keeps the event store in a PostgreSQL database, for any number of processes at once.
//
// An append is one call of a function in the database: one round trip, on any free connection. Where all are in use appends wait, and
// what waits is written together, in one transaction, by the next that is free; what one of them waits for in the database holds
// up none of the others. A unique index is the fence between writers of one stream. As in SQLite the records of an append are one
// row. See docs/adr/0037.
//
// Positions are given by a sequence, so that they become visible in another order than that of their numbers. Readers
// of the whole log stop before the first position that may still be on its way: each append marks where it began by a lock
// that readers see and nobody waits for. Appends are announced to other processes after they are committed, not by them,
// because PostgreSQL lets transactions that notify commit only one after the other. See docs/adr/0034.
//
// Reading order: store.go, schema/001.sql and 002.sql, append.go, queue.go, read.go, subscribe.go, announce.go, connect.go, migrate.go, log.go.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// Options are the settings of a store; the zero value of each stands for its default. What concerns connections is in
// the URL.
type Options struct {
	rowlog.Limits

	// ID is the identity that the log must have; empty for whichever it has, or a new one where there is none.
	ID string
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

// Store is an event store in a PostgreSQL database.
type Store struct {
	options Options
	log     *slog.Logger
	metrics *rowlog.Metrics
	id      string
	// limit bounds what this process waits for one statement: somewhat longer than the database lets it run.
	limit time.Duration

	queue   *queue
	appends *pgxpool.Pool
	reads   *pgxpool.Pool

	changed  rowlog.Bell   // rung when there may be something new to read
	appended chan struct{} // has an element where other processes are to be told

	closing chan struct{}      // closed by Close: ends reading and waiting
	life    context.Context    //nolint:containedctx // of the workers, and of what reads
	end     context.CancelFunc // ends life
	workers sync.WaitGroup
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the store in the database at a URL such as postgres://user:password@host:5432/database?sslmode=verify-full.
// It makes or migrates the tables where that is needed; other processes may do the same at the same time. A database
// whose tables a later version made, or that has another log than [Options] want, is refused as it is.
//
// The store keeps running after ctx has ended; Close ends it. It outlives the loss of the database: meanwhile everything
// fails with ErrUnavailable.
func Open(ctx context.Context, url string, options Options) (*Store, error) {
	return open(ctx, url, options, func(*pgxpool.Config) {})
}

// open lets tests adjust how the connections of appends are made.
func open(ctx context.Context, url string, options Options, adjust func(*pgxpool.Config)) (_ *Store, err error) {
	c, err := parse(url)
	if err != nil {
		return nil, err
	}
	adjust(c.appends)
	s, err := attach(ctx, c, options, migrate(options.ID))
	if err != nil {
		return nil, err
	}
	s.metrics, err = rowlog.NewMetrics(options.Registerer, s.queue.length)
	if err != nil {
		s.release()
		return nil, fmt.Errorf("open event store %s: %w", c.name, err)
	}
	s.workers.Go(func() { s.listen(c.listen) })
	s.workers.Go(s.announce)
	return s, nil
}

// attach makes a store that can read, once the tables were prepared.
func attach(
	ctx context.Context, c *connections, options Options, prepare func(context.Context, *pgx.Conn) error,
) (_ *Store, err error) {
	options, err = options.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		options: options, log: options.Logger.With("store", c.name),
		queue:    newQueue(options.MaxWaiting, 4*options.MaxAppendBytes, int(c.appends.MaxConns)),
		appended: make(chan struct{}, 1),
		closing:  make(chan struct{}),
	}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.connect(ctx, c, prepare); err != nil {
		s.release()
		return nil, fmt.Errorf("open event store %s: %w", c.name, err)
	}
	return s, nil
}

// Ready tells whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	return s.query(ctx, func(pgx.Rows) error { return nil }, `SELECT`)
}

// ID identifies the log for ever, wherever its database is moved to: a UUID.
func (s *Store) ID() string { return s.id }

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
	s.queue.wait()
	s.release()
	s.metrics.Unregister()
	return nil
}

// release ends the workers and closes the connections.
func (s *Store) release() {
	s.end()
	s.workers.Wait()
	for _, pool := range []*pgxpool.Pool{s.appends, s.reads} {
		if pool != nil {
			pool.Close()
		}
	}
}

// ended is the reason why a read cannot go on: the store is closed, or the context has ended.
func (s *Store) ended(ctx context.Context) error {
	select {
	case <-s.closing:
		return eventstore.ErrClosed
	default:
		return ctx.Err() //nolint:wrapcheck // wrapped by the sequence
	}
}

// bounded is ctx for one statement: it ends when the store is closed for good, and when the database takes too long to
// say that the statement takes too long.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, errors.New("the database does not answer"))
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}
