package commands_test

import (
	"strings"
	"testing"
)

// replayed tests that the second answer is the first again.
func (r *reply) replayed(first *reply) {
	r.t.Helper()
	r.want(first.Status).wantHeader("Idempotent-Replayed", "true").wantHeader("Daybook-Revision", first.Header.Get("Daybook-Revision")).
		wantHeader("Location", first.Header.Get("Location"))
	if r.Body != first.Body {
		r.t.Errorf("the replay differs:\n%s\n%s", first.Body, r.Body)
	}
	if first.Header.Get("Idempotent-Replayed") != "" {
		r.t.Error("the first answer calls itself a replay")
	}
}

func TestTheSameKeyAndRequestGivesTheSameAnswer(t *testing.T) {
	h := opened(t)
	for _, tc := range []struct{ path, body, same, other string }{
		{
			toTransactions, with(`"effective_at":"2026-01-31","metadata":{"a":"1","b":"2"}`),
			`{ "metadata" : {"b":"2","a":"1"}, "effective_at":"2026-01-31T01:00:00+01:00", "dry_run": false, "reference": null,
			   "transfers":[{"amount":5,"asset":"USD\/2","to":"users:bob","from":"\u0077orld"}]}`,
			with(`"effective_at":"2026-01-31","metadata":{"a":"1","b":"3"}`),
		},
		{toAccounts, `{"address":"x","min_balance":"-5"}`, `{"min_balance":-5,"address":"x","metadata":{}}`, `{"address":"x","min_balance":"-6"}`},
		{
			toLedgers, `{"name":"other","chart":{"undeclared":"reject","rules":[{"pattern":"a","type":"asset","max_balance":"7"}]}}`,
			`{"chart":{"rules":[{"type":"asset","max_balance":7,"pattern":"a"}],"undeclared":"reject"},"name":"other"}`,
			`{"name":"other","chart":{"undeclared":"reject","rules":[{"pattern":"a","type":"asset","max_balance":"8"}]}}`,
		},
	} {
		first := h.post(tc.path, tc.body, "Idempotency-Key: key-1").want(201)
		before := len(h.log())
		h.post(tc.path, tc.body, "Idempotency-Key: key-1").replayed(first)
		h.post(tc.path, tc.same, "Idempotency-Key: key-1").replayed(first)
		h.post(tc.path, tc.other, "Idempotency-Key: key-1").want(422, "code=idempotency_key_reused")
		if after := len(h.log()); after != before {
			t.Errorf("%s: %d events more", tc.path, after-before)
		}
		h = opened(t) // keys are kept by ledger: the next case uses the same one
	}
}

func TestReplaysSurviveLaterEventsAndARestart(t *testing.T) {
	h := opened(t)
	first := h.post(toTransactions, pay("users:alice", "users:new", "1000"), "Idempotency-Key: k").want(201, "revision=5")
	h.post(toTransactions, pay("users:new", "users:bob", "1000")).want(201)
	again := houseOver(t, h.store.Reopen(), nil)
	again.post(toTransactions, pay("users:alice", "users:new", "1000"), "Idempotency-Key: k").replayed(first)
}

func TestWhatWasRejectedDoesNotUseTheKeyUp(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("users:bob", "users:carol", "5"), "Idempotency-Key: k").want(422, "code=insufficient_funds")
	h.post(toTransactions, pay("users:bob", "users:carol", "5"), "Idempotency-Key: k").want(422, "code=insufficient_funds").
		wantHeader("Idempotent-Replayed", "")
	h.post(toTransactions, pay("world", "users:bob", "5")).want(201)
	first := h.post(toTransactions, pay("users:bob", "users:carol", "5"), "Idempotency-Key: k").want(201)
	h.post(toTransactions, pay("users:bob", "users:carol", "5"), "Idempotency-Key: k").replayed(first)
}

func TestKeysOfDifferentActorsAndLedgersAreDifferent(t *testing.T) {
	h := opened(t)
	h.post(toLedgers, `{"name":"other"}`).want(201)
	key := "Idempotency-Key: " + strings.Repeat("k", 255)
	first := h.post(toTransactions, pay("world", "a", "5"), key).want(201)
	h.post(toTransactions, pay("world", "b", "6"), key, "Test-Actor: somebody").want(201).wantHeader("Idempotent-Replayed", "")
	h.post("/v1/ledgers/other/transactions", pay("world", "b", "7"), key).want(201).wantHeader("Idempotent-Replayed", "")
	h.post(toTransactions, pay("world", "a", "5"), key).replayed(first)
	h.post(toAccounts, `{"address":"c"}`, key).want(422, "code=idempotency_key_reused")
}

// TestAKeyIsOneRequestWhereverItIsSent: a header's key is used up by a bulk as a whole, and by a single command.
func TestAKeyIsOneRequestWhereverItIsSent(t *testing.T) {
	const key = "Idempotency-Key: k"
	for name, tc := range map[string]struct{ first, other func(h *house) *reply }{
		"a transaction, then a bulk": {
			func(h *house) *reply { return h.post(toTransactions, pay("world", "a", "1"), key).want(201) },
			func(h *house) *reply { return h.post(toBulk, bulkOf(post(pay("world", "a", "1"))), key) },
		},
		"a bulk, then a transaction": {
			func(h *house) *reply { return h.post(toBulk, bulkOf(post(pay("world", "a", "1"))), key).want(200) },
			func(h *house) *reply { return h.post(toTransactions, pay("world", "a", "1"), key) },
		},
		"a bulk, then one without what was accepted": {
			func(h *house) *reply {
				return h.post(toBulk, bulkOf(post(pay("users:bob", "a", "1")), post(pay("world", "a", "1"))), key).
					want(200, "results.0.status=422", "results.1.status=201")
			},
			func(h *house) *reply { return h.post(toBulk, bulkOf(post(pay("world", "b", "1"))), key) },
		},
		"a stream, then a transaction": {
			func(h *house) *reply {
				return h.postLines(toBulk, strings.NewReader(post(pay("world", "a", "1"))), key).want(200, "accepted=1")
			},
			func(h *house) *reply { return h.post(toTransactions, pay("world", "a", "1"), key) },
		},
	} {
		h := opened(t)
		tc.first(h)
		before := len(h.log())
		for _, h := range []*house{h, houseOver(t, h.store.Reopen(), nil)} {
			tc.other(h).want(422, "code=idempotency_key_reused")
			if after := len(h.log()); after != before {
				t.Errorf("%s: %d events were written", name, after-before)
			}
		}
	}
}

// TestKeysMadeOfAHeadersKeyAreNobodyElses: whatever key a client thinks of, it is not that of a line or of a command of
// a bulk under another key.
func TestKeysMadeOfAHeadersKeyAreNobodyElses(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("world", "a", "1"), "Idempotency-Key: k/0").want(201)
	h.post(toTransactions, pay("world", "a", "1"), "Idempotency-Key: k/1").want(201)
	h.post(toBulk, bulkOf(post(pay("world", "a", "1"))), "Idempotency-Key: k").want(200, "results.0.transaction.id=4")
	h.post(toTransactions, pay("world", "a", "1"), "Idempotency-Key: l/1").want(201)
	h.postLines(toBulk, strings.NewReader(post(pay("world", "a", "1"))), "Idempotency-Key: l").want(200, "accepted=1", "revision=9")
}
