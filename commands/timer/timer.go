// Package timer has done in time what nobody asks for: holds whose time has come are ended, and assertions that were
// declared and, because of a crash, never evaluated are.
//
// What is due comes in through a port ([Due]), which reads it from the read models; what is to be done goes out through
// another ([Ledgers]), which has it decided by the engines. Both may be behind or ahead of each other, and both may fail:
// everything is asked again with the next tick, and what was done already is done once. So a restart, a clock that jumps
// and a rebuild of the read models need no care of their own. The package keeps nothing, decides nothing, and may import
// neither the commands nor the read models.
package timer

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Hold is an open hold that ends at a time.
type Hold struct {
	Ledger    string
	ID        uint64
	ExpiresAt time.Time
}

// Assertion is an assertion without an evaluation. Revision is that of its declaration.
type Assertion struct {
	Ledger     string
	ID         uint64
	Revision   uint64
	DeclaredAt time.Time
}

// Due tells what there is to do. A sequence ends after it has yielded an error.
type Due interface {
	// Holds yields the open holds that end at a time or before it, of all ledgers, in the order of
	// their ends to the second.
	Holds(ctx context.Context, until time.Time) iter.Seq2[Hold, error]
	// Assertions yields the assertions that were not evaluated, of all ledgers.
	Assertions(ctx context.Context) iter.Seq2[Assertion, error]
}

// Ledgers does it. What was done already is no error.
type Ledgers interface {
	// Expire ends holds of a ledger, and tells how many were still open.
	Expire(ctx context.Context, ledger string, holds []uint64) (expired int, err error)
	// Evaluate evaluates an assertion, which was declared at a revision. It may take long.
	Evaluate(ctx context.Context, ledger string, id, revision uint64) error
}

// Options adjust the timer. Every zero field stands for the value in brackets.
type Options struct {
	// Every is the longest time between two looks at what is due [1 s]. A deadline in between is met in time.
	Every time.Duration
	// Grace is how long an assertion may be without an evaluation before the timer sees to it [30 s]: so long whoever
	// declared it has to do so.
	Grace time.Duration
	// MaxHolds is how many holds are ended between two looks [2,000]. The rest waits for the next one, at once.
	MaxHolds int
	// Clock tells the time [time.Now]; After waits for it to pass [time.After].
	Clock func() time.Time
	After func(time.Duration) <-chan time.Time
	// Logger is told when something begins to fail, and when it works again [discarded].
	Logger *slog.Logger
	// Registerer gets the metrics [none].
	Registerer prometheus.Registerer
}

func (o Options) withDefaults() Options {
	o.Every = cmp.Or(o.Every, time.Second)
	o.Grace = cmp.Or(o.Grace, 30*time.Second)
	o.MaxHolds = cmp.Or(o.MaxHolds, 2000)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Timer is the worker.
type Timer struct {
	due     Due
	ledgers Ledgers
	options Options
	metrics *metrics
}

// New makes the worker.
func New(due Due, ledgers Ledgers, options Options) *Timer {
	options = options.withDefaults()
	return &Timer{due: due, ledgers: ledgers, options: options, metrics: newMetrics(options.Registerer)}
}

// Name implements run.Worker.
func (t *Timer) Name() string { return "timer" }

// Run implements run.Worker. Holds and assertions go their own ways, so that an evaluation that takes long delays no
// deadline.
func (t *Timer) Run(ctx context.Context) error {
	var working sync.WaitGroup
	working.Go(func() { t.repeat(ctx, newHolds(t).look) })
	working.Go(func() { t.repeat(ctx, newAssertions(t).look) })
	working.Wait()
	return nil
}

// repeat looks, waits for as long as the look said, and looks again.
func (t *Timer) repeat(ctx context.Context, look func(context.Context) time.Duration) {
	for ctx.Err() == nil {
		wait := min(max(look(ctx), 0), t.options.Every)
		select {
		case <-ctx.Done():
		case <-t.options.After(wait):
		}
	}
}
