package runner_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
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
	db, err := views.Open(b.Context(), filepath.Join(b.TempDir(), "views.db"))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkFeed brings empty read models up to date with a log, as a runner does that starts.
func BenchmarkFeed(b *testing.B) {
	config, head := benchScene(b)
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
	b.ReportMetric(benchTransactions*float64(b.N)/b.Elapsed().Seconds(), "transactions/s")
}

// BenchmarkRebuild rebuilds all read models.
func BenchmarkRebuild(b *testing.B) {
	config, _ := benchScene(b)
	for b.Loop() {
		config.Views = openFresh(b)
		if err := runner.New(config).Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		if err := config.Views.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((benchTransactions+benchAccounts)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
