package commands

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// Bodies of all kinds; the fuzz tests start from them.
var bodies = []string{
	`{}`, `null`, `[]`, ``, ` { } `, `{}x`, `{"transfers":[]}`, `{"transfers":[{}]}`, `{"transfers":null}`,
	`{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"1050"}]}`,
	` { "transfers" : [ { "from" : "w" , "to" : "x" , "asset" : "X" , "amount" : 1050 } ] , "dry_run" : true } `,
	`{"entries":[{"account":"a","asset":"X","debit":1},{"account":"b","asset":"X","credit":"1"}],"dry_run":false}`,
	`{"transfers":[{"from":"B\u00fcro","to":"\ud83d\ude00","asset":"X","amount":1}],"description":"\"\\\/\b\f\n\r\t"}`,
	`{"transfers":[{"from":"資産","to":"é","asset":"X","amount":01}]}`, `{"transfers":[{"amount":1e3}]}`, `{"transfers":[{"amount":-1}]}`,
	`{"transfers":[{"amount":1`, `{"transfers":[{"amount":1}`, `{"transfers":[{"amount":true}]}`, `{"transfers":[{},]}`, `{"transfers":[{}}`,
	`{"effective_at":"2026-01-31","reference":"r","metadata":{"k":"v","l":"w"},"entries":[],"transfers":[]}`,
	`{"metadata":{"k":"v","k":"w"}}`, `{"metadata":{"k":1}}`, `{"metadata":{}}`, `{"metadata":null}`, `{"reference":"a","reference":"b"}`,
	`{"reference":""}`, `{"description":"\ud800"}`, "{\"description\":\"\xff\"}", "{\"description\":\"a\nb\"}", `{"description":"\x"}`, `{"description":"\`,
	`{"transfers":[{"from":"a","to":"b","asset":"X","amount":"all"}]}`, `{"transfers":[{"from":["a"],"to":"b","asset":"X","amount":"ALL"}]}`,
	`{"transfers":[{"from":[{"account":"a","up_to":5},{"account":"b"}],"to":[{"account":"c","share":"1/3"},{"account":"d","remainder":true}],"asset":"X","amount":{"up_to":"9"}}]}`,
	`{"transfers":[{"from":"a","to":"b","asset":"X","amount":1}],"late":"reroute","preconditions":[{"account":"a","asset":"X","balance":{"gte":-5}}]}`,
	`{"dry_run":tru}`, `{"dry_run":true`, `{"dry_run":truex}`, `{"dry_run":null}`, `{"unknown":1}`, `{"Transfers":[]}`, "{\"a\x00\":1}", `{"description":"` + "\x7f" + `"}`,
}

// The fast reader may leave a body to the general one; where it takes it, both must mean the same.
func sameTransaction(t *testing.T, data string) (taken bool) {
	fast, fastDry, fastProblem, ok := plainTransaction(data)
	if !ok {
		return false
	}
	var body transactionBody
	if err := httpx.DecodeJSON([]byte(data), &body); err != nil {
		t.Fatalf("%q: the general reader refuses it: %v", data, err)
	}
	slow, slowProblem := body.command()
	if fastDry != body.DryRun {
		t.Errorf("%q: dry run %v", data, fastDry)
	}
	same(t, data, fast, slow, fastProblem, slowProblem)
	return true
}

func same(t *testing.T, data string, fast, slow ledger.Command, fastProblem, slowProblem *httpx.Problem) {
	t.Helper()
	alike := cmp.Options{
		cmp.Comparer(func(a, b money.Amount) bool { return a == b }),
		cmp.Comparer(func(a, b ledger.Metadata) bool {
			return string(appendMetadata(nil, a)) == string(appendMetadata(nil, b))
		}),
		cmp.Comparer(func(a, b money.Signed) bool { return a == b }),
	}
	if diff := cmp.Diff(slow, fast, alike); diff != "" {
		t.Errorf("%q (-general +fast): %s", data, diff)
	}
	text := func(p *httpx.Problem) string {
		if p == nil {
			return "none"
		}
		return string(p.AppendJSON(nil))
	}
	if diff := cmp.Diff(text(slowProblem), text(fastProblem)); diff != "" {
		t.Errorf("%q (-general +fast): %s", data, diff)
	}
}

func sameItem(t *testing.T, data string) (taken bool) {
	fast, ok := plainItem(data)
	if !ok {
		return false
	}
	var body commandBody
	if err := httpx.DecodeJSON([]byte(data), &body); err != nil {
		t.Fatalf("%q: the general reader refuses it: %v", data, err)
	}
	slow := body.item()
	if fast.key != slow.key {
		t.Errorf("%q: key %q and %q", data, slow.key, fast.key)
	}
	same(t, data, fast.command, slow.command, fast.problem, slow.problem)
	return true
}

func TestTheFastReaderTakesWhatClientsSend(t *testing.T) {
	taken := 0
	for _, body := range bodies {
		if sameTransaction(t, body) {
			taken++
		}
		for _, item := range items(body) {
			sameItem(t, item)
		}
	}
	if taken < 12 {
		t.Errorf("only %d bodies were taken", taken)
	}
	usual := `{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"1050"}],"reference":"r","metadata":{"k":"v"}}`
	if _, _, _, ok := plainTransaction(usual); !ok {
		t.Error("the usual body is left to the general reader")
	}
	for _, item := range items(usual) {
		if _, ok := plainItem(item); ok == strings.Contains(item, "place_hold") {
			t.Errorf("taken is %v: %s", ok, item)
		}
	}
}

func items(body string) []string {
	return []string{
		`{"type":"post_transaction","data":` + body + `}`,
		`{"data":` + body + `,"idempotency_key":"k","type":"post_transaction"}`,
		`{"type":"place_hold","data":` + body + `}`,
	}
}

func FuzzTransaction(f *testing.F) {
	for _, body := range bodies {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, data string) { sameTransaction(t, data) })
}

func FuzzItem(f *testing.F) {
	for _, body := range bodies {
		for _, item := range items(body) {
			f.Add(item)
		}
	}
	f.Add(`{"type":"open_account","idempotency_key":"k","data":{"address":"a","type":"asset","min_balance":"-5","max_balance":7,"metadata":{"k":"v"}}}`)
	f.Add(`{"type":"open_account","data":{"address":"","type":""}}`)
	f.Add(`{"type":"open_account","idempotency_key":"","data":{"address":"a","min_balance":-5}}`)
	f.Fuzz(func(t *testing.T, data string) { sameItem(t, data) })
}
