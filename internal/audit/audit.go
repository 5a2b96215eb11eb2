// Package audit tells whether a log is what was written, by whomever: it reads all of it, and trusts nothing but the hashes.
//
// Of each event it checks that its hash covers it, that it continues the chain of its ledger, that it can be decoded, and
// that it can follow the events before. In the end the books that all events together come to are held to what is always
// true of a ledger, and to the balances in the read models. It goes on after what is wrong, and reports all of it.
//
// A log that ends earlier than it did, or that was written anew from some event on with hashes of its own, looks as right as
// any. It is told by what somebody has kept of it: the report of an earlier verification, or else the read models.
//
// Chunks of records come in from a store, and balances from the read models, through the ports [Log] and [ReadModels];
// what is found goes out as a [Report]. Nothing is written.
//
// Reading order: audit.go, report.go, pipeline.go, check.go, trail.go, earlier.go, invariants.go, compare.go.
package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// Log is what is verified.
type Log interface {
	// All yields what there is after a position, in commit order, up to the end.
	All(ctx context.Context, after eventstore.Position) iter.Seq2[[]eventstore.Chunk, error]
	// Stream yields the chunks of one stream that begin at a revision or after it.
	Stream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[[]eventstore.Chunk, error]
}

// Options say what to verify. The zero value is: everything there is, without the read models.
type Options struct {
	// Ledger is the only one that is verified, unless empty.
	Ledger string
	// Earlier is what the ledgers came to in an earlier report: the log must still have that.
	Earlier []Ledger
	// ReadModels opens the read models, which are compared in the end, if not nil.
	ReadModels func(context.Context) (ReadModels, error)
	// Findings is how many are kept [20], besides the first of each ledger; the others are counted.
	Findings int
	// Workers is how many goroutines check events, besides the one that reads and the one that folds [one a processor].
	Workers int
	// Progress is told now and then how many events have been verified, if not nil.
	Progress func(events uint64)
}

const defaultFindings = 20

// Verify verifies a log. What is wrong with the log is in the report. An error means that it could not be verified to the end:
// the log or the read models could not be read. The report then says what was found before that; there is none where there is
// no such ledger ([eventstore.ErrStreamNotFound]) or the context has ended.
func Verify(ctx context.Context, log Log, o Options) (*Report, error) {
	if o.Findings <= 0 {
		o.Findings = defaultFindings
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	began := time.Now()
	v := &verifier{options: o, log: log, trails: map[string]*trail{}, report: newReport(o.Findings)}
	v.rememberEarlier()
	err := v.run(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err() //nolint:wrapcheck // the caller's own
	case err == nil && o.Ledger != "" && len(v.trails) == 0 && v.report.Found == 0:
		return nil, fmt.Errorf("verify ledger %q: %w", o.Ledger, eventstore.ErrStreamNotFound)
	}
	v.finish()
	v.report.Complete = err == nil && !v.unreadable
	v.report.Elapsed = time.Since(began)
	return v.report, err
}

// verifier is one verification. It belongs to the goroutine that folds.
type verifier struct {
	options Options
	log     Log
	report  *Report

	trails map[string]*trail // by ledger
	latest *trail            // of the chunk before: the next is often of the same
	after  eventstore.Position
	// until is, where not nil, up to which revision each ledger is followed.
	until map[string]uint64
	// earlier is what an earlier report has of each ledger.
	earlier map[string]*Ledger
	// unreadable is set where the store cannot tell what follows.
	unreadable bool
}

func (v *verifier) run(ctx context.Context) error {
	if err := v.follow(ctx); err != nil || v.unreadable {
		return err
	}
	v.missEarlier()
	if v.options.ReadModels == nil {
		return nil
	}
	return v.compare(ctx)
}

// follow verifies what the log has after what was verified before.
func (v *verifier) follow(ctx context.Context) error {
	err := inOrder(ctx, v.chunks(ctx), v.options.Workers, v.take)
	if errors.Is(err, eventstore.ErrCorrupt) { // the worst of findings, and no failure to verify
		v.unreadable = true
		v.report.found(&Finding{Reason: fmt.Sprintf("nothing after position %s can be read: %v", v.after, err)})
		return nil
	}
	return err
}

func (v *verifier) chunks(ctx context.Context) iter.Seq2[[]eventstore.Chunk, error] {
	if v.options.Ledger == "" {
		return v.log.All(ctx, v.after)
	}
	from := eventstore.Revision(0)
	if t := v.trails[v.options.Ledger]; t != nil {
		from = eventstore.Revision(t.next)
	}
	return v.log.Stream(ctx, ledgername.Stream(v.options.Ledger), from)
}

// finish holds the books to what is always true of them, and sums up.
func (v *verifier) finish() {
	ledgers := make([]Ledger, 0, len(v.trails))
	for _, name := range slices.Sorted(maps.Keys(v.trails)) {
		t := v.trails[name]
		if t.folding {
			v.hold(t)
		}
		ledgers = append(ledgers, t.summary())
	}
	v.report.conclude(ledgers)
}
