package commands_test

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// slowStore lets nobody read a whole log until it is told to, and counts who wants to.
type slowStore struct {
	eventstore.Store

	reading atomic.Int32
	release chan struct{}
}

func (s *slowStore) ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error] {
	if from == 0 {
		s.reading.Add(1)
		<-s.release
	}
	return s.Store.ReadStream(ctx, stream, from)
}

// TestFewAssertionsAreSummedUpAtATime: however many are declared at once, memory is for two of them; and the rest comes in turn.
func TestFewAssertionsAreSummedUpAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memstore.New()
		store := &slowStore{Store: log, release: make(chan struct{})}
		engines := commands.NewEngines(log, engine.Options{Clock: clock})
		defer func() { _ = engines.Close(context.Background()) }()
		h := &house{t: t, store: log, echo: httpx.New(httpx.Options{})}
		commands.New(commands.Options{Ledgers: engines, Store: store}).Register(h.echo.Group("/v1"))
		h.post(toLedgers, `{"name":"books"}`).want(201)

		var clients sync.WaitGroup
		for range 10 {
			clients.Go(func() {
				h.post(toAssertions, aliceHas1000).want(201, "assertion.status=broken")
			})
		}
		synctest.Wait()
		if n := store.reading.Load(); n != 2 {
			t.Errorf("%d are summed up at a time", n)
		}
		close(store.release)
		clients.Wait()
	})
}
