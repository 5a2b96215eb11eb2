package runner_test

import (
	"log/slog"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

const (
	benchAccounts     = 10_000
	benchTransactions = 200_000
)

func benchScene(b *testing.B) (runner.Config, uint64) {
	b.Helper()
	store := memstore.New()
	history := projectiontest.NewHistory(store, 1, 1)
	if err := history.Load(b.Context(), benchAccounts, benchTransactions); err != nil {
		b.Fatal(err)
	}
	return runner.Config{
		Store: store, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler),
	}, history.Heads()["book-0"]
}

func openFresh(b *testing.B) *views.DB {
	b.Helper()
	db, err := views.Open(b.Context(), viewstest.Place(b))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// processorTime is what the process has used of all processors. On a machine that others use too it says more than the
// clock does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// report gives the rate of events and what each costs.
func report(b *testing.B, events int, began time.Duration) {
	b.Helper()
	n := float64(events) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/n, "cpu-ns/event")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFeed brings empty read models up to date with a log, as a runner does that starts, some events a batch.
func BenchmarkFeed(b *testing.B) {
	config, head := benchScene(b)
	for _, size := range []int{100, 1000, 10_000, 20_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			config.BatchMax = size
			began := processorTime(b)
			for b.Loop() {
				config.Views, config.Board = openFresh(b), watermark.New()
				stop := run(b, runner.New(config))
				err := config.Board.(*watermark.Board).Wait(b.Context(), "book-0", head, everyProjection...)
				if err != nil {
					b.Fatal(err)
				}
				stop()
				if err := config.Views.Close(); err != nil {
					b.Fatal(err)
				}
			}
			report(b, benchTransactions+benchAccounts+1, began)
		})
	}
}

// BenchmarkRebuild rebuilds all read models.
func BenchmarkRebuild(b *testing.B) {
	config, _ := benchScene(b)
	began := processorTime(b)
	for b.Loop() {
		config.Views = openFresh(b)
		if err := runner.New(config).Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		if err := config.Views.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, benchTransactions+benchAccounts+1, began)
}

// BenchmarkOnPostgreSQL is the same with read models in PostgreSQL, whose own time is not in that of the processor.
func BenchmarkOnPostgreSQL(b *testing.B) {
	b.Run("PostgreSQL", func(b *testing.B) {
		b.Run("Feed", BenchmarkFeed)
		b.Run("Rebuild", BenchmarkRebuild)
	})
}
