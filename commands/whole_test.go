package commands_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

const (
	toHolds      = "/v1/ledgers/books/holds"
	toChart      = "/v1/ledgers/books/chart"
	toPeriods    = "/v1/ledgers/books/periods"
	toAssertions = "/v1/ledgers/books/assertions"
	toAlice      = "/v1/ledgers/books/accounts/users:alice"
)

// do sends a request of any method. An empty body is sent as none, without a media type.
func (h *house) do(method, path, body string, headers ...string) *reply {
	h.t.Helper()
	if body == "" {
		return h.send(httptest.NewRequest(method, path, http.NoBody), headers...)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", httpx.MediaJSON)
	return h.send(r, headers...)
}

func hold(from, to, amount, more string) string {
	body := pay(from, to, amount)
	if more != "" {
		body = strings.TrimSuffix(body, "}") + "," + more + "}"
	}
	return body
}

func TestPlacingAHold(t *testing.T) {
	h := opened(t)
	answer := h.post(toHolds, hold("users:alice", "shop", "300",
		`"expires_in":"72h","reference":"order-7","description":"Shoes","metadata":{"k":"v"},"effective_at":"2026-11-21"`))
	want := `{"hold":{"id":1,"ledger":"books","status":"open","entries":[` +
		`{"account":"users:alice","asset":"USD/2","debit":"300"},{"account":"shop","asset":"USD/2","credit":"300"}],"remaining":[` +
		`{"account":"users:alice","asset":"USD/2","debit":"300"},{"account":"shop","asset":"USD/2","credit":"300"}],` +
		`"effective_at":"2026-11-21T00:00:00Z","expires_at":"2026-11-25T10:00:00.123456Z",` +
		`"recorded_at":"2026-11-22T10:00:00.123456Z","reference":"order-7","description":"Shoes","metadata":{"k":"v"},` +
		`"transactions":[],"actor":"anonymous","revision":5},"revision":5}` + "\n"
	if diff := cmp.Diff(want, answer.want(201).Body); diff != "" {
		t.Error(diff)
	}
	answer.wantHeader("Location", toHolds+"/1").wantHeader("Daybook-Revision", "5")
	h.post(toTransactions, pay("users:alice", "users:bob", "701")).want(422, "code=insufficient_funds", "available=700")
	h.post(toTransactions, with(`"reference":"order-7"`)).want(409, "code=reference_exists", "hold=1", "transaction=-")

	before := len(h.log())
	h.post(toHolds, hold("users:alice", "shop", "5", `"dry_run":true,"expires_at":"2027-01-01T00:00:00Z"`)).want(200,
		"dry_run=true", "hold.id=2", "hold.status=open", "hold.expires_at=2027-01-01T00:00:00Z", "revision=5").wantHeader("Location", "")
	h.post(toHolds, hold("users:alice", "shop", "5", `"expires_at":"2026-11-22T10:00:00.123456Z"`)).want(422,
		"code=invalid_field", "errors.0.pointer=/expires_at")
	if after := len(h.log()); after != before {
		t.Errorf("%d events were written", after-before)
	}
}

func TestCapturingAHold(t *testing.T) {
	h := opened(t)
	h.post(toHolds, hold("users:alice", "shop", "300", `"description":"Shoes"`)).want(201)
	h.post(toHolds+"/1/capture", `{"amount":"301"}`).want(422, "code=capture_exceeds_hold", "hold=1")
	h.post(toHolds+"/1/capture", `{"amount":"100","final":false,"metadata":{"part":"1"}}`).want(201,
		"transaction.id=2", "transaction.hold=1", "transaction.description=Shoes", "transaction.entries.0.debit=100",
		"transaction.metadata.part=1", "transaction.revision=7", "hold.id=1", "hold.status=open", "hold.entries.0.debit=300",
		"hold.remaining.0.debit=200", "hold.transactions.0=2", "hold.transactions.1=-", "hold.revision=5", "revision=7").
		wantHeader("Location", toTransactions+"/2").wantHeader("Daybook-Revision", "7")
	h.post(toHolds+"/1/capture", `{"transfers":[{"from":"users:alice","to":"shop","asset":"USD/2","amount":50}],"description":"Laces"}`).want(201,
		"transaction.id=3", "transaction.description=Laces", "hold.status=captured", "hold.remaining=[]", "hold.transactions.1=3")
	h.post(toHolds+"/1/capture", `{}`).want(409, "code=hold_not_open", "hold=1")
	h.post(toHolds+"/1/void", `{}`).want(409, "code=hold_not_open", "hold=1")
	h.post(toTransactions, pay("users:alice", "users:bob", "850")).want(201)

	h.post(toTransactions, pay("world", "users:alice", "10")).want(201)
	h.post(toHolds, hold("users:alice", "shop", "10", "")).want(201, "hold.id=2", "hold.expires_at=-")
	h.do("POST", toHolds+"/2/capture", "").want(201, "transaction.entries.0.debit=10", "hold.status=captured")
}

func TestVoidingAHold(t *testing.T) {
	h := opened(t)
	h.post(toHolds, hold("users:alice", "shop", "300", "")).want(201)
	h.post(toHolds+"/1/void", `{"reason":"changed my mind"}`).want(200, "hold.status=voided", "hold.remaining=[]",
		"hold.entries.0.debit=300", "hold.revision=5", "revision=6", "transaction=-").wantHeader("Location", "").wantHeader("Daybook-Revision", "6")
	h.post(toTransactions, pay("users:alice", "users:bob", "1000")).want(201)
	h.post(toHolds, hold("world", "users:alice", "5", "")).want(201)
	h.do("POST", toHolds+"/2/void", "").want(200, "hold.status=voided")
}

func TestRevertingATransaction(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("users:alice", "users:bob", "400")).want(201, "transaction.id=2")
	h.post(toTransactions+"/2/revert", `{"reason":"twice","effective_at":"2026-11-01"}`).want(201,
		"transaction.id=3", "transaction.reverts=2", "transaction.reason=twice", "transaction.effective_at=2026-11-01T00:00:00Z",
		"transaction.entries.0.account=users:alice", "transaction.entries.0.credit=400",
		"transaction.entries.1.account=users:bob", "transaction.entries.1.debit=400", "transaction.forced=-", "transaction.reverted_by=-").
		wantHeader("Location", toTransactions+"/3")
	h.post(toTransactions+"/2/revert", `{}`).want(409, "code=already_reverted", "transaction=3")
	h.do("POST", toTransactions+"/3/revert", "").want(201, "transaction.id=4", "transaction.reverts=3")
	h.post(toTransactions, pay("users:bob", "users:carol", "400")).want(201)
	h.post(toTransactions+"/4/revert", `{}`).want(422, "code=insufficient_funds", "account=users:bob")
	h.post(toTransactions+"/4/revert", `{"force":true}`).want(201, "transaction.forced=true", "transaction.reverts=4")
	h.post(toTransactions+"/9/revert", `{}`).want(404, "code=transaction_not_found", "detail=The ledger has no transaction 9.")
}

func TestMergingMetadata(t *testing.T) {
	h := opened(t)
	h.do("PATCH", toAlice, `{"metadata":{"a":"1","b":"2"}}`).want(200, "account.address=users:alice", "account.metadata.a=1", "revision=4").
		wantHeader("Daybook-Revision", "4").wantHeader("Location", "")
	answer := h.do("PATCH", toAlice, `{"metadata":{"a":null,"b":"3","c":"4"}}`, "Content-Type: application/merge-patch+json").want(200, "revision=5")
	if want := `{"account":{"address":"users:alice","metadata":{"b":"3","c":"4"}},"revision":5}` + "\n"; answer.Body != want {
		t.Errorf("got %s", answer.Body)
	}
	h.post(toTransactions, with(`"metadata":{"x":"1","y":"2"}`)).want(201, "transaction.id=2")
	answer = h.do("PATCH", toTransactions+"/2", `{"metadata":{"x":null,"z":"3"}}`).want(200)
	if want := `{"transaction":{"id":2,"metadata":{"y":"2","z":"3"}},"revision":8}` + "\n"; answer.Body != want {
		t.Errorf("got %s", answer.Body)
	}
	h.do("PATCH", toTransactions+"/2", `{"metadata":{"y":null,"z":null}}`).want(200, "transaction.metadata=map[]")
	h.do("PATCH", toTransactions+"/7", `{"metadata":{}}`).want(404, "code=transaction_not_found", "detail=The ledger has no transaction 7.")
	h.do("PATCH", toAlice, `{"metadata":{`+manyKeys(64)+`}}`).want(422, "code=invalid_field", "errors.0.pointer=/metadata")
}

func TestClosingAndReopeningAnAccount(t *testing.T) {
	h := opened(t)
	h.post(toAlice+"/close", `{}`).want(422, "code=account_not_empty", "account=users:alice", "asset=USD/2")
	h.post(toTransactions, pay("users:alice", "users:bob", "1000")).want(201)
	answer := h.do("POST", toAlice+"/close", `{"reason":"moved away"}`).want(200)
	if want := `{"account":{"address":"users:alice","status":"closed"},"revision":6}` + "\n"; answer.Body != want {
		t.Errorf("got %s", answer.Body)
	}
	h.do("POST", toAlice+"/close", "").want(422, "code=account_closed")
	h.post(toTransactions, pay("users:bob", "users:alice", "1")).want(422, "code=account_closed", "account=users:alice")
	h.post(toHolds, hold("users:bob", "users:alice", "1", "")).want(422, "code=account_closed")
	h.do("POST", toAlice+"/reopen", "").want(200, "account.status=open", "revision=7").wantHeader("Daybook-Revision", "7")
	h.do("POST", toAlice+"/reopen", "").want(422, "code=invalid_field", "detail=Account \"users:alice\" is open already.", "errors=-")
	h.post(toAccounts, `{"address":"Büro 1/2"}`).want(201)
	h.do("POST", toAccounts+"/B%C3%BCro%201%2F2/close", "").want(200, "account.address=Büro 1/2")
}

const strictChart = `{"undeclared":"reject","rules":[{"pattern":"world","type":"asset"},
	{"pattern":"users:*","type":"liability","min_balance":"0","max_balance":"5000"}]}`

func TestReplacingTheChart(t *testing.T) {
	h := opened(t)
	h.do("PUT", toChart, strictChart).want(200, "chart.undeclared=reject", "chart.rules.1.pattern=users:*",
		"chart.rules.1.max_balance=5000", "chart.rules.2=-", "revision=4").wantHeader("Daybook-Revision", "4")
	h.post(toAccounts, `{"address":"shop"}`).want(422, "code=account_not_declared")
	h.post(toAccounts, `{"address":"users:bob"}`).want(201, "account.limits.max_balance=5000")
	h.do("PUT", toChart, strings.Replace(strictChart, "5000", "999", 1)).want(422, "code=chart_conflict", "account=users:alice",
		"errors.0.pointer=/rules/1")
}

func TestClosingPeriods(t *testing.T) {
	h := opened(t)
	answer := h.post(toPeriods+"/close", `{"through":"2026-10-31","reason":"audited"}`).want(200)
	if want := `{"period":{"closed_through":"2026-10-31","first_open_day":"2026-11-01"},"revision":4}` + "\n"; answer.Body != want {
		t.Errorf("got %s", answer.Body)
	}
	late := with(`"effective_at":"2026-10-31T23:59:59Z"`)
	h.post(toTransactions, late).want(422, "code=period_closed", "first_open_day=2026-11-01", "errors.0.pointer=/effective_at")
	h.post(toTransactions, with(`"effective_at":"2026-10-31T23:59:59Z","late":"reroute"`)).want(201,
		"transaction.effective_at=2026-11-01T00:00:00Z", "transaction.intended_at=2026-10-31T23:59:59Z")
	h.post(toTransactions+"/2/revert", `{"effective_at":"2026-10-01"}`).want(422, "code=period_closed")
	h.post(toTransactions+"/2/revert", `{"effective_at":"2026-10-01","late":"reroute"}`).want(201, "transaction.intended_at=2026-10-01T00:00:00Z")
	h.post(toPeriods+"/close", `{"through":"2026-10-31"}`).want(422, "code=invalid_field", "errors.0.pointer=/through")
	h.post(toPeriods+"/reopen", `{"through":"2026-10-30"}`).want(422, "code=invalid_field", "errors.0.pointer=/through")
	h.post(toPeriods+"/reopen", `{"through":"2026-10-31"}`).want(200, "period.closed_through=-", "period.first_open_day=-")
	h.post(toTransactions, late).want(201)
}
