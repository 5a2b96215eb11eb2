package queries_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/projections/views"
)

func account(w *world, path string) wire.Account {
	w.Helper()
	var a struct{ Account wire.Account }
	w.get("/ledgers/main/accounts/" + path).ok(&a)
	return a.Account
}

func TestAccountShowsItsBalancesOnItsNormalSide(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	least, most := money.NewSigned(true, money.NewAmount(500)), money.NewSigned(false, money.MaxAmount)
	w.do("main", ledger.OpenAccount{
		Address: "assets:cash", Limits: ledger.Limits{Min: &least, Max: &most}, Metadata: ledger.Metadata{"branch": "Łódź", "odd\x1f": "\x1f"},
	})
	opened := w.clock
	w.do("main", transfer("assets:cash", "users:1", "USD/2", "340282366920938463463374607431768211455", ""),
		transfer("users:1", "assets:cash", "JPY", "30", ""))
	w.project()

	minimum, maximum := "-500", "340282366920938463463374607431768211455"
	want := wire.Account{
		Address: "assets:cash", Type: "asset", Status: "open", Limits: wire.Limits{MinBalance: &minimum, MaxBalance: &maximum},
		Metadata: map[string]string{"branch": "Łódź", "odd\x1f": "\x1f"}, OpenedAt: opened,
		Balances: []wire.Balance{
			{Asset: "JPY", Debits: "0", Credits: "30", PendingDebits: "0", PendingCredits: "0", Balance: "-30", Available: "-30"},
			{Asset: "USD/2", Debits: maximum, Credits: "0", PendingDebits: "0", PendingCredits: "0", Balance: maximum, Available: maximum},
		},
	}
	if diff := cmp.Diff(want, account(w, "assets:cash")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	user := account(w, "users:1")
	if user.Type != "liability" || user.Balances[0].Balance != "-30" || user.Balances[1].Balance != maximum || user.Limits.MinBalance != nil {
		t.Errorf("the credit-normal account is %+v", user)
	}
}

func TestAvailableIsTheBalanceLessWhatHoldsWouldTake(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("assets:cash", "users:1", "USD/2", "100", ""))
	w.project()
	must(t, w.views.Update(t.Context(), func(tx *views.Tx) error {
		_, err := tx.Exec(fmt.Sprintf(`UPDATE balances_%d SET pending_debits = '30', pending_credits = '7'`, w.models["accounts"].generation.Number))
		return err
	}))
	for path, want := range map[string]string{"assets:cash": "93", "users:1": "70"} {
		if b := account(w, path).Balances[0]; b.Available != want || b.Balance != "100" {
			t.Errorf("%s: %+v, want %s available", path, b, want)
		}
	}
}

func TestAccountIsFoundByAnyAddressThereIs(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for _, at := range []string{"Aktiva:Kasse Süd/Ost", "資産:現金", "a%2Fb:100%", "users:*", "q?:#frag&x=1", "entries", ".."} {
		w.do("main", transfer(at, "world", "USD/2", "5", ""))
		w.project()
		if got := account(w, url.PathEscape(at)); got.Address != at || len(got.Balances) != 1 {
			t.Errorf("%s: %+v", at, got)
		}
		var p wire.Statement
		w.get("/ledgers/main/accounts/" + url.PathEscape(at) + "/entries").ok(&p)
		if len(p.Data) != 1 {
			t.Errorf("%s: %d lines", at, len(p.Data))
		}
	}
	for _, path := range []string{"nobody", "users:%20x", "a::b", "%00", "%ff"} {
		w.get("/ledgers/main/accounts/"+path).fails(404, "account_not_found")
		w.get("/ledgers/main/accounts/"+path+"/entries").fails(404, "account_not_found")
		w.get("/ledgers/other/accounts/"+path).fails(404, "ledger_not_found")
	}
}

func listed(w *world, query string) (addresses string, pages int) {
	w.Helper()
	cursor := ""
	for {
		pages++
		var p wire.Page[wire.Account]
		w.get("/ledgers/main/accounts?" + query + cursor).at(w.head("main")).ok(&p)
		if addresses != "" && len(p.Data) > 0 {
			addresses += " "
		}
		addresses += names(p.Data, func(a wire.Account) string { return a.Address })
		if p.NextCursor == nil {
			return addresses, pages
		}
		cursor = "&cursor=" + *p.NextCursor
	}
}

func TestAccountsAreFilteredByPatternAndMetadata(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for i, at := range []string{"users", "users:a", "users:b", "users:b:x", "users:b:y", "users-old:a", "users;x", "users:ü", "zebra"} {
		w.do("main", ledger.OpenAccount{Address: address.Address(at), Metadata: ledger.Metadata{"even": fmt.Sprint(i%2 == 0), "a[b]": "x=y"}})
	}
	w.open("other")
	w.do("other", ledger.OpenAccount{Address: "users:c"})
	w.project()
	for query, want := range map[string]string{
		"":                                       "users users-old:a users:a users:b users:b:x users:b:y users:ü users;x zebra",
		"address=users":                          "users",
		"address=users:*":                        "users:a users:b users:ü",
		"address=users:**":                       "users:a users:b users:b:x users:b:y users:ü",
		"address=users:*:y":                      "users:b:y",
		"address=*":                              "users users;x zebra",
		"address=**":                             "users users-old:a users:a users:b users:b:x users:b:y users:ü users;x zebra",
		"address=*:a":                            "users-old:a users:a",
		"address=nobody":                         "",
		"address=nobody:**":                      "",
		"metadata[even]=true":                    "users users:b users:b:y users;x zebra",
		"metadata[even]=true&address=users:**":   "users:b users:b:y",
		"metadata[even]=true&metadata[odd]=true": "",
		"metadata%5Ba%5Bb%5D%5D=x%3Dy&metadata[even]=false": "users-old:a users:a users:b:x users:ü",
	} {
		if got, _ := listed(w, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if got, pages := listed(w, query+"&limit=1"); got != want || pages > 9 {
			t.Errorf("%s, one a page: %q on %d pages, want %q", query, got, pages, want)
		}
	}
}

func TestPagesOfAccountsNeitherSkipNorRepeat(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for i := range 10 {
		w.do("main", transfer(fmt.Sprintf("u:%d0", i), "world", "USD/2", fmt.Sprint(i+1), ""))
	}
	w.project()
	var p wire.Page[wire.Account]
	w.get("/ledgers/main/accounts?address=u:*&limit=4").ok(&p)
	for i := range 10 { // between all that there are
		w.do("main", transfer(fmt.Sprintf("u:%d5", i), "world", "USD/2", "1", ""))
	}
	w.project()
	var q wire.Page[wire.Account]
	w.get("/ledgers/main/accounts?address=u:*&limit=1000&cursor=" + *p.NextCursor).ok(&q)
	shown := func(a wire.Account) string { return a.Address + "=" + a.Balances[0].Balance }
	got := names(append(p.Data, q.Data...), shown)
	want := "u:00=-1 u:10=-2 u:20=-3 u:30=-4 u:35=-1 u:40=-5 u:45=-1 u:50=-6 u:55=-1 u:60=-7 u:65=-1 u:70=-8 u:75=-1 u:80=-9 u:85=-1 u:90=-10 u:95=-1"
	if got != want || q.NextCursor != nil {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestStatementPagesShowWhatWasKnownAtTheFirst(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for day := 1; day <= 6; day++ {
		w.do("main", transfer("users:1", "world", "USD/2", "10", fmt.Sprintf("2026-01-%02dT10:00:00Z", day)))
	}
	w.project()
	var first, second wire.Statement
	pinned := w.head("main")
	w.get("/ledgers/main/accounts/users:1/entries?limit=3").at(pinned).ok(&first)
	w.do("main", transfer("users:1", "world", "USD/2", "1", "2026-01-01"), transfer("users:1", "world", "USD/2", "1", "2026-01-05"))
	w.project()
	w.get("/ledgers/main/accounts/users:1/entries?limit=3&cursor=" + *first.NextCursor).at(pinned).ok(&second)
	balance := func(l wire.StatementLine) string { return l.BalanceAfter }
	if got := names(append(first.Data, second.Data...), balance); got != "-10 -20 -30 -40 -50 -60" || second.NextCursor != nil {
		t.Errorf("got %s", got)
	}
	var now wire.Statement
	w.get("/ledgers/main/accounts/users:1/entries?from=2026-01-05").at(w.head("main")).ok(&now)
	if got := names(now.Data, balance); got != "-42 -52 -62" {
		t.Errorf("as known now: %s", got)
	}
	detail := w.get(fmt.Sprintf("/ledgers/main/accounts/users:1/entries?min_revision=%d&cursor=%s", pinned+1, *first.NextCursor)).
		fails(422, "invalid_field")
	if detail == "" {
		t.Error("no detail")
	}
}

func TestStatementOfManyAssetsGoesOnWithoutCarryingThem(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for round := range 2 {
		for i := range 40 {
			w.do("main", transfer("world", "users:1", fmt.Sprintf("A%02d", i), fmt.Sprint(i+1), fmt.Sprintf("2026-01-0%dT10:00:00Z", round+1)))
		}
	}
	w.project()
	var all []wire.StatementLine
	cursor := ""
	for {
		var p wire.Statement
		r := w.get("/ledgers/main/accounts/users:1/entries?limit=30" + cursor)
		r.ok(&p)
		all = append(all, p.Data...)
		if p.NextCursor == nil {
			break
		}
		if len(*p.NextCursor) > 4000 {
			t.Errorf("a cursor of %d bytes", len(*p.NextCursor))
		}
		cursor = "&cursor=" + *p.NextCursor
	}
	for i, line := range all {
		if want := fmt.Sprint((i/40 + 1) * (i%40 + 1)); line.BalanceAfter != want {
			t.Errorf("line %d: %s, want %s", i, line.BalanceAfter, want)
		}
	}
	if len(all) != 80 {
		t.Errorf("%d lines", len(all))
	}
}

func TestStatementTellsOfTheTransaction(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	post := transfer("world", "users:1", "USD/2", "10", "2026-01-01T10:00:00.5Z")
	post.Reference, post.Description = "inv-1", "for „January“"
	w.do("main", post)
	w.project()
	reference := "inv-1"
	var p wire.Statement
	w.get("/ledgers/main/accounts/users:1/entries").ok(&p)
	want := []wire.StatementLine{{
		TransactionID: 1, Asset: "USD/2", Credit: "10", BalanceAfter: "10", EffectiveAt: time.Date(2026, 1, 1, 10, 0, 0, 5e8, time.UTC),
		RecordedAt: w.clock, Description: "for „January“", Reference: &reference,
	}}
	if diff := cmp.Diff(want, p.Data); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
