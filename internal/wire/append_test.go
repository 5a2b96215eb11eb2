package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func samples() map[string]wire.Transaction {
	at := time.Date(2026, 1, 31, 12, 0, 0, 120, time.FixedZone("", 7200))
	return map[string]wire.Transaction{
		"plain": {
			ID: 7, Ledger: "books", Status: "posted", EffectiveAt: at, RecordedAt: at, Actor: "anonymous", Revision: 1 << 63,
			Entries: []wire.Entry{{Account: "world", Asset: "USD/2", Debit: "1050"}, {Account: "users:alice", Asset: "USD/2", Credit: "1050"}},
		},
		"full": {
			Reference: new("inv \"42\" \u2028 </script>"), Description: "Büro\n\t\x7f 資産 😀", Reverts: new(uint64(1)),
			RevertedBy: new(uint64(2)), Hold: new(uint64(3)), Forced: true, Reason: "two \"payouts\"", IntendedAt: new(time.Date(2025, 12, 31, 1, 2, 3, 4, time.UTC)), Metadata: map[string]string{"z": "1", "a": `\`, "é": ""},
		},
		"empty": {},
	}
}

// The fast methods and the general function must not differ by a byte: clients compare answers, and replays promise
// the same.
func TestTheFastWayAndTheGeneralWayAgree(t *testing.T) {
	for name, tx := range samples() {
		want, err := wire.Append(nil, tx)
		if err != nil {
			t.Fatal(err)
		}
		// The general way keeps the zone that the fast way turns into UTC.
		tx.EffectiveAt, tx.RecordedAt = tx.EffectiveAt.UTC(), tx.RecordedAt.UTC()
		if inUTC, _ := wire.Append(nil, tx); name != "plain" && string(inUTC) != string(want) {
			t.Errorf("%s: sample is not in UTC", name)
		} else {
			want = inUTC
		}
		if diff := cmp.Diff(string(want), string(tx.AppendJSON(nil))); diff != "" {
			t.Errorf("%s (-general +fast): %s", name, diff)
		}
		if !json.Valid(tx.AppendJSON(nil)) {
			t.Errorf("%s: not JSON: %s", name, tx.AppendJSON(nil))
		}
	}
	account := wire.Account{
		Address: "資産:現金", Type: "asset", Status: "open", Limits: wire.Limits{MinBalance: new("-5")},
		Balances: []wire.Balance{{Asset: "JPY", Debits: "1", Credits: "2", PendingDebits: "3", PendingCredits: "4", Balance: "-1", Available: "-4"}, {}},
		Metadata: map[string]string{"k": "v"},
	}
	for _, a := range []wire.Account{account, {}} {
		want, err := wire.Append(nil, a)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(a.AppendJSON(nil))); diff != "" {
			t.Errorf("account (-general +fast): %s", diff)
		}
	}
}

func TestATransactionLooksAsTheContractSays(t *testing.T) {
	tx := samples()["plain"]
	want := `{"id":7,"ledger":"books","status":"posted","entries":[{"account":"world","asset":"USD/2","debit":"1050"},` +
		`{"account":"users:alice","asset":"USD/2","credit":"1050"}],"effective_at":"2026-01-31T10:00:00.00000012Z",` +
		`"recorded_at":"2026-01-31T10:00:00.00000012Z","reference":null,"description":"","metadata":{},"reverts":null,` +
		`"reverted_by":null,"hold":null,"actor":"anonymous","revision":9223372036854775808}`
	if diff := cmp.Diff(want, string(tx.AppendJSON(nil))); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkTransactionAppendJSON(b *testing.B) {
	tx := samples()["plain"]
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = tx.AppendJSON(buf[:0])
	}
}
