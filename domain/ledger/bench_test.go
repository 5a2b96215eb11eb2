package ledger_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// BenchmarkDecideAndEvolve is the engine's part of a command: what it costs to decide it and to bring the book up to
// it, for transactions between accounts that exist and have limits.
func BenchmarkDecideAndEvolve(b *testing.B) {
	for _, accounts := range []int{10_000, 1_000_000} {
		book := filled(b, accounts)
		for _, entries := range []int{2, 1000} {
			b.Run(fmt.Sprintf("accounts=%d/entries=%d", accounts, entries), func(b *testing.B) {
				commands := transfers(accounts, entries)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					events, err := ledger.Decide(book, commands[i%len(commands)], noon)
					if err != nil {
						b.Fatal(err)
					}
					if err := ledger.Evolve(book, events[0]); err != nil {
						b.Fatal(err)
					}
					i++
				}
			})
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	const accounts = 10_000
	book := filled(b, accounts)
	for _, entries := range []int{2, 1000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			commands := transfers(accounts, entries)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := ledger.Decide(book, commands[i%len(commands)], noon); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, entries := range []int{2, 1000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			var c ledger.Command = transfers(100, entries)[0]
			b.ReportAllocs()
			for b.Loop() {
				if err := ledger.Validate(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, e := range benchmarkEvents() {
		b.Run(name, func(b *testing.B) {
			buf, err := ledger.AppendData(nil, e)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = ledger.AppendData(buf[:0], e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, e := range benchmarkEvents() {
		b.Run(name, func(b *testing.B) {
			encoded, err := ledger.Encode(e)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(encoded.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ledger.Decode(encoded.Type, encoded.Version, encoded.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBook reports what a book with a million accounts takes of memory, and how long its snapshot takes.
func BenchmarkBook(b *testing.B) {
	const accounts = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	book := filled(b, accounts)
	runtime.GC()
	runtime.ReadMemStats(&after)
	snapshot := book.AppendSnapshot(nil)
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			snapshot = book.AppendSnapshot(snapshot[:0])
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/accounts, "heap-bytes/account")
		b.ReportMetric(float64(len(snapshot))/accounts, "snapshot-bytes/account")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := ledger.RestoreSnapshot(snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
	runtime.KeepAlive(book)
}

// filled is a book in which each of so many accounts has something in one asset.
func filled(b *testing.B, accounts int) *ledger.Book {
	b.Helper()
	book := openBook(b)
	for i := range accounts {
		c := payment(1_000_000_000)
		c.Entries[1].Account = wallet(i)
		if err := submit(book, c); err != nil {
			b.Fatal(err)
		}
	}
	return book
}

func wallet(i int) address.Address { return address.Address(fmt.Sprintf("users:%07d:wallet", i)) }

// transfers are transactions of one unit each between accounts all over the book.
func transfers(accounts, entries int) []ledger.PostTransaction {
	commands := make([]ledger.PostTransaction, 1024)
	n := 0
	for i := range commands {
		for range entries / 2 {
			from, to := n*7919%accounts, (n*104_729+1)%accounts
			commands[i].Entries = append(commands[i].Entries,
				ledger.Entry{Account: wallet(from), Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(1)},
				ledger.Entry{Account: wallet(to), Asset: "USD/2", Side: ledger.Credit, Amount: money.NewAmount(1)})
			n++
		}
	}
	return commands
}

func benchmarkEvents() map[string]ledger.Event {
	small := ledger.TransactionPosted{ID: 1, Entries: transfers(100, 2)[0].Entries, EffectiveAt: noon}
	full := small
	full.Reference, full.Description = "inv-2026-000042", "January, paid by card"
	full.Metadata = ledger.Metadata{"order": "4711", "channel": "web"}
	great := small
	great.Entries = transfers(100, 1000)[0].Entries
	return map[string]ledger.Event{"entries=2": small, "entries=2,texts": full, "entries=1000": great}
}
