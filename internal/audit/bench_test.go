package audit_test

import (
	"fmt"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/audit"
)

// BenchmarkVerify verifies a log in a SQLite file: transactions between accounts with limits, appended a hundred at a time.
func BenchmarkVerify(b *testing.B) {
	const accounts, transactions, together = 10_000, 100_000, 100
	s := newScribe(b)
	s.do("bench", open("bench"))
	post := func(n int, payment func(i int) ledger.Command) {
		for from := 0; from < n; from += together {
			commands := make([]ledger.Command, together)
			for i := range commands {
				commands[i] = payment(from + i)
			}
			s.do("bench", commands...)
		}
	}
	user := func(i int) string { return fmt.Sprintf("users:%06d", i%accounts) }
	post(accounts, func(i int) ledger.Command { return pay("world", user(i), 1_000_000) })
	post(transactions, func(i int) ledger.Command { return pay(user(7919*i), user(104_729*i+1), 1) })
	log, err := sqlstore.OpenLog(b.Context(), s.path)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	var events uint64
	b.ReportAllocs()
	for b.Loop() {
		report, err := audit.Verify(b.Context(), log, audit.Options{})
		if err != nil || report.Found != 0 {
			b.Fatal(report, err)
		}
		events += report.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}
