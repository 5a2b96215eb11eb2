package memstore_test

import (
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

const maxAppendBytes = 4 << 20

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t testing.TB) eventstore.Store { return closing(t, memstore.NewLimited(maxAppendBytes)) },
		Reopen: func(t testing.TB, s eventstore.Store) eventstore.Store {
			return closing(t, s.(*memstore.Store).Reopen())
		},
		Capabilities: storetest.Capabilities{Shared: true},
	})
}

func closing(t testing.TB, s eventstore.Store) eventstore.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, storetest.Harness{New: func(t testing.TB) eventstore.Store { return closing(t, memstore.New()) }})
}
