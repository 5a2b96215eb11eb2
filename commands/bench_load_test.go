package commands_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// BenchmarkLoad is how long a ledger with a million accounts takes from its files to its first answer, and what its engine
// takes of memory then, and of the disk: by itself, and with a reference and an idempotency key for each of a million transactions.
func BenchmarkLoad(b *testing.B) {
	const transactions = 1_000_000
	for _, with := range []struct {
		name       string
		accounts   int
		references bool
		keys       bool
		inMemory   int
	}{
		{"accounts=1000000", transactions, false, false, 0},
		{"accounts=1/references=1000000", 1, true, false, 0},
		{"accounts=1/keys=1000000", 1, false, true, 0},
		{"accounts=1/references=1000000/in_memory", 1, true, false, 2 * transactions},
		{"accounts=1/keys=1000000/in_memory", 1, false, true, 2 * transactions},
		{"accounts=1000000/references=1000000/keys=1000000", transactions, true, true, 0},
	} {
		b.Run(with.name, func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "snapshots")
			files, err := engine.NewSnapshotFiles(dir)
			if err != nil {
				b.Fatal(err)
			}
			store := memstore.New()
			open := func() *commands.Engines {
				return commands.NewEngines(store, engine.Options{Snapshots: files, KeepInMemory: with.inMemory})
			}
			engines := open()
			benchSubmit(b, engines, commands.Unit{Commands: []engine.Command[ledger.Command]{
				{Command: ledger.OpenLedger{Name: "books", Template: ledger.Wallets}},
			}})
			for n := 0; n < transactions; {
				unit := commands.Unit{Actor: "anonymous"}
				for range 5000 {
					command := engine.Command[ledger.Command]{Command: funding(n, with.accounts, with.references)}
					if with.keys {
						command.Key, command.Request = fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n), envelope.Hash{1}
					}
					unit.Commands = append(unit.Commands, command)
					n++
				}
				benchSubmit(b, engines, unit)
			}
			benchClose(b, engines)
			before := heap()
			question := commands.Unit{Commands: []engine.Command[ledger.Command]{{Command: funding(0, 1, false)}}, DryRun: true}
			for b.Loop() {
				engines = open()
				benchSubmit(b, engines, question)
				b.StopTimer()
				b.ReportMetric(float64(heap()-before)/transactions, "heap-bytes/transaction")
				b.ReportMetric(float64(sizeOf(b, dir))/transactions, "disk-bytes/transaction")
				benchClose(b, engines)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkReplay is how long the events after a snapshot take to be followed.
func BenchmarkReplay(b *testing.B) {
	store := memstore.New()
	engines := commands.NewEngines(store, engine.Options{})
	benchSubmit(b, engines, commands.Unit{Commands: []engine.Command[ledger.Command]{
		{Command: ledger.OpenLedger{Name: "books", Template: ledger.Wallets}},
	}})
	for n := 0; n < 200_000; {
		unit := commands.Unit{Actor: "anonymous"}
		for range 5000 {
			unit.Commands = append(unit.Commands, engine.Command[ledger.Command]{Command: funding(n, 10_000, false)})
			n++
		}
		benchSubmit(b, engines, unit)
	}
	benchClose(b, engines)
	question := commands.Unit{Commands: []engine.Command[ledger.Command]{{Command: funding(0, 1, false)}}, DryRun: true}
	events := 0
	for range store.ReadStream(b.Context(), ledgername.Stream("books"), eventstore.Revision(0)) {
		events++
	}
	for b.Loop() {
		engines = commands.NewEngines(store, engine.Options{})
		benchSubmit(b, engines, question)
		benchClose(b, engines)
	}
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
}

func funding(n, accounts int, referenced bool) ledger.PostTransaction {
	c := ledger.PostTransaction{Movement: ledger.Movement{Entries: []ledger.Entry{
		{Account: "world", Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(1000)},
		{
			Account: address.Address(fmt.Sprintf("users:%07d:wallet", n%accounts)), Asset: "USD/2", Side: ledger.Credit,
			Amount: money.NewAmount(1000),
		},
	}}}
	if referenced {
		c.Reference = fmt.Sprintf("invoice-2026-%09d", n)
	}
	return c
}

func benchSubmit(b *testing.B, engines *commands.Engines, unit commands.Unit) {
	b.Helper()
	result, err := engines.Submit(b.Context(), ledgername.Stream("books"), unit)
	if err != nil {
		b.Fatal(err)
	}
	for i := range result.Answers {
		if err := result.Answers[i].Err; err != nil {
			b.Fatal(err)
		}
	}
}

func benchClose(b *testing.B, engines *commands.Engines) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := engines.Close(ctx); err != nil {
		b.Fatal(err)
	}
}

func sizeOf(b *testing.B, dir string) (bytes int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers kept
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
