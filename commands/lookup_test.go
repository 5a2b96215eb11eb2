package commands_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// countingStore counts what is read of streams.
type countingStore struct {
	*memstore.Store

	reads, events int
}

func (s *countingStore) ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error] {
	s.reads++
	return func(yield func(eventstore.Recorded, error) bool) {
		for recorded, err := range s.Store.ReadStream(ctx, stream, from) {
			s.events++
			if !yield(recorded, err) {
				return
			}
		}
	}
}

// grow writes n transactions with other events between them, as uneven as it can be, and tells how each is marked.
func grow(h *house, random *rand.Rand, n int) {
	h.t.Helper()
	var list []string
	flush := func() {
		h.post(toBulk, bulkOf(list...)).want(200)
		list = list[:0]
	}
	account := 0
	for i := range n {
		others := 0
		switch {
		case i == n/3:
			others = 3000
		case i > n/2:
			others = random.IntN(8)
		}
		for range others {
			list = append(list, of("open_account", fmt.Sprintf(`{"address":"a:%d"}`, account)))
			account++
		}
		list = append(list, post(with(fmt.Sprintf(`"metadata":{"i":"%d"}`, i+2))))
		if len(list) > 5000 {
			flush()
		}
	}
	flush()
}

func TestEveryTransactionIsFoundInTheLog(t *testing.T) {
	h := opened(t)
	grow(h, rand.New(rand.NewPCG(1, 2)), 600)
	store := &countingStore{Store: h.store}
	engines := commands.NewEngines(h.store, engine.Options{Clock: clock})
	t.Cleanup(func() { _ = engines.Close(context.Background()) })
	e := httpx.New(httpx.Options{})
	commands.New(commands.Options{Ledgers: engines, Store: store}).Register(e.Group("/v1"))
	h.echo = e

	most := 0
	for _, id := range []int{2, 3, 199, 200, 201, 202, 203, 300, 301, 302, 450, 599, 600, 601} {
		store.reads, store.events = 0, 0
		h.do("PATCH", fmt.Sprintf("%s/%d", toTransactions, id), `{"metadata":{}}`).want(200, fmt.Sprintf("transaction.metadata.i=%d", id))
		most = max(most, store.reads)
		if store.events > 4000+store.reads {
			t.Errorf("transaction %d: %d events were read", id, store.events)
		}
	}
	for _, id := range []string{"602", "5000", "9223372036854775807", "18446744073709551615"} {
		store.reads = 0
		h.do("PATCH", toTransactions+"/"+id, `{"metadata":{}}`).want(404, "code=transaction_not_found")
		most = max(most, store.reads)
	}
	if most > 40 {
		t.Errorf("a search took %d reads", most)
	}
	t.Logf("at most %d reads", most)

	// One request that is about many looks each up next to the one before.
	var list []string
	for id := 2; id <= 601; id++ {
		list = append(list, of("set_transaction_metadata", fmt.Sprintf(`{"id":%d,"metadata":{"j":"1"}}`, id)))
	}
	store.reads = 0
	r := h.post(toBulk, bulkOf(list...)).want(200)
	for i := range list {
		if got := r.at(fmt.Sprintf("results.%d.transaction.metadata.i", i)); got != fmt.Sprint(i+2) {
			t.Fatalf("transaction %d is taken for %s", i+2, got)
		}
	}
	if store.reads > 4*len(list) {
		t.Errorf("%d look-ups took %d reads", len(list), store.reads)
	}
}

func TestTransactionsAreFoundWhileOthersArePosted(t *testing.T) {
	h := opened(t)
	var posters sync.WaitGroup
	const posters4, each = 4, 100
	for p := range posters4 {
		posters.Go(func() {
			for i := range each {
				h.post(toTransactions, pay("world", fmt.Sprintf("users:%d:%d", p, i), "5"))
			}
		})
	}
	reverted := map[string]bool{}
	for i := range 100 {
		id := fmt.Sprint(i + 1)
		r := h.do("POST", toTransactions+"/"+id+"/revert", `{"force":true}`)
		switch r.Status {
		case 201:
			if r.at("transaction.reverts") != id || reverted[id] {
				t.Errorf("got %s", r.Body)
			}
			reverted[id] = true
		case 404:
		default:
			t.Errorf("got %s", r.Body)
		}
	}
	posters.Wait()
	for i := range 100 {
		want := 201
		if reverted[fmt.Sprint(i+1)] {
			want = 409
		}
		h.do("POST", fmt.Sprintf("%s/%d/revert", toTransactions, i+1), `{"force":true}`).want(want)
	}
}
