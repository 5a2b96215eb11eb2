package commands_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

func TestOpeningALedger(t *testing.T) {
	h := newHouse(t)
	answer := h.post(toLedgers, `{"name":"books","template":"wallets","metadata":{"k":"v"}}`).want(201,
		"revision=0", "ledger.name=books", "ledger.revision=0", "ledger.accounts=0", "ledger.transactions=0",
		"ledger.created_at=2026-11-22T10:00:00.123456Z", "ledger.metadata.k=v", "ledger.chart.undeclared=allow",
		"ledger.chart.rules.0.pattern=world", "ledger.chart.rules.0.min_balance=-")
	answer.wantHeader("Daybook-Revision", "0").wantHeader("Location", "/v1/ledgers/books").
		wantHeader("Content-Type", "application/json").wantHeader("Idempotent-Replayed", "")
	last := answer.JSON["ledger"].(map[string]any)["chart"].(map[string]any)["rules"].([]any)
	if diff := cmp.Diff(map[string]any{"pattern": "**", "type": "liability", "min_balance": "0"}, last[len(last)-1]); diff != "" {
		t.Error(diff)
	}
	// A chart that was shown can be sent back.
	chart, err := json.Marshal(answer.JSON["ledger"].(map[string]any)["chart"])
	if err != nil {
		t.Fatal(err)
	}
	again := h.post(toLedgers, `{"name":"copy","chart":`+string(chart)+`}`).want(201)
	if diff := cmp.Diff(answer.JSON["ledger"].(map[string]any)["chart"], again.JSON["ledger"].(map[string]any)["chart"]); diff != "" {
		t.Error(diff)
	}
	h.post(toLedgers, `{"name":"plain"}`).want(201, "ledger.chart.undeclared=allow")
}

func TestOpeningAnAccountShowsTheLimitsInForce(t *testing.T) {
	h := opened(t)
	h.post(toAccounts, `{"address":"Einnahmen:Büro 1/2","metadata":{"k":"v"}}`).want(201,
		"account.address=Einnahmen:Büro 1/2", "account.type=liability", "account.status=open", "account.limits.min_balance=0",
		"account.limits.max_balance=-", "account.metadata.k=v", "account.opened_at=2026-11-22T10:00:00.123456Z",
		"account.balances=[]", "revision=4").
		wantHeader("Location", "/v1/ledgers/books/accounts/Einnahmen:B%C3%BCro%201%2F2").wantHeader("Daybook-Revision", "4")
	h.post(toAccounts, `{"address":"assets:till","type":"expense","min_balance":-500,"max_balance":"9007199254740993"}`).want(201,
		"account.type=expense", "account.limits.min_balance=-500", "account.limits.max_balance=9007199254740993")
	h.post(toAccounts, `{"address":"world:bank"}`).want(201, "account.limits.min_balance=-")
}

func TestPostingATransaction(t *testing.T) {
	h := opened(t)
	answer := h.post(toTransactions, `{"transfers":[{"from":"users:alice","to":"users:bob","asset":"USD/2","amount":"250"}],
		"effective_at":"2026-01-31T13:00:00.5+01:00","reference":"inv-42","description":"January","metadata":{"k":"v"}}`)
	want := `{"transaction":{"id":2,"ledger":"books","status":"posted","entries":[` +
		`{"account":"users:alice","asset":"USD/2","debit":"250"},{"account":"users:bob","asset":"USD/2","credit":"250"}],` +
		`"effective_at":"2026-01-31T12:00:00.5Z","recorded_at":"2026-11-22T10:00:00.123456Z","reference":"inv-42",` +
		`"description":"January","metadata":{"k":"v"},"reverts":null,"reverted_by":null,"hold":null,"actor":"anonymous",` +
		`"revision":5},"revision":5}` + "\n"
	if diff := cmp.Diff(want, answer.want(201).Body); diff != "" {
		t.Error(diff)
	}
	answer.wantHeader("Daybook-Revision", "5").wantHeader("Location", "/v1/ledgers/books/transactions/2")

	h.post(toTransactions, `{"entries":[{"account":"a","asset":"JPY","debit":"3"},{"account":"b","asset":"JPY","debit":1},
		{"account":"world","asset":"JPY","credit":"4"}],"effective_at":"2026-02-01"}`).want(422, "code=insufficient_funds")
	h.post(toTransactions, `{"entries":[{"account":"world","asset":"JPY","debit":"3"},{"account":"world:x","asset":"JPY","debit":1},
		{"account":"b","asset":"JPY","credit":4}],"effective_at":"2026-02-01"}`).want(201,
		"transaction.effective_at=2026-02-01T00:00:00Z", "transaction.entries.1.debit=1", "transaction.entries.2.credit=4",
		"transaction.reference=-", "transaction.description=")
	h.post(toTransactions, pay("world", "users:carol", "1")).want(201, "transaction.effective_at=2026-11-22T10:00:00.123456Z")
}

func TestAmountsAreExactInEitherNotation(t *testing.T) {
	h := opened(t)
	for _, amount := range []string{"1", "9007199254740993", "18446744073709551616", "340282366920938463463374607431768211455"} {
		for _, notation := range []string{amount, `"` + amount + `"`} {
			h.post(toTransactions, `{"dry_run":true,"transfers":[{"from":"world","to":"x","asset":"BTC/8","amount":`+notation+`}]}`).
				want(200, "transaction.entries.1.credit="+amount)
		}
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	h := opened(t)
	before := len(h.log())
	h.post(toTransactions, `{"dry_run":true,"transfers":[{"from":"world","to":"new","asset":"USD/2","amount":"5"}]}`, "Idempotency-Key: k").
		want(200, "dry_run=true", "revision=3", "transaction.id=2", "transaction.entries.1.account=new", "transaction.actor=anonymous").
		wantHeader("Daybook-Revision", "3").wantHeader("Location", "")
	h.post(toTransactions, `{"dry_run":true,"transfers":[{"from":"users:alice","to":"new","asset":"USD/2","amount":"5000"}]}`).
		want(422, "code=insufficient_funds")
	if after := len(h.log()); after != before {
		t.Errorf("%d events were written", after-before)
	}
	h.post(toTransactions, pay("world", "users:bob", "1"), "Idempotency-Key: k").want(201)
}

func TestRejectionsTellWhatTheyAreAbout(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("users:alice", "users:bob", "1001")).want(422, "code=insufficient_funds",
		"account=users:alice", "asset=USD/2", "available=1000", "required=1001", "title=Insufficient funds",
		`detail=Account "users:alice" has 1000 of USD/2 available, and the transaction takes 1001.`)
	h.post(toAccounts, `{"address":"capped","max_balance":"10"}`).want(201)
	h.post(toTransactions, pay("world", "capped", "11")).want(422, "code=balance_limit_exceeded", "account=capped", "asset=USD/2")
	h.post(toTransactions, with(`"reference":"r"`)).want(201, "transaction.id=2")
	h.post(toTransactions, with(`"reference":"r"`)).want(409, "code=reference_exists", "transaction=2")
	h.post(toLedgers, `{"name":"strict","chart":{"undeclared":"reject","rules":[{"pattern":"a","type":"asset","assets":["X"]},
		{"pattern":"b","type":"asset"}]}}`).want(201)
	strict := func(to, asset string) *reply {
		return h.post("/v1/ledgers/strict/transactions", `{"transfers":[{"from":"b","to":"`+to+`","asset":"`+asset+`","amount":1}]}`)
	}
	strict("c", "X").want(422, "code=account_not_declared", "account=c")
	strict("a", "Y").want(422, "code=asset_not_allowed", "account=a", "asset=Y")
	h.post("/v1/ledgers/strict/accounts", `{"address":"c"}`).want(422, "code=account_not_declared", "account=c")
}

func TestEveryCodeOfTheDomainIsInTheTable(t *testing.T) {
	for _, code := range []ledger.Code{
		ledger.InvalidField, ledger.UnbalancedTransaction, ledger.LedgerNotFound, ledger.LedgerExists, ledger.AccountExists,
		ledger.ReferenceExists, ledger.AccountNotDeclared, ledger.AssetNotAllowed, ledger.AmountOutOfRange,
		ledger.InsufficientFunds, ledger.BalanceLimitExceeded,
	} {
		if !httpx.Code(code).Known() {
			t.Errorf("%s is not known to clients", code)
		}
	}
}

func TestActorAndCorrelationGoIntoTheLog(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("world", "users:bob", "1"), "Test-Actor: till-7", "X-Request-Id: r-9").
		want(201, "transaction.actor=till-7").wantHeader("X-Request-Id", "r-9")
	var metadata string
	for recorded, err := range h.store.ReadStream(t.Context(), "ledger-books", 5) {
		if err != nil {
			t.Fatal(err)
		}
		metadata = string(recorded.Metadata)
	}
	for _, want := range []string{`"till-7"`, `"r-9"`} {
		if !strings.Contains(metadata, want) {
			t.Errorf("the envelope does not hold %s: %s", want, metadata)
		}
	}
}

func TestTheRangeOfLedgerNames(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "0", "a-", "a--b", strings.Repeat("z", 63)} {
		h.post(toLedgers, `{"name":"`+name+`"}`).want(http.StatusCreated)
		h.post("/v1/ledgers/"+name+"/accounts", `{"address":"x"}`).want(http.StatusCreated)
	}
}
