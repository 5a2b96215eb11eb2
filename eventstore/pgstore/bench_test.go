package pgstore_test

import (
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

func BenchmarkStore(b *testing.B) {
	server := pgtest.Start(b) // which syncs, unlike the one of the tests
	storetest.Benchmark(b, storetest.Harness{
		New: func(t testing.TB) eventstore.Store { return open(t, server.Database(t), pgstore.Options{}) },
	})
}
