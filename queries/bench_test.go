package queries_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// BenchmarkQueries asks about an account with 200,000 entries on 2,000 days.
func BenchmarkQueries(b *testing.B) {
	const entriesOfAccount, aDay = 200_000, 100
	w := newWorld(b)
	w.open("main")
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := 0; i < entriesOfAccount; {
		var some []ledger.Command
		for range 10_000 {
			at := start.AddDate(0, 0, i/aDay).Add(time.Duration(i%aDay) * time.Minute)
			some = append(some, transfer("assets:cash", fmt.Sprintf("users:%04d", i%5000), "USD/2", "1050", at.Format(time.RFC3339)))
			i++
		}
		w.do("main", some...)
		w.project()
	}
	head := w.head("main")
	b.Run("no-op", func(b *testing.B) {
		e := httpx.New(httpx.Options{})
		e.GET("/v1/ledgers/:ledger/accounts/:account", func(c echo.Context) error { return c.JSON(http.StatusOK, struct{ OK bool }{true}) })
		ask(b, e, "/accounts/assets:cash")
	})
	for _, test := range []struct{ name, path string }{
		{"account", "/accounts/assets:cash"},
		{"account at a revision", fmt.Sprintf("/accounts/assets:cash?min_revision=%d", head)},
		{"balance at a date", "/balances?account=assets:cash&at=2022-06-30"},
		{"balance at an instant", "/balances?account=assets:cash&at=2022-06-30T01:00:00Z"},
		{"balance as of a late revision", fmt.Sprintf("/balances?account=assets:cash&at=2022-06-30&as_of_revision=%d", head-100)},
		{"balance as of a middle revision", fmt.Sprintf("/balances?account=assets:cash&as_of_revision=%d", head/2)},
		{"balances of 5001 accounts", "/balances"},
		{"balances of 5001 accounts at a date", "/balances?at=2022-06-30"},
		{"statement", "/accounts/assets:cash/entries?from=2022-06-30"},
		{"accounts", "/accounts?limit=100"},
		{"transactions", "/transactions"},
		{"transactions of an account", "/transactions?account=users:0007"},
		{"transactions of a week", "/transactions?from=2022-06-24&to=2022-06-30"},
		{"transaction", "/transactions/777"},
		{"events", "/events?limit=100"},
	} {
		b.Run(test.name, func(b *testing.B) {
			if w.other != nil {
				ask(b, w.other.handler, test.path)
				return
			}
			ask(b, w.handler, test.path)
		})
	}
}

// BenchmarkOnPostgreSQL is the same with read models in PostgreSQL.
func BenchmarkOnPostgreSQL(b *testing.B) { b.Run("PostgreSQL", BenchmarkQueries) }

func ask(b *testing.B, handler http.Handler, path string) {
	b.Helper()
	b.ReportAllocs()
	request := httptest.NewRequest(http.MethodGet, "/v1/ledgers/main"+path, nil)
	for b.Loop() {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			b.Fatalf("GET %s: %d %s", path, recorder.Code, recorder.Body)
		}
	}
}
