package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// goldenHolds are the golden events about holds and reversals.
func goldenHolds() map[string]ledger.Event {
	great := payment(1).Entries
	great[0].Amount, great[1].Amount = money.MaxAmount, money.MaxAmount
	return map[string]ledger.Event{
		"TransactionPosted.v1.reversal": ledger.TransactionPosted{
			ID: 3, Entries: payment(1050).Entries, EffectiveAt: noon, IntendedAt: noon.AddDate(0, -1, 0).Add(5),
			Reverts: 2, Forced: true, Reason: "posted twice \"by mistake\"",
		},
		"TransactionPosted.v1.capture": ledger.TransactionPosted{
			ID: 4, Entries: payment(7).Entries, EffectiveAt: noon, Description: "dinner", Hold: 18446744073709551615,
		},
		"HoldPlaced.v1.small": ledger.HoldPlaced{ID: 1, Entries: payment(1050).Entries, EffectiveAt: noon},
		"HoldPlaced.v1.full": ledger.HoldPlaced{
			ID: 18446744073709551615, Entries: great, EffectiveAt: noon, ExpiresAt: noon.Add(time.Hour + 1),
			Reference: "order-42", Description: "dinner", Metadata: ledger.Metadata{"table": "5", "": "€"},
		},
		"HoldCaptured.v1.part": ledger.HoldCaptured{
			ID: 2, Transaction: 9, Entries: payment(50).Entries, Remaining: payment(1000).Entries,
			HoldOrigin: ledger.HoldOrigin{Placed: 17, Captures: []uint64{4, 9}},
		},
		"HoldCaptured.v1.final": ledger.HoldCaptured{
			ID: 2, Transaction: 9, Entries: payment(50).Entries, Final: true,
			HoldOrigin: ledger.HoldOrigin{Placed: 18446744073709551615, Captures: []uint64{9}},
		},
		"HoldVoided.v1.plain": ledger.HoldVoided{ID: 1, HoldOrigin: ledger.HoldOrigin{Placed: 3}},
		"HoldVoided.v1.reason": ledger.HoldVoided{
			ID: 1, Reason: "did not come", HoldOrigin: ledger.HoldOrigin{Placed: 3, Captures: []uint64{1, 2}},
		},
		"HoldExpired.v1.plain":    ledger.HoldExpired{ID: 1, HoldOrigin: ledger.HoldOrigin{Placed: 3}},
		"HoldExpired.v1.captured": ledger.HoldExpired{ID: 1, HoldOrigin: ledger.HoldOrigin{Placed: 3, Captures: []uint64{1}}},
	}
}

func TestDecodingHoldsIsStrict(t *testing.T) {
	t.Parallel()
	const entries = `[{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"X","credit":"1"}]`
	for name, good := range map[string]string{
		"HoldPlaced":   `{"id":1,"entries":` + entries + `,"effective_at":"2026-01-31T12:00:00Z","expires_at":"2026-02-28T12:00:00Z"}`,
		"HoldCaptured": `{"id":1,"transaction":1,"entries":` + entries + `,"remaining":[],"final":true,"placed":1,"captures":[1]}`,
		"HoldVoided":   `{"id":1,"reason":"r","placed":1,"captures":[1]}`,
		"HoldExpired":  `{"id":1,"placed":1,"captures":[1]}`,
	} {
		if _, err := ledger.Decode(name, 1, []byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
		if _, err := ledger.Decode(name, 2, []byte(good)); err == nil {
			t.Errorf("%s version 2 is read", name)
		}
		for _, change := range []struct{ old, new string }{
			{`"id":1,`, ``},
			{`"id":1`, `"id":1,"id":1`},
			{`"id":1`, `"id":1,"more":1`},
			{`"placed":1,`, ``},
			{`"placed":1`, `"placed":-1`},
			{`"placed":1`, `"placed":1,"placed":1`},
			{`"captures":[1]`, `"captures":[1],"captures":[1]`},
			{`"captures":[1]`, `"captures":["1"]`},
			{`"captures":[1]`, `"captures":[1,]`},
			{`"captures":[1]`, `"captures":1`},
			{`"transaction":1,`, ``},
			{`"final":true`, `"final":1`},
			{`"entries":` + entries + `,`, ``},
			{`"remaining":[]`, `"remaining":{}`},
			{`2026-02-28`, `2026-02-29`},
			{`"reason":"r"`, `"reason":null`},
		} {
			data := strings.Replace(good, change.old, change.new, 1)
			if _, err := ledger.Decode(name, 1, []byte(data)); err == nil && data != good {
				t.Errorf("%s is read as a %s", data, name)
			}
		}
	}
	const captured = `{"id":1,"transaction":1,"entries":` + entries + `,"placed":1,"captures":[]}`
	if _, err := ledger.Decode("HoldCaptured", 1, []byte(captured)); err == nil {
		t.Error("a capture without captures is read")
	}
	if _, err := ledger.Decode("HoldExpired", 1, []byte(`{"id":1,"reason":"r","placed":1}`)); err == nil {
		t.Error("an expiry with a reason is read")
	}
}
