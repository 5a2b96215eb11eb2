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
