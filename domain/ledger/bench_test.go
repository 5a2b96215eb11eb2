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

// BenchmarkBook reports what a book with a million accounts takes of memory, how long its snapshot takes to be written and
// to be read, and what it costs those who decide: to freeze the book, and to change a page for the first time after that.
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
	b.Run("freeze", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			book.Freeze(false)
			book.Thaw()
		}
	})
	b.Run("first changes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			book.Thaw()
			book.Freeze(false)
			b.StartTimer()
			const far = 8191 // on other pages each time
			for i := range 64 {
				c := payment(1)
				c.Entries[1].Account = wallet(i * far)
				if err := submit(book, c); err != nil {
					b.Fatal(err)
				}
			}
		}
		book.Thaw()
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

// BenchmarkMemory reports what a book takes of memory for each of several things, and its snapshot on the disk.
func BenchmarkMemory(b *testing.B) {
	const many = 200_000
	for _, item := range []struct {
		name string
		add  func(book *ledger.Book, i int) ledger.Command
	}{
		{"account", func(_ *ledger.Book, i int) ledger.Command { return payTo(wallet(many + i)) }},
		{"account without a balance", func(_ *ledger.Book, i int) ledger.Command {
			return ledger.OpenAccount{Address: wallet(many + i)}
		}},
		{"further asset", func(_ *ledger.Book, i int) ledger.Command {
			c := payTo(wallet(i))
			c.Entries[0].Asset, c.Entries[1].Asset = "EUR/2", "EUR/2"
			return c
		}},
		{"reference not handed over", func(_ *ledger.Book, i int) ledger.Command {
			return referenced(payTo(wallet(i)), fmt.Sprintf("invoice-2026-%07d", i))
		}},
		{"open hold of two entries", func(_ *ledger.Book, i int) ledger.Command {
			h := held(1)
			h.Entries[1].Account = wallet(i)
			return h
		}},
		{"hold that has ended", func(book *ledger.Book, i int) ledger.Command {
			if i%2 == 0 {
				return held(1)
			}
			return ledger.VoidHold{ID: book.Holds()}
		}},
		{"reversal", func(_ *ledger.Book, i int) ledger.Command {
			return ledger.RevertTransaction{ID: uint64(i + 1), Original: payTo(wallet(i)).Entries}
		}},
		{"transaction with new metadata", func(_ *ledger.Book, i int) ledger.Command {
			return ledger.SetTransactionMetadata{ID: uint64(i + 1), Patch: ledger.MetadataPatch{"order": new(fmt.Sprintf("%07d", i))}}
		}},
		{"account with metadata", func(_ *ledger.Book, i int) ledger.Command {
			return ledger.SetAccountMetadata{Address: wallet(i), Patch: ledger.MetadataPatch{"order": new(fmt.Sprintf("%07d", i))}}
		}},
	} {
		b.Run(item.name, func(b *testing.B) {
			for b.Loop() {
				book := openBook(b)
				for i := range many {
					if err := submit(book, payTo(wallet(i))); err != nil {
						b.Fatal(err)
					}
				}
				written, before := len(book.AppendSnapshot(nil)), heap()
				for i := range many {
					if err := submit(book, item.add(book, i)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(heap()-before)/many, "heap-bytes/item")
				b.ReportMetric(float64(len(book.AppendSnapshot(nil))-written)/many, "snapshot-bytes/item")
				runtime.KeepAlive(book)
			}
		})
	}
}

func payTo(a address.Address) ledger.PostTransaction {
	c := payment(1000)
	c.Entries[1].Account = a
	return c
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
