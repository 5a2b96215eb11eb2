package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, storetest.Harness{
		New: func(t testing.TB) eventstore.Store { return open(t, newPath(t), sqlstore.Options{}) },
	})
}

// BenchmarkDisk is what the disk allows: writing 4 KiB in place and syncing it, as the write-ahead log does.
func BenchmarkDisk(b *testing.B) {
	const blocks = 1024
	f, err := os.Create(filepath.Join(b.TempDir(), "blocks"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for i := range blocks {
		if _, err := f.WriteAt(block, int64(i)*4096); err != nil {
			b.Fatal(err)
		}
	}
	for i := int64(0); b.Loop(); i++ {
		if _, err := f.WriteAt(block, i%blocks*4096); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
