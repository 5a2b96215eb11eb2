package queries_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/queries"
)

// ledgerPaths are all queries of a ledger.
var ledgerPaths = []string{"", "/accounts", "/accounts/users:1", "/accounts/users:1/entries", "/balances", "/transactions", "/transactions/1", "/holds", "/periods", "/assertions"}

// withoutPolling makes a waiting request hang until the board wakes it.
func withoutPolling(o *queries.Options) { o.PollEvery = time.Hour }

// withoutBoard leaves a waiting request to its polls, as where the projections run in another process.
func withoutBoard(o *queries.Options) { o.Board, o.PollEvery = nil, time.Millisecond }

func withSpy(spy *watermark.Board) func(*queries.Options) {
	return func(o *queries.Options) { o.Board = spy }
}

func TestARequestWaitsForItsRevision(t *testing.T) {
	for name, option := range map[string]func(*queries.Options){"woken by the board": withoutPolling, "polling": withoutBoard} {
		t.Run(name, func(t *testing.T) {
			for _, path := range ledgerPaths {
				w := newWorld(t, option)
				w.open("main") // not even the ledger is known yet
				w.do("main", transfer("world", "users:1", "USD/2", "1", ""))
				replies := make(chan reply)
				go func() {
					replies <- w.get(fmt.Sprintf("/ledgers/main%s?min_revision=%d&wait=50", path, w.head("main")))
				}()
				// Whether the request comes before or after any of these, it must see what it demands.
				for _, projection := range []string{"transactions", "accounts", "holds", "periods", "assertions", "ledgers", "entries"} {
					w.project(projection)
				}
				var answer any
				(<-replies).at(w.head("main")).ok(&answer)
			}
		})
	}
}

func TestARevisionThatIsNotReached(t *testing.T) {
	w := newWorld(t, withoutBoard)
	w.open("main")
	w.do("main", transfer("world", "users:1", "USD/2", "1", ""))
	w.project()
	for _, path := range append(ledgerPaths, "/events") {
		for _, query := range []string{"?min_revision=4&wait=0", "?min_revision=4&wait=3ms", "?min_revision=18446744073709551615&wait=0"} {
			detail := w.get("/ledgers/main"+path+query).fails(504, "revision_not_reached")
			if path != "/events" && !strings.Contains(detail, "at revision 3 ") {
				t.Errorf("%s%s: %s", path, query, detail)
			}
		}
		w.get("/ledgers/other"+path+"?min_revision=0&wait=50").fails(404, "ledger_not_found") // at once
	}
	w.get("/ledgers/main/balances?as_of_revision=4&wait=0").fails(504, "revision_not_reached")
	w.get("/ledgers/main/balances?as_of_revision=2&min_revision=4&wait=0").fails(504, "revision_not_reached")
	var b wire.Balances
	w.get("/ledgers/main/balances?as_of_revision=2&min_revision=3&wait=0").at(2).ok(&b)
}

// Whoever was told that a ledger was opened finds it, without knowing of revisions.
func TestALedgerIsFoundAsSoonAsItIsOpen(t *testing.T) {
	for name, option := range map[string]func(*queries.Options){"woken by the board": withoutPolling, "polling": withoutBoard} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"", "/accounts", "/balances", "/transactions"} {
				w := newWorld(t, option)
				w.open("main")
				replies := make(chan reply)
				go func() { replies <- w.get("/ledgers/main" + path) }()
				for _, projection := range []string{"transactions", "accounts", "ledgers", "entries"} {
					w.project(projection)
				}
				var answer any
				(<-replies).ok(&answer)
			}
		})
	}
}

func TestWaitingEndsWithTheClient(t *testing.T) {
	w := newWorld(t, withoutPolling)
	w.open("main")
	w.project()
	ctx, cancel := context.WithCancel(t.Context())
	replies := make(chan reply)
	go func() { replies <- w.getContext(ctx, "/ledgers/main?min_revision=9&wait=60") }()
	cancel()
	if r := <-replies; r.status != 499 {
		t.Errorf("status %d", r.status)
	}
}

func TestABoardAheadOfTheDatabaseIsNotTrusted(t *testing.T) {
	board := watermark.New()
	w := newWorld(t, withSpy(board))
	w.open("main")
	w.project()
	board.Publish("ledgers", "main", 9)
	w.get("/ledgers/main?min_revision=9&wait=1ms").fails(504, "revision_not_reached")
}

func TestAnAnswerReflectsTheProjectionThatIsBehind(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("world", "users:1", "USD/2", "1", ""))
	w.project()
	w.do("main", transfer("world", "users:1", "USD/2", "10", ""))
	w.project("entries", "transactions")

	var p wire.Statement
	w.get("/ledgers/main/accounts/users:1/entries").at(3).ok(&p)
	if len(p.Data) != 1 {
		t.Errorf("the statement shows %d lines of revision 3", len(p.Data))
	}
	var b wire.Balances
	w.get("/ledgers/main/balances?account=users:1").at(3).ok(&b)
	w.get("/ledgers/main/balances?account=users:1&at=2026-12-31").at(3).ok(&b)
	if b.Balances[0].Balance != "1" {
		t.Errorf("the balance at revision 3 is %s", b.Balances[0].Balance)
	}
	var l wire.Page[wire.Transaction]
	w.get("/ledgers/main/transactions").at(4).ok(&l)
	if len(l.Data) != 2 {
		t.Errorf("%d transactions at revision 4", len(l.Data))
	}
}

func TestManyReadersAtOnceGetTheirConnections(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("world", "users:1", "USD/2", "1", ""))
	w.project()
	var failed atomic.Int32
	done := make(chan struct{})
	const readers = 100
	for i := range readers {
		go func() {
			defer func() { done <- struct{}{} }()
			path := ledgerPaths[i%len(ledgerPaths)]
			if r := w.get("/ledgers/main" + path); r.status != 200 {
				failed.Add(1)
			}
		}()
	}
	for range readers {
		<-done
	}
	if n := failed.Load(); n > 0 {
		t.Errorf("%d requests failed", n)
	}
}
