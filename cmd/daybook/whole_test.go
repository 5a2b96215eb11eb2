package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// object is a JSON object as it came.
type object map[string]any

// at follows member names into an object.
func (o object) at(path ...string) any {
	var here any = map[string]any(o)
	for _, name := range path {
		inside, ok := here.(map[string]any)
		if !ok {
			return nil
		}
		here = inside[name]
	}
	return here
}

// do sends a request below /v1/ledgers and wants a status.
func (s *served) do(t *testing.T, status int, method, path, body string) object {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.BaseURL+"/v1/ledgers"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer object
	if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, response.StatusCode, status, text)
	}
	return answer
}

// TestDeployedAHoldEndsByItself places a hold that expires while the server is down, and follows the events until the server,
// back again, has ended it.
func TestDeployedAHoldEndsByItself(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { endHolds(t, deploy(t)) })
}

func endHolds(t *testing.T, d *deployment) {
	t.Helper()
	server := d.serve(t)
	server.do(t, 201, "POST", "", `{"name":"shop","template":"wallets"}`)
	server.do(t, 201, "POST", "/shop/transactions", `{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"500"}]}`)
	placed := server.do(t, 201, "POST", "/shop/holds",
		`{"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"300"}],"expires_in":"300ms"}`)
	kept := server.do(t, 201, "POST", "/shop/holds",
		`{"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"100"}]}`)
	server.do(t, 422, "POST", "/shop/transactions", `{"transfers":[{"from":"users:alice","to":"users:bob","asset":"USD/2","amount":"101"}]}`)
	server.Kill()

	server = d.serve(t)
	expired := server.follow(t, "shop", "HoldExpired")
	if expired.at("data", "id") != placed.at("hold", "id") {
		t.Fatalf("the hold that ended is %v, want %v", expired.at("data"), placed.at("hold", "id"))
	}
	server.do(t, 409, "POST", "/shop/holds/1/capture", `{}`)
	server.do(t, 201, "POST", "/shop/transactions", `{"transfers":[{"from":"users:alice","to":"users:bob","asset":"USD/2","amount":"101"}]}`)
	captured := server.do(t, 201, "POST", "/shop/holds/2/capture", `{"amount":"60"}`)
	if captured.at("hold", "status") != "captured" || captured.at("hold", "id") != kept.at("hold", "id") {
		t.Fatalf("the capture answers %v", captured)
	}
	alice := server.do(t, 200, "GET", "/shop/accounts/users:alice?min_revision="+revisionOf(t, captured), "")
	balance := alice["account"].(map[string]any)["balances"].([]any)[0].(map[string]any)
	if balance["balance"] != "339" || balance["available"] != "339" || balance["pending_debits"] != "0" {
		t.Fatalf("Alice has %v", balance)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}

func revisionOf(t *testing.T, answer object) string {
	t.Helper()
	text, err := json.Marshal(answer["revision"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// follow reads the live events of a ledger until one of a type comes.
func (s *served) follow(t *testing.T, ledger, eventType string) object {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.BaseURL+"/v1/ledgers/"+ledger+"/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var event object
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		if event["type"] == eventType {
			return event
		}
	}
	t.Fatalf("no %s came: %v", eventType, lines.Err())
	return nil
}

// TestDeployedAMonthIsClosed takes a ledger through what an accountant does: a chart, postings, an assertion, a closing, a late
// entry, a reversal, and statements as of a date and as known at a revision.
func TestDeployedAMonthIsClosed(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { closeMonth(t, deploy(t).serve(t)) })
}

func closeMonth(t *testing.T, server *served) {
	t.Helper()
	server.do(t, 201, "POST", "", `{"name":"books"}`)
	server.do(t, 201, "POST", "/books/transactions", `{"transfers":[{"from":"assets:bank","to":"income:sales","asset":"EUR/2","amount":"1000"}],"effective_at":"2026-01-10"}`)
	known := server.do(t, 201, "POST", "/books/transactions", `{"transfers":[{"from":"expenses:rent","to":"assets:bank","asset":"EUR/2","amount":"400"}],"effective_at":"2026-01-20"}`)
	asserted := server.do(t, 201, "POST", "/books/assertions", `{"account":"assets:**","asset":"EUR/2","at":"2026-01-31","equals":"600"}`)
	if asserted.at("assertion", "status") != "holds" {
		t.Fatalf("the assertion is %v", asserted)
	}
	late := server.do(t, 201, "POST", "/books/transactions", `{"transfers":[{"from":"expenses:rent","to":"assets:bank","asset":"EUR/2","amount":"50"}],"effective_at":"2026-01-25"}`)
	server.do(t, 200, "POST", "/books/periods/close", `{"through":"2026-01-31","reason":"January"}`)
	refused := server.do(t, 422, "POST", "/books/transactions", `{"transfers":[{"from":"a","to":"b","asset":"EUR/2","amount":"1"}],"effective_at":"2026-01-31T23:59:59Z"}`)
	if refused["code"] != "period_closed" || !strings.Contains(refused["detail"].(string), "2026-02-01") {
		t.Fatalf("a late entry is refused with %v", refused)
	}
	moved := server.do(t, 201, "POST", "/books/transactions", `{"transfers":[{"from":"expenses:rent","to":"assets:bank","asset":"EUR/2","amount":"7"}],"effective_at":"2026-01-31","late":"reroute"}`)
	if moved.at("transaction", "effective_at") != "2026-02-01T00:00:00Z" || moved.at("transaction", "intended_at") != "2026-01-31T00:00:00Z" {
		t.Fatalf("a rerouted entry is %v", moved)
	}
	reverted := server.do(t, 201, "POST", "/books/transactions/3/revert", `{"reason":"paid twice","effective_at":"2026-02-02"}`)
	last := revisionOf(t, reverted)

	broken := server.do(t, 200, "GET", "/books/assertions/1?min_revision="+last, "")
	if broken.at("assertion", "status") != "broken" || broken.at("assertion", "broken_by") != late.at("transaction", "id") {
		t.Fatalf("the assertion is %v", broken)
	}
	for query, want := range map[string]string{
		"?account=assets:bank&at=2026-01-31":                                           "550",
		"?account=assets:bank&at=2026-01-31&as_of_revision=" + revisionOf(t, known):    "600",
		"?account=assets:bank&at=2026-02-01":                                           "543",
		"?account=assets:bank&min_revision=" + last:                                    "593",
		"?account=assets:bank&at=2026-01-15&as_of_revision=" + revisionOf(t, reverted): "1000",
	} {
		answer := server.do(t, 200, "GET", "/books/balances"+query, "")
		if got := answer["balances"].([]any)[0].(map[string]any)["balance"]; got != want {
			t.Errorf("balances%s: %v, want %s", query, got, want)
		}
	}
	statement := server.do(t, 200, "GET", "/books/accounts/assets:bank/entries?from=2026-01-15&to=2026-01-31", "")
	opening := statement["opening"].([]any)[0].(map[string]any)["balance"]
	closing := statement["closing"].([]any)[0].(map[string]any)["balance"]
	if opening != "1000" || closing != "550" {
		t.Fatalf("the statement opens with %v and closes with %v", opening, closing)
	}
	original := server.do(t, 200, "GET", "/books/transactions/3", "")
	if original.at("transaction", "reverted_by") != reverted.at("transaction", "id") {
		t.Fatalf("the original does not name its reversal: %v", original)
	}
}
