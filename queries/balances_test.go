package queries_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func balancesOf(w *world, query string) string {
	w.Helper()
	var b wire.Balances
	w.get("/ledgers/main/balances?" + query).at(w.head("main")).ok(&b)
	return names(b.Balances, func(r wire.BalanceRow) string {
		return fmt.Sprintf("%s/%s=%s-%s=%s", r.Account, r.Asset, r.Debits, r.Credits, r.Balance)
	})
}

func TestSumsOfGroupsHaveNoGreatestValue(t *testing.T) {
	const greatest, twice = "340282366920938463463374607431768211455", "680564733841876926926749214863536422910"
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("assets:a", "income:a", "USD/2", greatest, ""), transfer("assets:b", "income:b", "USD/2", greatest, ""))
	w.project()
	for query, want := range map[string]string{
		"group_by=none":    "/USD/2=" + twice + "-" + twice + "=0",
		"group_by=depth:1": "assets/USD/2=" + twice + "-0=" + twice + " income/USD/2=0-" + twice + "=" + twice,
	} {
		if got := balancesOf(w, query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
}

func TestGroupsWithoutACommonSideAreDebitsLessCredits(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", ledger.OpenAccount{Address: "mixed:a", Type: ledger.Asset}, ledger.OpenAccount{Address: "mixed:b", Type: ledger.Income},
		transfer("world", "mixed:a", "USD/2", "5", ""), transfer("world", "mixed:b", "USD/2", "7", ""), transfer("world", "mixed:b", "JPY", "1", ""))
	w.project()
	if got, want := balancesOf(w, "account=mixed:*&group_by=depth:1"), "mixed/JPY=0-1=1 mixed/USD/2=0-12=-12"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBalancesOfALedgerWithoutTransactions(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", ledger.OpenAccount{Address: "users:1"})
	w.project()
	for _, query := range []string{"", "group_by=none", "at=2026-01-01", "as_of_revision=0", "account=users:1"} {
		r := w.get("/ledgers/main/balances?" + query)
		if string(r.body[:15]) != `{"balances":[],` {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}

// meddler writes to the ledger whenever a piece of the answer reaches it.
type meddler struct {
	*httptest.ResponseRecorder

	meddle func()
	writes int
}

func (m *meddler) Write(b []byte) (int, error) {
	m.writes++
	m.meddle()
	return m.ResponseRecorder.Write(b)
}

func TestALongAnswerShowsOneRevision(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	var posts []ledger.Command
	for i := range 2500 {
		posts = append(posts, transfer("world", fmt.Sprintf("users:%04d", i), "USD/2", "3", "2026-01-01"))
	}
	w.do("main", posts...)
	w.project()
	for _, query := range []string{"account=users:*", "account=users:*&at=2026-01-01", "account=users:*&at=2026-01-01T00:00:00Z"} {
		want := wire.Balances{Revision: w.head("main")}
		// What the meddling with the query before has left is known to this one.
		want.Balances = w.known("main", want.Revision).balances(ever, "users:*", accountItself)
		m := &meddler{ResponseRecorder: httptest.NewRecorder(), meddle: func() {
			w.do("main", transfer("world", "users:2300", "USD/2", "1", "2026-01-01"), transfer("users:2300", "world", "USD/2", "1", "2026-01-01"),
				transfer("world", fmt.Sprintf("users:24%d", w.head("main")), "USD/2", "1", "2025-01-01"))
			w.project()
		}}
		w.handler.ServeHTTP(m, httptest.NewRequest(http.MethodGet, "/v1/ledgers/main/balances?"+query, nil))
		var got wire.Balances
		must(t, json.Unmarshal(m.Body.Bytes(), &got))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%.2000s", query, diff)
		}
		if m.writes < 3 {
			t.Errorf("%s: the answer came in %d pieces", query, m.writes)
		}
	}
}
