package commands_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// watched is a house whose operator reads the log and the metrics, over a store with faults.
type watched struct {
	*house

	faulty  *storetest.Faulty
	metrics *prometheus.Registry
	lines   bytes.Buffer // written by the ledger's engine, read when it has answered
}

func newWatched(t *testing.T, store *memstore.Store) *watched {
	t.Helper()
	w := &watched{faulty: storetest.NewFaulty(store), metrics: prometheus.NewRegistry()}
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	engines := commands.NewEngines(w.faulty, engine.Options{
		Clock: clock, Registerer: w.metrics,
		Logger: slog.New(slog.NewTextHandler(&w.lines, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
	})
	t.Cleanup(func() { _ = engines.Close(context.Background()) })
	w.house = houseOver(t, store, func(commands.Submitter) commands.Submitter { return engines })
	return w
}

// told is what the log says of assertions since it was asked last.
func (w *watched) told(want ...string) {
	w.t.Helper()
	var got []string
	for line := range strings.Lines(w.lines.String()) {
		if strings.Contains(line, "an assertion") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	w.lines.Reset()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("log (-want +got):\n%s", diff)
	}
}

// counted is what was counted since the start: broken, held again.
func (w *watched) counted(want ...float64) {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue()
	}
	if diff := cmp.Diff(want, []float64{got["daybook_assertions_broken_total"], got["daybook_assertions_held_again_total"]}); diff != "" {
		w.t.Errorf("broken, held again (-want +got):\n%s", diff)
	}
}

func brokenLine(assertion, balance, revision, transaction int) string {
	return fmt.Sprintf(`level=WARN msg="an assertion is broken" ledger=books assertion=%d balance=%d revision=%d transaction=%d`,
		assertion, balance, revision, transaction)
}

func heldLine(assertion, balance, revision, transaction int) string {
	return fmt.Sprintf(`level=INFO msg="an assertion holds again" ledger=books assertion=%d balance=%d revision=%d transaction=%d`,
		assertion, balance, revision, transaction)
}

func TestABrokenAssertionIsReportedOnce(t *testing.T) {
	store := memstore.New()
	w := newWatched(t, store)
	w.post("/v1/ledgers", `{"name":"books","template":"wallets"}`).want(201)
	w.post(toTransactions, pay("world", "users:alice", "1000")).want(201)
	w.post(toAssertions, aliceHas1000).want(201, "assertion.status=holds")
	w.counted(0, 0) // they are there before anything breaks
	w.told()

	taken := pay("users:alice", "shop", "1")
	w.post(toTransactions, strings.TrimSuffix(taken, "}")+`,"dry_run":true}`).want(200)
	w.post(toTransactions, pay("users:alice", "shop", "1001")).want(422)
	w.post(toBulk, `{"atomic":true,"commands":[`+post(taken)+`,`+post(pay("none", "shop", "1"))+`]}`).want(422)
	w.told()
	for range 2 { // the second time it is a replay
		w.post(toTransactions, taken, "Idempotency-Key: k").want(201, "transaction.id=2")
	}
	w.told(brokenLine(1, 999, 8, 2))
	w.post(toTransactions, taken).want(201)
	w.told() // it was broken before

	w.post(toTransactions, pay("shop", "users:alice", "2")).want(201)
	w.told(heldLine(1, 1000, 11, 4))
	w.post(toBulk, bulkOf(post(taken), post(pay("shop", "users:alice", "1")))).want(200)
	w.told(brokenLine(1, 999, 13, 5), heldLine(1, 1000, 15, 6))
	w.counted(2, 2)

	w.faulty.Next(storetest.Written(), storetest.None(), storetest.Lost()) // in doubt: there after all, and not there
	w.post(toTransactions, taken).want(201)
	w.told(brokenLine(1, 999, 17, 7))
	w.post(toTransactions, taken).want(201)
	w.post(toTransactions, pay("shop", "users:alice", "2")).want(201)
	w.told(heldLine(1, 1000, 20, 9))

	w.post(toAssertions, `{"account":"shop","asset":"USD/2","gte":"1"}`).want(201, "assertion.status=broken")
	w.told(`level=WARN msg="an assertion is broken" ledger=books assertion=2 balance=0 revision=22`)
	w.counted(4, 3)

	again := newWatched(t, store) // reads all of that, and appends none of it
	again.post(toTransactions, taken, "Idempotency-Key: k").want(201, "transaction.id=2")
	again.post(toTransactions, pay("none", "shop", "1")).want(422)
	again.told()
	again.counted(0, 0)
}
