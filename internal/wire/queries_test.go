package wire_test

import (
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func TestAnswersOfQueriesAreWrittenAsTheirTypesSay(t *testing.T) {
	reference, at := "inv-\"1\"", time.Date(2026, 1, 1, 10, 0, 0, 5, time.FixedZone("", 3600))
	for _, value := range []interface{ AppendJSON(b []byte) []byte }{
		&wire.StatementLine{},
		&wire.StatementLine{TransactionID: 7, Asset: "USD/2", Debit: "1", BalanceAfter: "-1", EffectiveAt: at.UTC(), RecordedAt: at.UTC(), Description: "für\u2028", Reference: &reference},
		&wire.StatementLine{Asset: "JPY", Credit: "2", BalanceAfter: "2"},
		&wire.BalanceRow{},
		&wire.AssetBalance{Asset: "USD/2", Balance: "-1"},
		&wire.Statement{},
		&wire.Statement{
			Page:    wire.Page[wire.StatementLine]{Data: []wire.StatementLine{{Credit: "1"}, {Debit: "2"}}, NextCursor: &reference},
			Opening: []wire.AssetBalance{{Asset: "JPY", Balance: "1"}, {Asset: "USD/2"}}, Closing: []wire.AssetBalance{{Asset: "JPY", Balance: "-1"}},
		},
		&wire.Hold{},
		&wire.Hold{
			ID: 1 << 63, Ledger: "books", Status: wire.HoldOpen, Entries: []wire.Entry{{Account: "a:\"b\"", Asset: "JPY", Debit: "1"}},
			Remaining: []wire.Entry{{Account: "ä", Asset: "JPY", Credit: "1"}}, EffectiveAt: at.UTC(), ExpiresAt: new(at.UTC()), RecordedAt: at.UTC(),
			Reference: &reference, Description: "für\u2028", Metadata: map[string]string{"b": "\n", "a": "1"}, Transactions: []uint64{7, 9}, Actor: "x", Revision: 5,
		},
		&wire.Assertion{},
		&wire.Assertion{
			ID: 1, Account: "assets:**", Asset: "USD/2", At: new(at.UTC()), Equals: new("-5"), GTE: new("1"), LTE: new("2"), Status: wire.AssertionBroken,
			Balance: new("7"), BrokenBy: new(uint64(3)), DeclaredAt: at.UTC(), ChangedAt: at.UTC(), Actor: "x", Revision: 9,
		},
		&wire.BalanceRow{Account: "a:\"b\"", Asset: "USD/2", Debits: "3", Credits: "4", Balance: "-1"},
	} {
		want, err := wire.Append(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		if got := value.AppendJSON(nil); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
