package commands_test

import (
	"strings"
	"testing"
)

// scene is a request under a key, what comes before it, and what changes all that it is about afterwards.
type scene struct {
	method, path, body string
	other              string // another body of the same request
	before, after      []step
}

type step struct{ method, path, body string }

func (s step) do(h *house) {
	h.t.Helper()
	if r := h.do(s.method, s.path, s.body); r.Status >= 300 {
		h.t.Fatalf("%s %s: %s", s.method, s.path, r.Body)
	}
}

func scenes() map[string]scene {
	placed := step{"POST", toHolds, hold("users:alice", "shop", "300", "")}
	emptied := step{"POST", toTransactions, pay("users:alice", "users:bob", "1000")}
	return map[string]scene{
		"place": {
			method: "POST", path: toHolds, body: hold("users:alice", "shop", "300", `"expires_in":"1h"`),
			other: hold("users:alice", "shop", "300", `"expires_in":"2h"`),
			after: []step{{"POST", toHolds + "/1/capture", `{"amount":1,"final":false}`}, {"POST", toHolds + "/1/void", ""}},
		},
		"capture a part": {
			method: "POST", path: toHolds + "/1/capture", body: `{"amount":"100","final":false}`, other: `{"amount":"100"}`,
			before: []step{placed, {"POST", toHolds + "/1/capture", `{"amount":"7","final":false}`}},
			after:  []step{{"POST", toHolds + "/1/capture", `{"amount":"50"}`}, {"POST", toTransactions + "/2/revert", ""}},
		},
		"capture all": {
			method: "POST", path: toHolds + "/1/capture", body: `{}`, other: `{"final":false}`, before: []step{placed},
			after: []step{{"PATCH", toTransactions + "/2", `{"metadata":{"k":"v"}}`}},
		},
		"void": {
			method: "POST", path: toHolds + "/1/void", body: `{"reason":"a"}`, other: `{"reason":"b"}`, before: []step{placed},
			after: []step{placed},
		},
		"revert": {
			method: "POST", path: toTransactions + "/1/revert", body: `{"reason":"a"}`, other: `{"reason":"a","force":true}`,
			after: []step{{"POST", toTransactions + "/2/revert", ""}},
		},
		"account metadata": {
			method: "PATCH", path: toAlice, body: `{"metadata":{"a":"1","b":null}}`, other: `{"metadata":{"a":"1","b":""}}`,
			before: []step{{"PATCH", toAlice, `{"metadata":{"b":"2","c":"3"}}`}},
			after:  []step{{"PATCH", toAlice, `{"metadata":{"a":null}}`}},
		},
		"transaction metadata": {
			method: "PATCH", path: toTransactions + "/1", body: `{"metadata":{"a":"1"}}`, other: `{"metadata":{"a":"2"}}`,
			after: []step{{"PATCH", toTransactions + "/1", `{"metadata":{"a":null}}`}},
		},
		"close an account": {
			method: "POST", path: toAlice + "/close", body: `{"reason":"a"}`, other: `{}`, before: []step{emptied},
			after: []step{{"POST", toAlice + "/reopen", ""}},
		},
		"reopen an account": {
			method: "POST", path: toAlice + "/reopen", body: `{"reason":"a"}`, other: `{}`,
			before: []step{emptied, {"POST", toAlice + "/close", ""}}, after: []step{{"POST", toAlice + "/close", ""}},
		},
		"replace the chart": {
			method: "PUT", path: toChart, body: strictChart, other: strings.Replace(strictChart, "5000", "6000", 1),
			after: []step{{"PUT", toChart, `{"undeclared":"allow","rules":[]}`}},
		},
		"open an account under one chart of several": {
			method: "POST", path: toAccounts, body: `{"address":"users:carol"}`, other: `{"address":"users:dave"}`,
			before: []step{{"PUT", toChart, strictChart}},
			after:  []step{{"PUT", toChart, `{"undeclared":"allow","rules":[]}`}},
		},
		"open an account under the first chart": {
			method: "POST", path: toAccounts, body: `{"address":"users:carol"}`, other: `{"address":"users:dave"}`,
			after: []step{{"PUT", toChart, `{"undeclared":"allow","rules":[]}`}},
		},
		"close a period": {
			method: "POST", path: toPeriods + "/close", body: `{"through":"2026-10-31"}`, other: `{"through":"2026-10-30"}`,
			after: []step{{"POST", toPeriods + "/reopen", `{"through":"2026-10-31"}`}},
		},
		"reopen a period": {
			method: "POST", path: toPeriods + "/reopen", body: `{"through":"2026-10-31"}`, other: `{"through":"2026-10-31","reason":"a"}`,
			before: []step{{"POST", toPeriods + "/close", `{"through":"2026-09-30"}`}, {"POST", toPeriods + "/close", `{"through":"2026-10-31"}`}},
			after:  []step{{"POST", toPeriods + "/reopen", `{"through":"2026-09-30"}`}},
		},
		"declare an assertion": {
			method: "POST", path: toAssertions, body: aliceHas1000, other: `{"account":"users:*","asset":"USD/2","gte":"1000"}`,
			after: []step{emptied, {"POST", toTransactions, pay("users:bob", "shop", "1000")}},
		},
		"a transaction that breaks an assertion": {
			method: "POST", path: toTransactions, body: pay("users:alice", "shop", "1000"), other: pay("users:alice", "shop", "999"),
			before: []step{{"POST", toAssertions, aliceHas1000}}, after: []step{{"POST", toTransactions, pay("shop", "users:alice", "1000")}},
		},
	}
}

func TestEveryCommandIsReplayedAsItWasAnswered(t *testing.T) {
	for name, s := range scenes() {
		t.Run(name, func(t *testing.T) {
			h := opened(t)
			for _, step := range s.before {
				step.do(h)
			}
			key := "Idempotency-Key: k"
			first := h.do(s.method, s.path, s.body, key)
			if first.Status >= 300 {
				t.Fatalf("got %s", first.Body)
			}
			before := len(h.log())
			h.do(s.method, s.path, s.body, key).replayed(first)
			h.do(s.method, s.path, s.other, key).want(422, "code=idempotency_key_reused")
			if after := len(h.log()); after != before {
				t.Errorf("%d events more", after-before)
			}
			for _, step := range s.after {
				step.do(h)
			}
			h.do(s.method, s.path, s.body, key).replayed(first)
			again := houseOver(t, h.store.Reopen(), nil)
			again.do(s.method, s.path, s.body, key).replayed(first)
			again.do(s.method, s.path, s.other, key).want(422, "code=idempotency_key_reused")
		})
	}
}

func TestWhatWasRejectedCanBeSentAgainUnderItsKey(t *testing.T) {
	key := "Idempotency-Key: k"
	for name, tc := range map[string]struct {
		method, path, body, code string
		mend                     []step
	}{
		"place":   {"POST", toHolds, hold("users:alice", "shop", "1001", ""), "insufficient_funds", []step{{"POST", toTransactions, pay("world", "users:alice", "1")}}},
		"capture": {"POST", toHolds + "/1/capture", `{}`, "hold_not_found", []step{{"POST", toHolds, hold("users:alice", "shop", "1", "")}}},
		"void":    {"POST", toHolds + "/1/void", `{}`, "hold_not_found", []step{{"POST", toHolds, hold("users:alice", "shop", "1", "")}}},
		"revert":  {"POST", toTransactions + "/2/revert", `{}`, "transaction_not_found", []step{{"POST", toTransactions, pay("users:alice", "shop", "1")}}},
		"account metadata": {
			"PATCH", toAccounts + "/a", `{"metadata":{"k":"v"}}`, "account_not_found", []step{{"POST", toAccounts, `{"address":"a"}`}},
		},
		"transaction metadata": {
			"PATCH", toTransactions + "/2", `{"metadata":{"k":"v"}}`, "transaction_not_found", []step{{"POST", toTransactions, pay("users:alice", "shop", "1")}},
		},
		"close":   {"POST", toAlice + "/close", `{}`, "account_not_empty", []step{{"POST", toTransactions, pay("users:alice", "shop", "1000")}}},
		"reopen":  {"POST", toAccounts + "/a/reopen", `{}`, "invalid_field", []step{{"POST", toAccounts, `{"address":"a"}`}, {"POST", toAccounts + "/a/close", ""}}},
		"chart":   {"PUT", toChart, strings.Replace(strictChart, "5000", "999", 1), "chart_conflict", []step{{"POST", toTransactions, pay("users:alice", "users:bob", "1")}}},
		"periods": {"POST", toPeriods + "/reopen", `{"through":"2026-10-31"}`, "invalid_field", []step{{"POST", toPeriods + "/close", `{"through":"2026-10-31"}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := opened(t)
			if name == "reopen" {
				tc.mend[0].do(h)
				tc.mend = tc.mend[1:]
			}
			for range 2 {
				r := h.do(tc.method, tc.path, tc.body, key).wantHeader("Idempotent-Replayed", "")
				if r.Status < 400 || r.at("code") != tc.code {
					t.Errorf("got %s", r.Body)
				}
			}
			for _, step := range tc.mend {
				step.do(h)
			}
			first := h.do(tc.method, tc.path, tc.body, key)
			if first.Status >= 300 {
				t.Fatalf("got %s", first.Body)
			}
			h.do(tc.method, tc.path, tc.body, key).replayed(first)
		})
	}
}
