package commands_test

import (
	"fmt"
	"strings"
	"testing"
)

func post(data string) string { return `{"type":"post_transaction","data":` + data + `}` }

func keyed(key, data string) string {
	return `{"type":"post_transaction","idempotency_key":"` + key + `","data":` + data + `}`
}

func bulkOf(commands ...string) string { return `{"commands":[` + strings.Join(commands, ",") + `]}` }

func atomicOf(commands ...string) string {
	return `{"atomic":true,"commands":[` + strings.Join(commands, ",") + `]}`
}

func TestABulkAnswersEachCommandInOrder(t *testing.T) {
	h := opened(t)
	h.post(toBulk, bulkOf(
		`{"type":"open_account","data":{"address":"users:bob","max_balance":"10"}}`,
		post(pay("users:alice", "users:bob", "10")),
		post(pay("users:alice", "users:bob", "1")),
		post(pay("users:alice", "users:bob", "0")),
		`{"type":"move_money","data":{}}`,
		`{"data":{}}`,
		`{"type":"open_account"}`,
		`{"type":"open_account","idempotency_key":"","data":{"address":""}}`,
		post(`{"dry_run":true,"transfers":[{"from":"world","to":"x","asset":"X","amount":1}]}`),
		post(pay("users:alice", "users:carol", "10")),
	)).want(200,
		"results.0.status=201", "results.0.account.address=users:bob", "results.0.account.limits.max_balance=10", "results.0.revision=4",
		"results.1.status=201", "results.1.transaction.id=2", "results.1.transaction.revision=5", "results.1.revision=5",
		"results.2.status=422", "results.2.code=balance_limit_exceeded", "results.2.title=Balance limit exceeded", "results.2.account=users:bob",
		"results.3.status=422", "results.3.code=invalid_field", "results.3.errors.0.pointer=/commands/3/data/transfers/0/amount",
		"results.3.detail=/commands/3/data/transfers/0/amount: want more than 0.",
		"results.4.code=invalid_field", "results.4.errors.0.pointer=/commands/4/type",
		"results.5.code=invalid_field", "results.5.errors.0.pointer=/commands/5/type",
		"results.6.code=invalid_field", "results.6.errors.0.pointer=/commands/6/data",
		"results.7.errors.0.pointer=/commands/7/idempotency_key", "results.7.errors.1.pointer=/commands/7/data/address",
		"results.8.errors.0.pointer=/commands/8/data/dry_run",
		"results.9.status=201", "results.9.transaction.id=3", "results.9.revision=7", "results.10=-",
		"revision=7",
	).wantHeader("Daybook-Revision", "7").wantHeader("Location", "")
	h.post(toBulk, bulkOf(post(pay("users:alice", "users:bob", "1")))).want(200, "results.0.status=422", "revision=7")
	h.post(toBulk, bulkOf(`{"type":"x"}`)).want(200, "results.0.code=invalid_field", "revision=7")
}

func TestAnAtomicBulkIsAppliedWholeOrNotAtAll(t *testing.T) {
	h := opened(t)
	before := len(h.log())
	h.post(toBulk, atomicOf(
		post(pay("users:alice", "users:bob", "1000")), post(pay("users:bob", "users:carol", "1000")),
		post(pay("users:bob", "users:carol", "1")),
	)).want(422, "code=bulk_rejected", "index=2", "cause.code=insufficient_funds", "cause.status=422", "cause.account=users:bob",
		"cause.available=0", "cause.required=1")
	h.post(toBulk, atomicOf(post(pay("users:alice", "users:bob", "1")), post(pay("users:alice", "users:bob", "x")))).
		want(422, "code=bulk_rejected", "index=1", "cause.code=invalid_field",
			"errors.0.pointer=/commands/1/data/transfers/0/amount", "cause.errors.0.pointer=/commands/1/data/transfers/0/amount")
	h.post(toBulk, atomicOf(`{"type":"open_account","data":{"address":"users:alice"}}`)).
		want(422, "code=bulk_rejected", "index=0", "cause.code=account_exists", "cause.status=409")
	if after := len(h.log()); after != before {
		t.Fatalf("%d events were written", after-before)
	}
	h.post(toBulk, atomicOf(
		post(pay("users:alice", "users:bob", "1000")), post(pay("users:bob", "users:carol", "1000")),
	)).want(200, "results.0.transaction.id=2", "results.1.transaction.id=3", "revision=7")
}

func TestABulkUnderOneKey(t *testing.T) {
	for _, kind := range []func(...string) string{atomicOf, bulkOf} {
		h := opened(t)
		body := kind(post(pay("users:alice", "users:bob", "1")), `{"type":"open_account","data":{"address":"x"}}`)
		first := h.post(toBulk, body, "Idempotency-Key: k").want(200, "results.1.status=201")
		h.post(toTransactions, pay("world", "users:bob", "1")).want(201)
		before := len(h.log())
		h.post(toBulk, strings.ReplaceAll(body, ":", " : "), "Idempotency-Key: k").want(422) // users : alice
		h.post(toBulk, strings.ReplaceAll(body, ",", " ,\n"), "Idempotency-Key: k").replayed(first)
		// The first command is the same, the bulk is not.
		h.post(toBulk, kind(post(pay("users:alice", "users:bob", "1"))), "Idempotency-Key: k").want(422, "code=idempotency_key_reused")
		h.post(toBulk, kind(post(pay("users:alice", "users:bob", "2")), post(pay("world", "y", "2"))), "Idempotency-Key: k").
			want(422, "code=idempotency_key_reused")
		if after := len(h.log()); after != before {
			t.Errorf("%d events were written", after-before)
		}
	}
}

func TestCommandsOfABulkUnderTheirOwnKeys(t *testing.T) {
	h := opened(t)
	single := h.post(toTransactions, pay("users:alice", "users:bob", "1"), "Idempotency-Key: a").want(201)
	h.post(toBulk, bulkOf(
		keyed("a", pay("users:alice", "users:bob", "1")), keyed("b", pay("users:alice", "users:bob", "2")),
		keyed("a", pay("users:alice", "users:bob", "3")), keyed("b", pay("users:alice", "users:bob", "2")),
	)).want(200, "results.0.revision="+single.at("revision"), "results.1.revision=6", "results.2.code=idempotency_key_reused",
		"results.3.revision=6", "revision=6").wantHeader("Idempotent-Replayed", "")
	h.post(toBulk, bulkOf(keyed("b", pay("users:alice", "users:bob", "2")))).want(200, "results.0.revision=6", "revision=6").
		wantHeader("Idempotent-Replayed", "true")
	h.post(toBulk, atomicOf(post(pay("world", "x", "2")), keyed("b", pay("users:alice", "users:bob", "9")))).
		want(422, "code=bulk_rejected", "index=1", "cause.code=idempotency_key_reused")
}

func TestABulkOfTheGreatestSize(t *testing.T) {
	h := opened(t)
	commands := make([]string, 10_000)
	for i := range commands {
		commands[i] = post(pay("world", fmt.Sprintf("users:%d", i), "1"))
	}
	h.post(toBulk, atomicOf(commands...)).want(200, "results.9999.transaction.id=10001", "revision=20003")
}
