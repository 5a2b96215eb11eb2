package storetest

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Benchmark measures a backend: appends one after the other, appends to many streams at once, and reading the log. The
// records have the size of a posted transaction. Every figure is also given per record.
func Benchmark(b *testing.B, h Harness) {
	b.Helper()
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("append/records=%d", n), func(b *testing.B) { benchmarkAppend(b, h, n) })
	}
	for _, appenders := range []int{8, 64} {
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("concurrent/appenders=%d/records=%d", appenders, n), func(b *testing.B) {
				benchmarkConcurrent(b, h, appenders, n)
			})
		}
	}
	b.Run("read", func(b *testing.B) { benchmarkRead(b, h) })
}

// sized makes n records of 400 bytes of data and 300 of metadata.
func sized(n int) []eventstore.Record {
	rs := records("stream", 0, n)
	for i := range rs {
		rs[i].Data = bytes.Repeat([]byte("d"), 400)
		rs[i].Metadata = bytes.Repeat([]byte("m"), 300)
	}
	return rs
}

func benchmarkAppend(b *testing.B, h Harness, n int) {
	b.Helper()
	s := h.New(b)
	rs := sized(n)
	expected := eventstore.NoStream()
	for b.Loop() {
		appended, err := s.Append(b.Context(), "stream", expected, rs)
		if err != nil {
			b.Fatal(err)
		}
		expected = eventstore.At(appended.Last)
	}
	perRecord(b, b.N*n)
}

func benchmarkConcurrent(b *testing.B, h Harness, appenders, n int) {
	b.Helper()
	s := h.New(b)
	rs := sized(n)
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ResetTimer()
	for w := range appenders {
		group.Go(func() {
			stream, expected := fmt.Sprint("stream-", w), eventstore.NoStream()
			for left.Add(-1) >= 0 {
				appended, err := s.Append(b.Context(), stream, expected, rs)
				if err != nil {
					b.Error(err)
					return
				}
				expected = eventstore.At(appended.Last)
			}
		})
	}
	group.Wait()
	perRecord(b, b.N*n)
}

func benchmarkRead(b *testing.B, h Harness) {
	b.Helper()
	s := h.New(b)
	const appends, n = 50, 1000
	for range appends {
		mustAppend(b, s, "stream", eventstore.Any(), sized(n))
	}
	runtime.GC()
	for b.Loop() {
		read := 0
		for _, err := range s.ReadAll(b.Context(), eventstore.Start) {
			if err != nil {
				b.Fatal(err)
			}
			read++
		}
		if read != appends*n {
			b.Fatalf("%d records, want %d", read, appends*n)
		}
	}
	perRecord(b, b.N*appends*n)
}

func perRecord(b *testing.B, total int) {
	b.Helper()
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "records/s")
}
