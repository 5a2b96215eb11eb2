package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Engines has one engine for each stream that is in use. It is safe for concurrent use.
//
// What [Decider.Happened] is told is told at most once. It is not told of an append that became durable as the process
// died, nor of one in doubt of which the log told nothing before its callers were answered [ErrOutcomeUnknown].
type Engines[S, C, E any] struct {
	store   eventstore.Store
	decider Decider[S, C, E]
	options Options
	metrics *metrics

	// life ends when Close gives up; it is the context of what the streams do.
	life    context.Context //nolint:containedctx // the lifetime of goroutines that belong to no caller
	end     context.CancelFunc
	running sync.WaitGroup

	mu     sync.RWMutex
	live   map[string]*stream[S, C, E]
	closed bool
}

// New makes engines over a store. Close them before the store.
func New[S, C, E any](store eventstore.Store, decider Decider[S, C, E], options Options) *Engines[S, C, E] {
	options = options.withDefaults(store.Traits())
	life, end := context.WithCancel(context.Background())
	return &Engines[S, C, E]{
		store: store, decider: decider, options: options, metrics: newMetrics(options.Registerer),
		life: life, end: end, live: map[string]*stream[S, C, E]{},
	}
}

// Submit has a unit decided against the stream's state, and returns when all that its result rests on is durable. The
// error is why the unit failed as a whole: one of this package's errors, a [*RefusedError], or the context's. A command
// that was rejected is no such error, but for the one in an atomic unit.
//
// Where ctx ends first, the unit may still be accepted. Submitting it again with the same keys finds out. The caller
// leaves the unit's commands as they are after Submit.
func (e *Engines[S, C, E]) Submit(ctx context.Context, stream string, unit Unit[C]) (Result[E], error) {
	if err := unit.check(); err != nil {
		return Result[E]{}, err
	}
	j := &job[C, E]{Unit: unit, ctx: ctx, done: make(chan struct{})}
	if err := e.enqueue(stream, j); err != nil {
		return Result[E]{}, err
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return Result[E]{}, fmt.Errorf("wait for the unit's outcome: %w", ctx.Err())
	}
	if j.err != nil {
		return Result[E]{}, j.err
	}
	if err := e.replay(ctx, stream, j.result.Answers); err != nil {
		if slices.ContainsFunc(j.result.Answers, Answer[E].isNew) {
			return Result[E]{}, fmt.Errorf("%w: some of the unit was written now, and what was before cannot be read: %v",
				ErrOutcomeUnknown, err) //nolint:errorlint // that something cannot be read does not say that nothing was written
		}
		return Result[E]{}, err
	}
	return j.result, nil
}

func (u *Unit[C]) check() error {
	if len(u.Commands) == 0 {
		return fmt.Errorf("%w: it has no command", ErrInvalidUnit)
	}
	valid := utf8.ValidString(u.Actor) && utf8.ValidString(u.Correlation) && utf8.ValidString(u.Causation)
	for i := range u.Commands {
		valid = valid && utf8.ValidString(u.Commands[i].Key)
	}
	if !valid {
		return fmt.Errorf("%w: actor, correlation, causation and keys must be UTF-8", ErrInvalidUnit)
	}
	return nil
}

// enqueue gives the job to the stream's engine, and starts one where there is none.
func (e *Engines[S, C, E]) enqueue(name string, j *job[C, E]) error {
	for {
		e.mu.RLock()
		s, closed := e.live[name], e.closed
		outcome := retired
		if s != nil && !closed {
			outcome = s.box.put(j)
		}
		e.mu.RUnlock()
		switch {
		case closed:
			return fmt.Errorf("submit to stream %q: %w", name, ErrClosed)
		case outcome == taken:
			return nil
		case outcome == full:
			e.metrics.refused.Add(float64(len(j.Commands)))
			return fmt.Errorf("%w: too many commands wait for stream %q", ErrOverloaded, name)
		}
		e.start(name, s)
	}
}

// start starts an engine for the stream, in place of the one that was found to be retired.
func (e *Engines[S, C, E]) start(name string, old *stream[S, C, E]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.live[name] != old {
		return
	}
	s := newStream(e, name)
	e.live[name] = s
	e.metrics.streams.Inc()
	e.running.Go(func() {
		s.run()
		e.forget(s)
	})
}

func (e *Engines[S, C, E]) forget(s *stream[S, C, E]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.metrics.streams.Dec()
	if e.live[s.name] == s {
		delete(e.live, s.name)
	}
}

// Release has the engine of a stream end when it has answered what it was given, since others go on with the stream. It waits for
// nothing. Units may still be submitted: an engine is started for them that reads what was appended meanwhile.
func (e *Engines[S, C, E]) Release(stream string) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.live[stream]; s != nil {
		s.box.close()
	}
}

// Close lets no more units in, has those that are in decided, appended and answered, saves snapshots, and waits for all
// that. Where ctx ends first, what is left is broken off: its callers get an error, and so does the caller of Close.
func (e *Engines[S, C, E]) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	for _, s := range e.live {
		s.box.close()
	}
	e.mu.Unlock()

	drained := make(chan struct{})
	go func() {
		e.running.Wait()
		close(drained)
	}()
	defer e.end()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		e.end()
		<-drained
		return fmt.Errorf("drain the engines: %w", ctx.Err())
	}
}
