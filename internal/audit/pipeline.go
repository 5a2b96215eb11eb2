package audit

import (
	"context"
	"iter"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

// batch is chunks that are read together, on their way from the reader by way of a worker to the one who folds.
type batch struct {
	chunks []eventstore.Chunk
	// parts are what the worker found, one a chunk; checked is closed when it has.
	parts   []part
	checked chan struct{}
	// err is why nothing follows.
	err error

	// memory to work in, kept from batch to batch
	records []eventstore.Recorded
	events  []checked
}

// inOrder reads chunks, has workers check them side by side, and gives them to take in the order in which they were read. It
// returns when all that it started has ended.
func inOrder(
	ctx context.Context, chunks iter.Seq2[[]eventstore.Chunk, error], workers int, take func(*batch),
) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel() // before it
	work, order := make(chan *batch), make(chan *batch, 2*workers)
	spare := make(chan *batch, 4*workers)
	all.Go(func() {
		defer close(order)
		defer close(work)
		for read, err := range chunks {
			b := renewed(spare)
			b.chunks, b.err = read, err
			select {
			case order <- b:
			case <-ctx.Done():
				return
			}
			select {
			case work <- b:
			case <-ctx.Done():
				close(b.checked)
				return
			}
		}
	})
	for range workers {
		all.Go(func() {
			var c checker
			for b := range work {
				c.check(b)
				close(b.checked)
			}
		})
	}
	for b := range order {
		<-b.checked
		if b.err != nil {
			return b.err
		}
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own
		}
		take(b)
		select {
		case spare <- b:
		default:
		}
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own
}

// renewed gives a batch, in the memory of one that is done with where there is one.
func renewed(spare <-chan *batch) *batch {
	b := &batch{}
	select {
	case b = <-spare:
	default:
	}
	b.checked = make(chan struct{})
	return b
}
