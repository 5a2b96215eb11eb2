package commands_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// BenchmarkBulkDurable is per transaction of bulks of 100 that concurrent clients send, each durable before its answer.
func BenchmarkBulkDurable(b *testing.B) {
	store, err := sqlstore.Open(b.Context(), filepath.Join(b.TempDir(), "events.db"), sqlstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	engines := commands.NewEngines(store, engine.Options{})
	b.Cleanup(func() { _ = engines.Close(context.Background()) })
	e := httpx.New(httpx.Options{})
	commands.New(commands.Options{Ledgers: engines, Store: store, BulkLimit: 8 << 20, Actor: func(echo.Context) string { return "bench" }}).Register(e.Group("/v1"))
	send := func(path, body string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", httpx.MediaJSON)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= 300 {
			b.Errorf("%d %s", w.Code, w.Body)
		}
	}
	send("/v1/ledgers", `{"name":"main","template":"wallets"}`)
	const accounts, size, clients = 10_000, 100, 8
	for i := 0; i < accounts; i += 1000 {
		var list []string
		for j := range 1000 {
			list = append(list, post(pay("world", fmt.Sprintf("users:%06d", i+j), "1000000")))
		}
		send("/v1/ledgers/main/bulk", bulkOf(list...))
	}
	bodies := make([]string, 200)
	for i := range bodies {
		var list []string
		for range size {
			a := rand.IntN(accounts)
			list = append(list, post(pay(fmt.Sprintf("users:%06d", a), fmt.Sprintf("users:%06d", (a+1+rand.IntN(accounts-1))%accounts), "1")))
		}
		bodies[i] = bulkOf(list...)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			w := &discarded{header: http.Header{}}
			reader := bytes.NewReader(nil)
			r := httptest.NewRequest(http.MethodPost, "/v1/ledgers/main/bulk", nil)
			r.Header.Set("Content-Type", httpx.MediaJSON)
			r.Body = struct {
				*bytes.Reader
				nopCloser
			}{reader, nopCloser{}}
			for n := c * size; n < b.N; n += clients * size {
				body := bodies[(n/size)%len(bodies)]
				r.ContentLength = int64(len(body))
				reader.Reset([]byte(body))
				clear(w.header)
				e.ServeHTTP(w, r)
			}
		})
	}
	all.Wait()
}
