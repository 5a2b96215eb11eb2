package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

func benchEngines(b *testing.B) *engine.Engines[*counter, command, event] {
	b.Helper()
	b.ReportAllocs()
	var decisions atomic.Int64
	engines := engine.New(memstore.New(), toy(&decisions), engine.Options{})
	b.Cleanup(func() { _ = engines.Close(context.Background()) })
	if _, err := engines.Submit(b.Context(), stream, one(open())); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return engines
}

// BenchmarkSubmit has concurrent callers, each waiting for its answer before the next unit of one command.
func BenchmarkSubmit(b *testing.B) {
	for _, callers := range []int{1, 64} {
		for _, withKeys := range []bool{false, true} {
			b.Run(fmt.Sprintf("callers=%d/keys=%v", callers, withKeys), func(b *testing.B) {
				engines := benchEngines(b)
				var next atomic.Int64
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							u := one(add(1))
							if withKeys {
								u = keyed(fmt.Sprint(i), 1, add(1))
							}
							if _, err := engines.Submit(b.Context(), stream, u); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
			})
		}
	}
}

// BenchmarkUnit is per command of units of many.
func BenchmarkUnit(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("commands=%d", size), func(b *testing.B) {
			engines := benchEngines(b)
			u := many()
			for range size {
				u.Commands = append(u.Commands, engine.Command[command]{Command: add(1)})
			}
			for n := 0; n < b.N; n += size {
				if _, err := engines.Submit(b.Context(), stream, u); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
