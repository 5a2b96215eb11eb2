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
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// BenchmarkDurable is per transaction, of single ones and of bulks of 100, that concurrent clients send, each durable before
// its answer.
func BenchmarkDurable(b *testing.B) {
	b.Run("single", func(b *testing.B) { benchmarkDurable(b, 64, 1) })
	b.Run("bulk", func(b *testing.B) { benchmarkDurable(b, 8, 100) })
}

func benchmarkDurable(b *testing.B, clients, size int) {
	b.Helper()
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
	const accounts = 10_000
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
		var one string
		for range size {
			a := rand.IntN(accounts)
			one = pay(fmt.Sprintf("users:%06d", a), fmt.Sprintf("users:%06d", (a+1+rand.IntN(accounts-1))%accounts), "1")
			list = append(list, post(one))
		}
		bodies[i] = bulkOf(list...)
		if size == 1 {
			bodies[i] = one
		}
	}
	path := "/v1/ledgers/main/bulk"
	if size == 1 {
		path = "/v1/ledgers/main/transactions"
	}
	before := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			w := &discarded{header: http.Header{}}
			reader := bytes.NewReader(nil)
			r := httptest.NewRequest(http.MethodPost, path, nil)
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
				if w.status >= http.StatusMultipleChoices {
					b.Errorf("status %d", w.status)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// processorTime is what the process has used of all processors. On a machine that others use too it says more than time does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
