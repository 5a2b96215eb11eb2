package queries_test

import (
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func TestHostileParameters(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for range 3 {
		w.do("main", transfer("world", "users:1", "USD/2", "1", "2026-01-01"))
	}
	w.project()
	var lines wire.Statement
	w.get("/ledgers/main/accounts/users:1/entries?limit=1").ok(&lines)
	var posted wire.Page[wire.Transaction]
	w.get("/ledgers/main/transactions?limit=1&q=").ok(&posted)
	var history wire.Page[wire.Event]
	w.get("/ledgers/main/events?limit=1").ok(&history)

	for _, test := range []struct {
		path   string
		status int
		code   string
		about  string
	}{
		{"/accounts?colour=red", 400, "malformed_request", "?colour"},
		{"/accounts?limit=1&limit=2", 400, "malformed_request", "?limit"},
		{"/accounts?metadata=x", 400, "malformed_request", "?metadata"},
		{"/accounts?address=%zz", 400, "malformed_request", "?"},
		{"/ledgers?min_revision=0", 404, "not_found", ""},
		{"/accounts?limit=0", 422, "invalid_field", "?limit"},
		{"/accounts?limit=1001", 422, "invalid_field", "?limit"},
		{"/accounts?limit=-1", 422, "invalid_field", "?limit"},
		{"/accounts?address=a**", 422, "invalid_field", "?address"},
		{"/accounts?address=a::b", 422, "invalid_field", "?address"},
		{"/accounts?address=" + strings.Repeat("a", 513), 422, "invalid_field", "?address"},
		{"/accounts?cursor=x", 422, "invalid_field", "?cursor"},
		{"/accounts?cursor=eyJ2IjoxfQ", 422, "invalid_field", "?cursor"},
		{"/accounts?cursor=" + *posted.NextCursor, 422, "invalid_field", "?cursor"},
		{"/accounts?min_revision=-1", 422, "invalid_field", "?min_revision"},
		{"/accounts?min_revision=1.5", 422, "invalid_field", "?min_revision"},
		{"/accounts?wait=61s", 422, "invalid_field", "?wait"},
		{"/accounts?wait=-1s", 422, "invalid_field", "?wait"},
		{"/accounts/users:1/entries?asset=%27;drop", 400, "malformed_request", "?"},
		{"/accounts/users:1/entries?asset=U%20D", 422, "invalid_field", "?asset"},
		{"/accounts/users:1/entries?from=yesterday", 422, "invalid_field", "?from"},
		{"/accounts/users:1/entries?to=2026-02-30", 422, "invalid_field", "?to"},
		{"/accounts/users:1/entries?to=0000-01-01", 422, "invalid_field", "?to"},
		{"/accounts/users:1/entries?from=2026-01-01&cursor=" + *lines.NextCursor, 422, "invalid_field", "?cursor"},
		{"/accounts/world/entries?cursor=" + *lines.NextCursor, 422, "invalid_field", "?cursor"},
		{"/balances?group_by=depth:0", 422, "invalid_field", "?group_by"},
		{"/balances?group_by=depth:99999999999999999999", 422, "invalid_field", "?group_by"},
		{"/balances?group_by=asset", 422, "invalid_field", "?group_by"},
		{"/balances?at=2026-13-01", 422, "invalid_field", "?at"},
		{"/balances?as_of_revision=x", 422, "invalid_field", "?as_of_revision"},
		{"/balances?limit=1", 400, "malformed_request", "?limit"},
		{"/transactions?account=a:**:b", 422, "invalid_field", "?account"},
		{"/transactions?q=1&cursor=" + *posted.NextCursor, 422, "invalid_field", "?cursor"},
		{"/transactions/0", 404, "transaction_not_found", ""},
		{"/transactions/4", 404, "transaction_not_found", ""},
		{"/transactions/-1", 404, "transaction_not_found", ""},
		{"/transactions/01", 404, "transaction_not_found", ""},
		{"/transactions/x", 404, "transaction_not_found", ""},
		{"/transactions/9223372036854775808", 404, "transaction_not_found", ""},
		{"/transactions/18446744073709551615", 404, "transaction_not_found", ""},
		{"/accounts/users:1/entries?at=2026-13-01", 422, "invalid_field", "?at"},
		{"/accounts/users:1/entries?as_of_revision=-1", 422, "invalid_field", "?as_of_revision"},
		{"/accounts/users:1/entries?as_of_revision=99&wait=0", 504, "revision_not_reached", ""},
		{"/accounts/users:1/entries?as_of_revision=1", 404, "account_not_found", ""},
		{"/accounts/users:1/entries?as_of_revision=3&cursor=" + *lines.NextCursor, 422, "invalid_field", "?cursor"},
		{"/holds?status=closed", 422, "invalid_field", "?status"},
		{"/holds?account=a:**:b", 422, "invalid_field", "?account"},
		{"/holds?colour=red", 400, "malformed_request", "?colour"},
		{"/holds?cursor=" + *posted.NextCursor, 422, "invalid_field", "?cursor"},
		{"/holds/1", 404, "hold_not_found", ""},
		{"/holds/0", 404, "hold_not_found", ""},
		{"/holds/x", 404, "hold_not_found", ""},
		{"/holds/18446744073709551615", 404, "hold_not_found", ""},
		{"/assertions?status=open", 422, "invalid_field", "?status"},
		{"/assertions?cursor=" + *posted.NextCursor, 422, "invalid_field", "?cursor"},
		{"/assertions/1", 404, "not_found", "assertion"},
		{"/assertions/01", 404, "not_found", "assertion"},
		{"/periods?limit=1", 400, "malformed_request", "?limit"},
		{"/events?from=-1", 422, "invalid_field", "?from"},
		{"/events?cursor=" + *posted.NextCursor, 422, "invalid_field", "?cursor"},
		{"/events?from=1&cursor=" + *history.NextCursor, 422, "invalid_field", "?cursor"},
	} {
		if detail := w.get("/ledgers/main"+test.path).fails(test.status, test.code); !strings.Contains(detail, test.about) {
			t.Errorf("%s: %s, want something about %s", test.path, detail, test.about)
		}
	}
	for _, path := range []string{"/holds", "/holds/1", "/periods", "/assertions", "/assertions/1"} {
		w.get("/ledgers/other"+path).fails(404, "ledger_not_found")
	}
	w.get("/ledgers?min_revision=0").fails(400, "malformed_request")
}

// Filters are values, never text of a statement.
func TestFiltersAreTakenLiterally(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	odd := `'; DROP TABLE "x" -- %_\ ?`
	post := transfer("world", "users:1", "USD/2", "1", "2026-01-01")
	post.Description, post.Reference, post.Metadata = odd+" Größe ſ", odd, map[string]string{odd: odd}
	w.do("main", post, transfer("world", "users:1", "USD/2", "1", "2026-01-01"))
	w.project()
	encoded := "%27%3B%20DROP%20TABLE%20%22x%22%20--%20%25_%5C%20%3F"
	for query, want := range map[string]string{
		"reference=" + encoded:                 "1",
		"reference=x":                          "",
		"metadata[" + encoded + "]=" + encoded: "1",
		"metadata[" + encoded + "]=x":          "",
		"q=" + encoded:                         "1",
		"q=drop%20table":                       "1",
		"q=%25":                                "1",
		"q=GR%C3%96%C3%9FE%20S":                "1",
		"q=%25%25":                             "",
		"account=users:1":                      "2 1",
		"account=users:*":                      "2 1",
		"account=users:1&reference=" + encoded: "1",
		"account=users:2&reference=" + encoded: "",
		"account=world&metadata[" + encoded + "]=" + encoded:      "1",
		"metadata[" + encoded + "]=" + encoded + "&metadata[b]=c": "",
	} {
		var p wire.Page[wire.Transaction]
		w.get("/ledgers/main/transactions?" + query).ok(&p)
		got := names(p.Data, func(t wire.Transaction) string { return string(rune('0' + t.ID)) })
		if got != want {
			t.Errorf("%s: transactions %q, want %q", query, got, want)
		}
	}
}
