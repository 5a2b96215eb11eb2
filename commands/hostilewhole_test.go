package commands_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostileWhole are requests that must be refused: method, path, body, and "status code pointer" of the answer. In the
// ledger are hold 1 (open, of two transfers), hold 2 (void), and account "closed" (closed).
func hostileWhole() map[string][4]string {
	const p, patch, put = "POST", "PATCH", "PUT"
	long := strings.Repeat("r", 1025)
	capture, revert, none := toHolds+"/1/capture", toTransactions+"/1/revert", "/v1/ledgers/none"
	item := func(s string) string { return `{"commands":[` + s + `]}` }
	atomic := func(s string) string { return `{"atomic":true,"commands":[` + s + `]}` }
	return map[string][4]string{
		"hold: no body":               {p, toHolds, ``, "415 unsupported_media_type -"},
		"hold: nothing moves":         {p, toHolds, `{}`, "422 invalid_field /transfers"},
		"hold: unknown field":         {p, toHolds, hold("world", "a", "1", `"expires":"1h"`), "400 malformed_request /expires"},
		"hold: late":                  {p, toHolds, hold("world", "a", "1", `"late":"reroute"`), "422 invalid_field /late"},
		"hold: expires_in text":       {p, toHolds, hold("world", "a", "1", `"expires_in":"soon"`), "422 invalid_field /expires_in"},
		"hold: expires_in number":     {p, toHolds, hold("world", "a", "1", `"expires_in":3600`), "400 malformed_request /expires_in"},
		"hold: expires_in zero":       {p, toHolds, hold("world", "a", "1", `"expires_in":"0s"`), "422 invalid_field /expires_in"},
		"hold: expires_in negative":   {p, toHolds, hold("world", "a", "1", `"expires_in":"-1h"`), "422 invalid_field /expires_in"},
		"hold: expires_in too far":    {p, toHolds, hold("world", "a", "1", `"expires_in":"9999999h"`), "422 invalid_field /expires_in"},
		"hold: expires_in empty":      {p, toHolds, hold("world", "a", "1", `"expires_in":""`), "422 invalid_field /expires_in"},
		"hold: expires_at past":       {p, toHolds, hold("world", "a", "1", `"expires_at":"2026-11-22"`), "422 invalid_field /expires_at"},
		"hold: expires_at words":      {p, toHolds, hold("world", "a", "1", `"expires_at":"never"`), "422 invalid_field /expires_at"},
		"hold: both expiries":         {p, toHolds, hold("world", "a", "1", `"expires_at":"2027-01-01","expires_in":"1h"`), "422 invalid_field /expires_in"},
		"hold: amount":                {p, toHolds, hold("world", "a", "-1", ""), "422 invalid_field /transfers/0/amount"},
		"hold: unbalanced":            {p, toHolds, entries(`{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"X","credit":"2"}`), "422 unbalanced_transaction -"},
		"hold: beyond funds":          {p, toHolds, hold("users:alice", "a", "1001", ""), "422 insufficient_funds -"},
		"hold: on a closed account":   {p, toHolds, hold("world", "closed", "1", ""), "422 account_closed -"},
		"hold: parameter":             {p, toHolds + "?dry_run=1", hold("world", "a", "1", ""), "400 malformed_request ?dry_run"},
		"hold: no ledger":             {p, none + "/holds", hold("world", "a", "1", ""), "404 ledger_not_found -"},
		"hold: shape, then ledger":    {p, none + "/holds", `{}`, "422 invalid_field /transfers"},
		"capture: amount of several":  {p, capture, `{"amount":"5"}`, "422 invalid_field /amount"},
		"capture: amount zero":        {p, capture, `{"amount":"0"}`, "422 invalid_field /amount"},
		"capture: amount object":      {p, capture, `{"amount":{"up_to":"5"}}`, "400 malformed_request /amount"},
		"capture: amount and entries": {p, capture, `{"amount":"5","transfers":[{"from":"users:alice","to":"a","asset":"USD/2","amount":"5"}]}`, "422 invalid_field /amount"},
		"capture: both forms":         {p, capture, `{"transfers":[],"entries":[]}`, "422 invalid_field /transfers"},
		"capture: no transfers":       {p, capture, `{"transfers":[]}`, "422 invalid_field /transfers"},
		"capture: a sweep":            {p, capture, `{"transfers":[{"from":"users:alice","to":"a","asset":"USD/2","amount":"all"}]}`, "422 invalid_field /transfers/0/amount"},
		"capture: too much":           {p, capture, pay("users:alice", "a", "11"), "422 capture_exceeds_hold -"},
		"capture: elsewhere":          {p, capture, pay("users:alice", "elsewhere", "1"), "422 capture_exceeds_hold -"},
		"capture: final text":         {p, capture, `{"final":"no"}`, "400 malformed_request /final"},
		"capture: unknown field":      {p, capture, `{"preconditions":[]}`, "400 malformed_request /preconditions"},
		"capture: array":              {p, capture, `[]`, "400 malformed_request "},
		"capture: late":               {p, capture, `{"late":"never"}`, "422 invalid_field /late"},
		"capture: of a void hold":     {p, toHolds + "/2/capture", `{}`, "409 hold_not_open -"},
		"capture: no such hold":       {p, toHolds + "/3/capture", `{}`, "404 hold_not_found -"},
		"capture: hold 0":             {p, toHolds + "/0/capture", `{}`, "404 hold_not_found -"},
		"capture: hold 01":            {p, toHolds + "/01/capture", `{}`, "404 hold_not_found -"},
		"capture: hold -1":            {p, toHolds + "/-1/capture", `{}`, "404 hold_not_found -"},
		"capture: hold in words":      {p, toHolds + "/one%2F/capture", `{}`, "404 hold_not_found -"},
		"capture: hold 2^64":          {p, toHolds + "/18446744073709551616/capture", `{}`, "404 hold_not_found -"},
		"capture: no ledger":          {p, none + "/holds/x/capture", `{}`, "404 ledger_not_found -"},
		"void: reason":                {p, toHolds + "/1/void", `{"reason":"` + long + `"}`, "422 invalid_field /reason"},
		"void: reason number":         {p, toHolds + "/1/void", `{"reason":1}`, "400 malformed_request /reason"},
		"void: twice":                 {p, toHolds + "/2/void", ``, "409 hold_not_open -"},
		"void: no such hold":          {p, toHolds + "/77/void", ``, "404 hold_not_found -"},

		"revert: unknown field":   {p, revert, `{"entries":[]}`, "400 malformed_request /entries"},
		"revert: time":            {p, revert, `{"effective_at":"later"}`, "422 invalid_field /effective_at"},
		"revert: force text":      {p, revert, `{"force":"yes"}`, "400 malformed_request /force"},
		"revert: late empty":      {p, revert, `{"late":""}`, "422 invalid_field /late"},
		"revert: reason":          {p, revert, `{"reason":"` + long + `"}`, "422 invalid_field /reason"},
		"revert: none":            {p, toTransactions + "/99/revert", ``, "404 transaction_not_found -"},
		"revert: 0":               {p, toTransactions + "/0/revert", ``, "404 transaction_not_found -"},
		"revert: words":           {p, toTransactions + "/last/revert", ``, "404 transaction_not_found -"},
		"revert: no ledger":       {p, none + "/transactions/1/revert", ``, "404 ledger_not_found -"},
		"revert: shape first":     {p, none + "/transactions/1/revert", `{"late":"x"}`, "422 invalid_field /late"},
		"revert: encoded slashes": {p, toTransactions + "/..%2F1/revert", ``, "404 transaction_not_found -"},

		"metadata: missing":        {patch, toAlice, `{}`, "422 invalid_field /metadata"},
		"metadata: null":           {patch, toAlice, `{"metadata":null}`, "422 invalid_field /metadata"},
		"metadata: text":           {patch, toAlice, `{"metadata":"x"}`, "400 malformed_request /metadata"},
		"metadata: number":         {patch, toAlice, `{"metadata":{"a":1}}`, "400 malformed_request /metadata/a"},
		"metadata: nested":         {patch, toAlice, `{"metadata":{"a":{"b":"c"}}}`, "400 malformed_request /metadata/a"},
		"metadata: twice":          {patch, toAlice, `{"metadata":{"a":"1","a":null}}`, "400 malformed_request /metadata/a"},
		"metadata: other member":   {patch, toAlice, `{"metadata":{},"type":"asset"}`, "400 malformed_request /type"},
		"metadata: empty key":      {patch, toAlice, `{"metadata":{"":"v"}}`, "422 invalid_field /metadata"},
		"metadata: long value":     {patch, toAlice, `{"metadata":{"k":"` + strings.Repeat("v", 2049) + `"}}`, "422 invalid_field /metadata/k"},
		"metadata: many keys":      {patch, toAlice, `{"metadata":{` + manyKeys(65) + `}}`, "422 invalid_field /metadata"},
		"metadata: no body":        {patch, toAlice, ``, "415 unsupported_media_type -"},
		"metadata: no account":     {patch, toAccounts + "/nobody", `{"metadata":{}}`, "404 account_not_found -"},
		"metadata: no address":     {patch, toAccounts + "/a::b", `{"metadata":{}}`, "404 account_not_found -"},
		"metadata: no ledger":      {patch, none + "/accounts/a", `{"metadata":{}}`, "404 ledger_not_found -"},
		"metadata: no transaction": {patch, toTransactions + "/9", `{"metadata":{"a":"b"}}`, "404 transaction_not_found -"},
		"metadata: transaction x":  {patch, toTransactions + "/x", `{"metadata":{"a":"b"}}`, "404 transaction_not_found -"},

		"close: not empty":       {p, toAlice + "/close", ``, "422 account_not_empty -"},
		"close: twice":           {p, toAccounts + "/closed/close", ``, "422 account_closed -"},
		"close: unknown field":   {p, toAlice + "/close", `{"address":"users:bob"}`, "400 malformed_request /address"},
		"close: reason":          {p, toAlice + "/close", `{"reason":"` + long + `"}`, "422 invalid_field /reason"},
		"close: no account":      {p, toAccounts + "/nobody/close", ``, "404 account_not_found -"},
		"close: no address":      {p, toAccounts + "/%20a/close", ``, "404 account_not_found -"},
		"close: no ledger":       {p, none + "/accounts/%20a/close", ``, "404 ledger_not_found -"},
		"reopen: open":           {p, toAlice + "/reopen", ``, "422 invalid_field -"},
		"reopen: no account":     {p, toAccounts + "/nobody/reopen", ``, "404 account_not_found -"},
		"reopen: bad path":       {p, toAccounts + "/a/b/reopen", ``, "404 not_found -"},
		"chart: empty":           {put, toChart, `{}`, "422 invalid_field /undeclared"},
		"chart: in a member":     {put, toChart, `{"chart":{"undeclared":"allow","rules":[]}}`, "400 malformed_request /chart"},
		"chart: pattern":         {put, toChart, `{"undeclared":"allow","rules":[{"pattern":"a:**:b","type":"asset"}]}`, "422 invalid_field /rules/0/pattern"},
		"chart: type":            {put, toChart, `{"undeclared":"allow","rules":[{"pattern":"a","type":"cash"}]}`, "422 invalid_field /rules/0/type"},
		"chart: limit":           {put, toChart, `{"undeclared":"allow","rules":[{"pattern":"a","type":"asset","min_balance":"x"}]}`, "422 invalid_field /rules/0/min_balance"},
		"chart: breaks balances": {put, toChart, `{"undeclared":"reject","rules":[]}`, "422 chart_conflict -"},
		"chart: no ledger":       {put, none + "/chart", `{"undeclared":"allow","rules":[]}`, "404 ledger_not_found -"},

		"period: missing":        {p, toPeriods + "/close", `{}`, "422 invalid_field /through"},
		"period: no body":        {p, toPeriods + "/close", ``, "415 unsupported_media_type -"},
		"period: a time":         {p, toPeriods + "/close", `{"through":"2026-10-31T00:00:00Z"}`, "422 invalid_field /through"},
		"period: 31 September":   {p, toPeriods + "/close", `{"through":"2026-09-31"}`, "422 invalid_field /through"},
		"period: number":         {p, toPeriods + "/close", `{"through":20261031}`, "400 malformed_request /through"},
		"period: the last day":   {p, toPeriods + "/close", `{"through":"9999-12-31"}`, "422 invalid_field /through"},
		"period: reason":         {p, toPeriods + "/close", `{"through":"2026-10-31","reason":"` + long + `"}`, "422 invalid_field /reason"},
		"period: none to reopen": {p, toPeriods + "/reopen", `{"through":"2026-10-31"}`, "422 invalid_field /through"},
		"period: no ledger":      {p, none + "/periods/close", `{"through":"2026-10-31"}`, "404 ledger_not_found -"},

		"assertion: empty":     {p, toAssertions, `{}`, "422 invalid_field /account"},
		"assertion: pattern":   {p, toAssertions, `{"account":"a:**:b","asset":"X","equals":"0"}`, "422 invalid_field /account"},
		"assertion: asset":     {p, toAssertions, `{"account":"a","asset":"$","equals":"0"}`, "422 invalid_field /asset"},
		"assertion: no bounds": {p, toAssertions, `{"account":"a","asset":"X"}`, "422 invalid_field /equals"},
		"assertion: all":       {p, toAssertions, `{"account":"a","asset":"X","equals":"0","gte":"0"}`, "422 invalid_field /equals"},
		"assertion: crossed":   {p, toAssertions, `{"account":"a","asset":"X","gte":"1","lte":"0"}`, "422 invalid_field /gte"},
		"assertion: fraction":  {p, toAssertions, `{"account":"a","asset":"X","equals":"0.5"}`, "422 invalid_field /equals"},
		"assertion: bool":      {p, toAssertions, `{"account":"a","asset":"X","equals":true}`, "400 malformed_request /equals"},
		"assertion: at":        {p, toAssertions, `{"account":"a","asset":"X","equals":"0","at":"now"}`, "422 invalid_field /at"},
		"assertion: no ledger": {p, none + "/assertions", `{"account":"a","asset":"X","equals":"0"}`, "404 ledger_not_found -"},

		"bulk: capture without id": {p, toBulk, atomic(of("capture_hold", `{}`)), "422 bulk_rejected /commands/0/data/id"},
		"bulk: capture id text":    {p, toBulk, item(of("capture_hold", `{"id":"1"}`)), "400 malformed_request /commands/0/data/id"},
		"bulk: void id negative":   {p, toBulk, item(of("void_hold", `{"id":-1}`)), "400 malformed_request /commands/0/data/id"},
		"bulk: revert id fraction": {p, toBulk, item(of("revert_transaction", `{"id":1.5}`)), "400 malformed_request /commands/0/data/id"},
		"bulk: revert unknown":     {p, toBulk, item(of("revert_transaction", `{"id":1,"amount":"5"}`)), "400 malformed_request /commands/0/data/amount"},
		"bulk: hold dry run":       {p, toBulk, atomic(of("place_hold", hold("world", "a", "1", `"dry_run":true`))), "422 bulk_rejected /commands/0/data/dry_run"},
		"bulk: metadata of none":   {p, toBulk, atomic(of("set_account_metadata", `{"metadata":{}}`)), "422 bulk_rejected /commands/0/data/address"},
		"bulk: metadata patch":     {p, toBulk, atomic(of("set_transaction_metadata", `{"id":1}`)), "422 bulk_rejected /commands/0/data/metadata"},
		"bulk: revert twice":       {p, toBulk, atomic(of("revert_transaction", `{"id":1,"force":true}`) + "," + of("revert_transaction", `{"id":1}`)), "422 bulk_rejected -"},
		"bulk: a chart":            {p, toBulk, atomic(of("replace_chart", strictChart)), "422 bulk_rejected /commands/0/type"},
		"bulk: own commands":       {p, toBulk, atomic(of("expire_hold", `{"id":1}`)), "422 bulk_rejected /commands/0/type"},
		"bulk: in no ledger":       {p, none + "/bulk", item(of("revert_transaction", `{"id":1}`)), "404 ledger_not_found -"},
	}
}

func TestHostileRequestsOfEveryRouteChangeNothing(t *testing.T) {
	h := opened(t)
	h.post(toHolds, `{"transfers":[{"from":"users:alice","to":"a","asset":"USD/2","amount":"10"},{"from":"users:alice","to":"b","asset":"USD/2","amount":"10"}]}`).want(201)
	h.post(toHolds, hold("users:alice", "a", "10", "")).want(201)
	h.do("POST", toHolds+"/2/void", "").want(200)
	h.post(toAccounts, `{"address":"closed"}`).want(201)
	h.do("POST", toAccounts+"/closed/close", "").want(200)
	before := h.log()
	for name, tc := range hostileWhole() {
		t.Run(name, func(t *testing.T) {
			answer := h.do(tc[0], tc[1], tc[2], "Idempotency-Key: hostile")
			got := fmt.Sprintf("%d %s %s", answer.Status, answer.at("code"), answer.at("errors.0.pointer"))
			if answer.at("code") == "chart_conflict" || answer.at("code") == "capture_exceeds_hold" {
				got, _, _ = strings.Cut(got, " /")
				got = strings.TrimSuffix(got, " -") + " -"
			}
			if got != tc[3] {
				t.Errorf("got  %s\nwant %s\n%.600s", got, tc[3], answer.Body)
			}
			if answer.at("type") != "/problems/"+answer.at("code") || answer.at("detail") == "-" || answer.at("title") == "-" {
				t.Errorf("not a whole problem: %.600s", answer.Body)
			}
			if len(answer.Body) > 8<<10 {
				t.Errorf("the answer has %d bytes", len(answer.Body))
			}
			if after := h.log(); !slices.Equal(before, after) {
				t.Errorf("the log has changed: %s", cmp.Diff(before, after))
			}
		})
	}
	h.do("POST", toHolds+"/1/capture", "", "Idempotency-Key: hostile").want(201)
}
