package commands_test

import (
	"strings"
	"testing"
)

func of(kind, data string) string { return `{"type":"` + kind + `","data":` + data + `}` }

// everyType is one command of each type, each resting on those before it.
func everyType() []string {
	return []string{
		of("open_account", `{"address":"users:bob"}`),
		of("post_transaction", with(`"metadata":{"k":"v"}`)),
		of("place_hold", hold("users:alice", "shop", "300", `"expires_in":"1h"`)),
		of("capture_hold", `{"id":1,"amount":"100","final":false}`),
		of("void_hold", `{"id":1,"reason":"enough"}`),
		of("revert_transaction", `{"id":3,"reason":"returned"}`),
		of("set_account_metadata", `{"address":"users:bob","metadata":{"a":"1"}}`),
		of("set_transaction_metadata", `{"id":2,"metadata":{"a":"1"}}`),
	}
}

func wantEveryType(r *reply) {
	r.t.Helper()
	r.want(200,
		"results.0.status=201", "results.1.status=201", "results.1.transaction.id=2",
		"results.2.status=201", "results.2.hold.id=1", "results.2.hold.status=open",
		"results.3.status=201", "results.3.transaction.id=3", "results.3.hold.remaining.0.debit=200",
		"results.4.status=200", "results.4.hold.status=voided", "results.4.hold.transactions.0=3",
		"results.5.status=201", "results.5.transaction.reverts=3", "results.5.transaction.reason=returned",
		"results.6.status=200", "results.6.account.metadata.a=1",
		"results.7.status=200", "results.7.transaction.metadata.k=v", "results.7.transaction.metadata.a=1",
		"revision=13").wantHeader("Daybook-Revision", "13")
}

func TestABulkTakesEveryTypeOfCommand(t *testing.T) {
	h := opened(t)
	key := "Idempotency-Key: k"
	first := h.post(toBulk, bulkOf(everyType()...), key)
	wantEveryType(first)
	h.do("POST", toTransactions+"/4/revert", `{"force":true}`).want(201)
	h.do("PUT", toChart, strictChart).want(422) // "shop" is not declared there
	h.do("PUT", toChart, strings.Replace(strictChart, `"reject"`, `"allow"`, 1)).want(200)
	before := len(h.log())
	h.post(toBulk, bulkOf(everyType()...), key).replayed(first)
	again := houseOver(t, h.store.Reopen(), nil)
	again.post(toBulk, bulkOf(everyType()...), key).replayed(first)
	again.post(toBulk, bulkOf(everyType()[1:]...), key).want(422, "code=idempotency_key_reused")
	if after := len(h.log()); after != before {
		t.Errorf("%d events more", after-before)
	}
}

func TestANonAtomicBulkRevertsWhatItPosted(t *testing.T) {
	h := opened(t)
	h.post(toBulk, bulkOf(
		of("revert_transaction", `{"id":2}`),
		post(pay("users:alice", "users:bob", "600")),
		of("revert_transaction", `{"id":2}`),
		post(pay("users:alice", "users:bob", "700")), // which has to see the money come back
		of("set_transaction_metadata", `{"id":4,"metadata":{"a":"1"}}`),
		of("revert_transaction", `{"id":9}`),
		of("set_transaction_metadata", `{"id":9,"metadata":{}}`),
		of("revert_transaction", `{"id":1,"force":true}`),
	)).want(200,
		"results.0.status=404", "results.0.detail=The ledger has no transaction 2.",
		"results.1.transaction.id=2", "results.2.transaction.reverts=2", "results.3.transaction.id=4",
		"results.4.transaction.metadata.a=1", "results.5.code=transaction_not_found", "results.5.detail=The ledger has no transaction 9.",
		"results.6.code=transaction_not_found", "results.7.transaction.reverts=1", "results.7.transaction.forced=true")
}

func TestAnAtomicBulkRevertsOnlyWhatWasThereBefore(t *testing.T) {
	h := opened(t)
	before := len(h.log())
	const detail = "cause.detail=The ledger had no transaction 2 before this bulk; an atomic bulk is only about transactions that were posted before it."
	for _, kind := range []string{
		of("revert_transaction", `{"id":2}`), of("set_transaction_metadata", `{"id":2,"metadata":{"b":"2"}}`),
	} {
		h.post(toBulk, atomicOf(post(with(`"metadata":{"a":"1"}`)), kind)).want(422, "code=bulk_rejected", "index=1",
			"cause.code=transaction_not_found", "cause.status=404", detail)
	}
	if after := len(h.log()); after != before {
		t.Errorf("%d events were written", after-before)
	}
	h.post(toBulk, atomicOf(of("revert_transaction", `{"id":1}`), post(pay("world", "users:alice", "5")))).want(200,
		"results.0.transaction.reverts=1", "results.1.transaction.id=3")
}

func TestAStreamTakesEveryTypeOfCommand(t *testing.T) {
	h := opened(t)
	lines := strings.Join(everyType(), "\n") + "\n"
	h.postLines(toBulk, strings.NewReader(strings.ReplaceAll(lines, "\n\t", "")), "Idempotency-Key: k").want(200, "accepted=8", "rejected=0", "revision=13")
	before := len(h.log())
	h.postLines(toBulk, strings.NewReader(lines), "Idempotency-Key: k").want(200, "accepted=8", "rejected=0", "revision=13")
	h.postLines(toBulk, strings.NewReader(of("void_hold", `{"id":1}`)+"\n"+of("revert_transaction", `{"id":7}`)+"\n"+of("void_hold", `{}`))).want(200,
		"accepted=0", "rejected=3", "problems.0.code=hold_not_open", "problems.1.code=transaction_not_found",
		"problems.1.detail=The ledger has no transaction 7.", "problems.2.code=invalid_field")
	if after := len(h.log()); after != before {
		t.Errorf("%d events more", after-before)
	}
}

func TestCommandsUnderTheirOwnKeysAnswerAlikeAloneAndInABulk(t *testing.T) {
	h := opened(t)
	h.post(toHolds, hold("users:alice", "shop", "300", "")).want(201)
	single := h.post(toHolds+"/1/capture", `{"amount":1}`, "Idempotency-Key: c").want(201)
	inBulk := h.post(toBulk, bulkOf(`{"type":"capture_hold","idempotency_key":"c","data":{"id":1,"amount":"1"}}`)).want(200, "results.0.status=201").
		wantHeader("Idempotent-Replayed", "true")
	if want := strings.TrimSuffix(strings.TrimPrefix(single.Body, "{"), "}\n"); !strings.Contains(inBulk.Body, want) {
		t.Errorf("got %s, want it to hold %s", inBulk.Body, want)
	}
}
