// Package runner keeps the read models up to date: it takes events from the store or from a transport, applies each
// exactly once and in the order of its ledger to every projection, and builds new generations beside the live ones.
//
// Events come from an [eventstore.Store], which is the truth, and where a subscriber is given by way of that, which may
// lose, repeat or reorder them. Rows go to the views database, a batch of events to a transaction, with the checkpoints
// that say so. Nothing is kept that is not there too: a runner may be stopped at any moment, and several may run at once.
//
// Reading order: runner.go, feed.go, group.go, order.go, write.go, member.go, log.go, rebuild.go, swap.go, list.go.
package runner

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Config is what a runner works with. Views, Store, Projections and Logger are needed.
type Config struct {
	Views       *views.DB
	Store       eventstore.Store
	Projections []projector.Projection
	Logger      *slog.Logger

	// Subscriber brings batches of events (see stream.Batch) from Topic. Without one the store itself is subscribed to.
	Subscriber message.Subscriber
	Topic      string
	// Board is told of each revision that a projection has committed.
	Board Board
	// Lag is told how many events the log has, and each projection, if not nil.
	Lag Lag
	// Heads yields where each stream of the store ends; nil where that cannot tell without reading.
	Heads func(context.Context) iter.Seq2[eventstore.Head, error]
	// Metrics is where the runner's metrics are registered.
	Metrics prometheus.Registerer
	// Now is the clock for the lag; time.Now by default.
	Now func() time.Time
	// Ticks sets off the comparison with the store when no event came between two of them; every two seconds by default.
	Ticks <-chan time.Time
	// RetryPause is the pause before an event is tried again that could not be applied; 100 ms by default.
	RetryPause time.Duration
	// BatchMax is how many events at most are applied in a transaction when they come from the store; 20,000 by default.
	BatchMax int
	// Pace is the least time from the beginning of one transaction to that of the next, while nobody waits for it; 25 ms by
	// default, negative for none.
	Pace time.Duration
}

// Board is told how far projections have come; watermark.Board is one.
type Board interface {
	Publish(projection, ledger string, revision uint64)
	// Awaited has a token when somebody has begun to wait for what was not published yet.
	Awaited() <-chan struct{}
}

// Lag is told how many events there are to be had, and how many of them projections have; lag.Count is one.
type Lag interface {
	// Log says of ledgers how many events they have, or had: of those that projections have events of before Has says so.
	Log(ledgers map[string]uint64)
	// Counted says, once in a run, that Log was told of every ledger of which projections may have lacked events when that began.
	Counted()
	// Has says how many events a projection has in all ledgers together, and Gone that it is not being fed.
	Has(projection string, events uint64)
	Gone(projection string)
}

const (
	ticksDefault      = 2 * time.Second
	retryPauseDefault = 100 * time.Millisecond
	batchMaxDefault   = 20_000
	paceDefault       = 25 * time.Millisecond
)

// Runner keeps a group of projections. Its methods are safe for concurrent use; Run may be called once.
type Runner struct {
	Config

	metrics *metrics
	// mu is held while events are applied: one batch at a time.
	mu   sync.Mutex
	live *group
	// idle is false when a batch came since the last tick.
	idle bool
	// unverified counts the ticks since the store was last read to its end.
	unverified int
}

// New makes a runner. It does nothing until it is told to.
func New(config Config) *Runner {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.RetryPause == 0 {
		config.RetryPause = retryPauseDefault
	}
	if config.BatchMax == 0 {
		config.BatchMax = batchMaxDefault
	}
	if config.Pace == 0 {
		config.Pace = paceDefault
	}
	r := &Runner{Config: config, metrics: newMetrics(config.Metrics)}
	r.live = newGroup(r)
	for _, p := range config.Projections {
		r.live.members = append(r.live.members, &member{projection: p})
	}
	return r
}

// Name is for logs.
func (r *Runner) Name() string { return "projections" }

// Run feeds the projections until ctx ends. Projections that stopped in an earlier run are tried again. One whose tables
// were made by older code is rebuilt beside them, while the others go on.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.prepareSurely(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // as below
		}
		return err
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the wait above
	if r.Lag != nil {
		after := r.reached()
		beside.Go(func() { r.countSurely(ctx, after) })
	}
	if outdated := r.live.outdated(); len(outdated) > 0 {
		beside.Go(func() { r.rebuildOutdated(ctx, outdated) })
	}
	var err error
	if r.Subscriber == nil {
		err = r.followStore(ctx)
	} else {
		err = r.followSubscriber(ctx)
	}
	if ctx.Err() != nil {
		return nil // whatever failed did because the work ends
	}
	return err
}

// prepareSurely is Prepare, again and again while one of the databases cannot.
func (r *Runner) prepareSurely(ctx context.Context) error {
	for wait := r.RetryPause; ; wait = min(wait*retryMultiplier, retryIntervalMax) {
		err := r.Prepare(ctx)
		if err == nil && wait > r.RetryPause {
			r.Logger.InfoContext(ctx, "the read models can be written again")
		}
		if err == nil || ctx.Err() != nil || !views.IsFault(err) && !errors.Is(err, eventstore.ErrUnavailable) {
			return err
		}
		r.Logger.ErrorContext(ctx, "prepare the read models, trying again", "error", err)
		run.Pause(ctx, wait)
	}
}

// Prepare makes the tables that are missing, drops what a crash left half-built, and reads how far each projection is.
// Run does it too.
func (r *Runner) Prepare(ctx context.Context) error {
	err := r.Views.Update(ctx, func(tx *views.Tx) error { return tx.CreateMissing(modelsOf(r.Projections)) })
	if err != nil {
		return err
	}
	if err := r.dropHalfBuilt(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live.load(ctx, true)
}
