package commands_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

// TestHostileListsCostLittle: what is far beyond the bounds is read to its end, but not kept.
func TestHostileListsCostLittle(t *testing.T) {
	const most = 30                        // bytes allocated for each byte that is sent: an item that is kept takes more, for its three
	h := houseOver(t, memstore.New(), nil) // nobody watches, who would need memory too
	h.post(toLedgers, `{"name":"books"}`).want(201)
	many := strings.Repeat("{},", 1_000_000) + "{}"
	for _, tc := range []struct{ name, path, body string }{
		{"transfers", toTransactions, `{"transfers":[` + many + `]}`},
		{"entries", toTransactions, `{"entries":[` + many + `]}`},
		{"transfers that the general decoder reads", toTransactions, `{"reference":null,"transfers":[` + many + `]}`},
		{"entries that the general decoder reads", toTransactions, `{"reference":null,"entries":[` + many + `]}`},
		{"commands", toBulk, `{"commands":[` + many + `]}`},
		{"rules", toLedgers, `{"name":"x","chart":{"undeclared":"allow","rules":[` + many + `]}}`},
		{"assets", toLedgers, `{"name":"x","chart":{"undeclared":"allow","rules":[{"assets":[` +
			strings.ReplaceAll(many, "{}", `""`) + `]}]}}`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.post(tc.path, tc.body).want(422, "code=invalid_field")
		runtime.ReadMemStats(&after)
		if took := int(after.TotalAlloc - before.TotalAlloc); took > most*len(tc.body) {
			t.Errorf("%s: %d MB were allocated for a request of %d MB", tc.name, took>>20, len(tc.body)>>20)
		}
	}
}
