package commands_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	toTransactions = "/v1/ledgers/books/transactions"
	toAccounts     = "/v1/ledgers/books/accounts"
	toBulk         = "/v1/ledgers/books/bulk"
	toLedgers      = "/v1/ledgers"
)

func transfer(member string) string {
	fields := map[string]string{"from": `"world"`, "to": `"users:bob"`, "asset": `"USD/2"`, "amount": `"5"`}
	name, value, _ := strings.Cut(member, "=")
	fields[name] = value
	var list []string
	for _, k := range []string{"from", "to", "asset", "amount", "x"} {
		if v, ok := fields[k]; ok && v != "" {
			list = append(list, fmt.Sprintf("%q:%s", k, v))
		}
	}
	return `{"transfers":[{` + strings.Join(list, ",") + `}]}`
}

func with(member string) string {
	return `{"transfers":[{"from":"world","to":"users:bob","asset":"USD/2","amount":"5"}],` + member + `}`
}

func entries(list string) string { return `{"entries":[` + list + `]}` }

func many(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }

// hostile are requests that must be refused: what is sent, and "status code pointer" of the answer.
func hostile() map[string][3]string {
	const good, pair = `{"from":"world","to":"users:bob","asset":"USD/2","amount":"5"}`,
		`{"account":"world","asset":"USD/2","debit":"5"},{"account":"users:bob","asset":"USD/2","credit":"5"}`
	item := func(s string) string { return `{"commands":[` + s + `]}` }
	return map[string][3]string{
		"empty body":              {toTransactions, ``, "400 malformed_request "},
		"not JSON":                {toTransactions, `pay alice`, "400 malformed_request "},
		"null":                    {toTransactions, `null`, "400 malformed_request "},
		"array":                   {toTransactions, `[]`, "400 malformed_request "},
		"string":                  {toTransactions, `"x"`, "400 malformed_request "},
		"cut off":                 {toTransactions, `{"transfers":[`, "400 malformed_request /transfers"},
		"trailing":                {toTransactions, pay("world", "users:bob", "5") + "{}", "400 malformed_request "},
		"unknown field":           {toTransactions, with(`"reverts":1`), "400 malformed_request /reverts"},
		"unknown nested":          {toTransactions, transfer("x=1"), "400 malformed_request /transfers/0/x"},
		"field in other case":     {toTransactions, with(`"Reference":"r"`), "400 malformed_request /Reference"},
		"field twice":             {toTransactions, with(`"reference":"a","reference":"b"`), "400 malformed_request /reference"},
		"metadata key twice":      {toTransactions, with(`"metadata":{"a":"1","a":"2"}`), "400 malformed_request /metadata/a"},
		"metadata nested":         {toTransactions, with(`"metadata":{"a":{"b":"c"}}`), "400 malformed_request /metadata/a"},
		"metadata number":         {toTransactions, with(`"metadata":{"a":1}`), "400 malformed_request /metadata/a"},
		"metadata null":           {toTransactions, with(`"metadata":{"a":null}`), "400 malformed_request /metadata/a"},
		"metadata array":          {toTransactions, with(`"metadata":[]`), "400 malformed_request /metadata"},
		"bad UTF-8":               {toTransactions, with("\"description\":\"\xc3\x28\""), "400 malformed_request /description"},
		"lone surrogate":          {toTransactions, with(`"description":"\ud83d"`), "400 malformed_request /description"},
		"overlong UTF-8":          {toTransactions, with("\"reference\":\"\xc0\xaf\""), "400 malformed_request /reference"},
		"nested deep":             {toTransactions, with(`"description":` + strings.Repeat("[", 9000)), "400 malformed_request /description" + strings.Repeat("/0", 15)},
		"nested deeper":           {toTransactions, strings.Repeat(`{"a":`, 100_000), "400 malformed_request /a"},
		"unknown field, long":     {toTransactions, `{"` + strings.Repeat("a", 100_000) + `":1}`, "400 malformed_request /" + strings.Repeat("a", 199) + "…"},
		"query parameter, long":   {toTransactions + "?" + strings.Repeat("a", 10_000) + "=1", `{}`, "400 malformed_request ?" + strings.Repeat("a", 200) + "…"},
		"amount bool":             {toTransactions, transfer("amount=true"), "400 malformed_request /transfers/0/amount"},
		"amount object":           {toTransactions, transfer("amount={}"), "422 invalid_field /transfers/0/amount/up_to"},
		"amount 01":               {toTransactions, transfer("amount=01"), "400 malformed_request /transfers/0"},
		"amount NaN":              {toTransactions, transfer("amount=NaN"), "400 malformed_request /transfers/0/amount"},
		"from number":             {toTransactions, transfer("from=7"), "400 malformed_request /transfers/0/from"},
		"dry_run string":          {toTransactions, with(`"dry_run":"true"`), "400 malformed_request /dry_run"},
		"effective_at number":     {toTransactions, with(`"effective_at":1769860800`), "400 malformed_request /effective_at"},
		"transfers object":        {toTransactions, `{"transfers":{}}`, "400 malformed_request /transfers"},
		"query parameter":         {toTransactions + "?dry_run=true", pay("world", "users:bob", "5"), "400 malformed_request ?dry_run"},
		"amount zero":             {toTransactions, transfer(`amount="0"`), "422 invalid_field /transfers/0/amount"},
		"amount number zero":      {toTransactions, transfer(`amount=0`), "422 invalid_field /transfers/0/amount"},
		"amount minus zero":       {toTransactions, transfer(`amount=-0`), "422 invalid_field /transfers/0/amount"},
		"amount negative":         {toTransactions, transfer(`amount="-1"`), "422 invalid_field /transfers/0/amount"},
		"amount negative number":  {toTransactions, transfer(`amount=-1`), "422 invalid_field /transfers/0/amount"},
		"amount fraction":         {toTransactions, transfer(`amount="1.5"`), "422 invalid_field /transfers/0/amount"},
		"amount fraction number":  {toTransactions, transfer(`amount=1.0`), "422 invalid_field /transfers/0/amount"},
		"amount exponent":         {toTransactions, transfer(`amount=1e3`), "422 invalid_field /transfers/0/amount"},
		"amount plus":             {toTransactions, transfer(`amount="+1"`), "422 invalid_field /transfers/0/amount"},
		"amount space":            {toTransactions, transfer(`amount=" 1"`), "422 invalid_field /transfers/0/amount"},
		"amount leading zero":     {toTransactions, transfer(`amount="01"`), "422 invalid_field /transfers/0/amount"},
		"amount hex":              {toTransactions, transfer(`amount="0x10"`), "422 invalid_field /transfers/0/amount"},
		"amount Arabic digits":    {toTransactions, transfer(`amount="١٢"`), "422 invalid_field /transfers/0/amount"},
		"amount empty":            {toTransactions, transfer(`amount=""`), "422 invalid_field /transfers/0/amount"},
		"amount null":             {toTransactions, transfer(`amount=null`), "422 invalid_field /transfers/0/amount"},
		"amount missing":          {toTransactions, transfer(`amount=`), "422 invalid_field /transfers/0/amount"},
		"amount 2^128":            {toTransactions, transfer(`amount="340282366920938463463374607431768211456"`), "422 invalid_field /transfers/0/amount"},
		"amount number 2^128":     {toTransactions, transfer(`amount=340282366920938463463374607431768211456`), "422 invalid_field /transfers/0/amount"},
		"amount very long":        {toTransactions, transfer(`amount="` + strings.Repeat("9", 100_000) + `"`), "422 invalid_field /transfers/0/amount"},
		"asset empty":             {toTransactions, transfer(`asset=""`), "422 invalid_field /transfers/0/asset"},
		"asset missing":           {toTransactions, transfer(`asset=`), "422 invalid_field /transfers/0/asset"},
		"asset digit first":       {toTransactions, transfer(`asset="1USD"`), "422 invalid_field /transfers/0/asset"},
		"asset sign":              {toTransactions, transfer(`asset="$"`), "422 invalid_field /transfers/0/asset"},
		"asset scale":             {toTransactions, transfer(`asset="USD/100"`), "422 invalid_field /transfers/0/asset"},
		"asset no scale":          {toTransactions, transfer(`asset="USD/"`), "422 invalid_field /transfers/0/asset"},
		"asset long":              {toTransactions, transfer(`asset="` + strings.Repeat("A", 33) + `"`), "422 invalid_field /transfers/0/asset"},
		"from missing":            {toTransactions, transfer(`from=`), "422 invalid_field /transfers/0/from"},
		"from empty segment":      {toTransactions, transfer(`from="a::b"`), "422 invalid_field /transfers/0/from"},
		"to ends in colon":        {toTransactions, transfer(`to="a:"`), "422 invalid_field /transfers/0/to"},
		"to leading space":        {toTransactions, transfer(`to="a: b"`), "422 invalid_field /transfers/0/to"},
		"to control":              {toTransactions, transfer(`to="a\u0000b"`), "422 invalid_field /transfers/0/to"},
		"to newline":              {toTransactions, transfer(`to="a\nb"`), "422 invalid_field /transfers/0/to"},
		"to long":                 {toTransactions, transfer(`to="` + strings.Repeat("x", 513) + `"`), "422 invalid_field /transfers/0/to"},
		"no transfers":            {toTransactions, `{"transfers":[]}`, "422 invalid_field /transfers"},
		"null transfer":           {toTransactions, `{"transfers":[null]}`, "422 invalid_field /transfers/0/from"},
		"1,001 transfers":         {toTransactions, `{"transfers":[` + many(1001, good) + `]}`, "422 invalid_field /transfers"},
		"neither form":            {toTransactions, `{"description":"x"}`, "422 invalid_field /transfers"},
		"both forms":              {toTransactions, `{"transfers":[` + good + `],"entries":[` + pair + `]}`, "422 invalid_field /transfers"},
		"one entry":               {toTransactions, entries(`{"account":"world","asset":"USD/2","debit":"5"}`), "422 invalid_field /entries"},
		"2,002 entries":           {toTransactions, entries(many(1001, pair)), "422 invalid_field /entries"},
		"debit and credit":        {toTransactions, entries(pair + `,{"account":"a","asset":"X","debit":"1","credit":"1"}`), "422 invalid_field /entries/2"},
		"no side":                 {toTransactions, entries(pair + `,{"account":"a","asset":"X"}`), "422 invalid_field /entries/2"},
		"entry of zero":           {toTransactions, entries(pair + `,{"account":"a","asset":"X","credit":0}`), "422 invalid_field /entries/2/credit"},
		"unbalanced":              {toTransactions, entries(`{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"X","credit":"2"}`), "422 unbalanced_transaction -"},
		"balanced across assets":  {toTransactions, entries(`{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"Y","credit":"1"}`), "422 unbalanced_transaction -"},
		"reference empty":         {toTransactions, with(`"reference":""`), "422 invalid_field /reference"},
		"reference long":          {toTransactions, with(`"reference":"` + strings.Repeat("r", 256) + `"`), "422 invalid_field /reference"},
		"reference control":       {toTransactions, with(`"reference":"a\u0007"`), "422 invalid_field /reference"},
		"description long":        {toTransactions, with(`"description":"` + strings.Repeat("d", 4097) + `"`), "422 invalid_field /description"},
		"effective_at words":      {toTransactions, with(`"effective_at":"yesterday"`), "422 invalid_field /effective_at"},
		"effective_at no zone":    {toTransactions, with(`"effective_at":"2026-01-31T12:00:00"`), "422 invalid_field /effective_at"},
		"effective_at year 0":     {toTransactions, with(`"effective_at":"0000-12-31"`), "422 invalid_field /effective_at"},
		"effective_at 30 Feb":     {toTransactions, with(`"effective_at":"2026-02-30"`), "422 invalid_field /effective_at"},
		"effective_at picosecond": {toTransactions, with(`"effective_at":"2026-01-31T12:00:00.0000000001Z"`), "422 invalid_field /effective_at"},
		"effective_at empty":      {toTransactions, with(`"effective_at":""`), "422 invalid_field /effective_at"},
		"metadata many keys":      {toTransactions, with(`"metadata":{` + manyKeys(65) + `}`), "422 invalid_field /metadata"},
		"metadata empty key":      {toTransactions, with(`"metadata":{"":"v"}`), "422 invalid_field /metadata"},
		"metadata long key":       {toTransactions, with(`"metadata":{"` + strings.Repeat("k", 129) + `":"v"}`), "422 invalid_field /metadata"},
		"metadata long value":     {toTransactions, with(`"metadata":{"a/b":"` + strings.Repeat("v", 2049) + `"}`), "422 invalid_field /metadata/a~1b"},
		"insufficient funds":      {toTransactions, pay("users:alice", "users:bob", "1001"), "422 insufficient_funds -"},
		"total out of range":      {toTransactions, pay("world", "users:alice", "340282366920938463463374607431768211455"), "422 amount_out_of_range -"},
		"no such ledger":          {"/v1/ledgers/none/transactions", pay("world", "users:bob", "5"), "404 ledger_not_found -"},
		"impossible ledger":       {"/v1/ledgers/B%20%2F/transactions", pay("world", "users:bob", "5"), "404 ledger_not_found -"},
		"stream in disguise":      {"/v1/ledgers/..%2Fbooks/transactions", pay("world", "users:bob", "5"), "404 ledger_not_found -"},
		"shape before existence":  {"/v1/ledgers/none/transactions", `{"transfers":[]}`, "422 invalid_field /transfers"},
		"no such path":            {"/v1/ledgers/books/transfers", `{}`, "404 not_found -"},
		"no such version":         {"/v2/ledgers", `{}`, "404 not_found -"},

		"account without address": {toAccounts, `{}`, "422 invalid_field /address"},
		"account bad type":        {toAccounts, `{"address":"a","type":"cash"}`, "422 invalid_field /type"},
		"account empty type":      {toAccounts, `{"address":"a","type":""}`, "422 invalid_field /type"},
		"account min > max":       {toAccounts, `{"address":"a","min_balance":"5","max_balance":"4"}`, "422 invalid_field /min_balance"},
		"account min fraction":    {toAccounts, `{"address":"a","min_balance":"0.5"}`, "422 invalid_field /min_balance"},
		"account max under rule":  {toAccounts, `{"address":"a","max_balance":"-1"}`, "422 invalid_field /max_balance"},
		"account exists":          {toAccounts, `{"address":"users:alice"}`, "409 account_exists -"},
		"account pattern":         {toAccounts, `{"address":7}`, "400 malformed_request /address"},
		"account without ledger":  {"/v1/ledgers/none/accounts", `{"address":"a"}`, "404 ledger_not_found -"},

		"ledger without name":      {toLedgers, `{}`, "422 invalid_field /name"},
		"ledger name upper":        {toLedgers, `{"name":"Books"}`, "422 invalid_field /name"},
		"ledger name dash first":   {toLedgers, `{"name":"-a"}`, "422 invalid_field /name"},
		"ledger name long":         {toLedgers, `{"name":"` + strings.Repeat("a", 64) + `"}`, "422 invalid_field /name"},
		"ledger name slash":        {toLedgers, `{"name":"a/b"}`, "422 invalid_field /name"},
		"ledger bad template":      {toLedgers, `{"name":"a","template":"x"}`, "422 invalid_field /template"},
		"ledger both":              {toLedgers, `{"name":"a","template":"general","chart":{"undeclared":"allow","rules":[]}}`, "422 invalid_field /template"},
		"ledger exists":            {toLedgers, `{"name":"books"}`, "409 ledger_exists -"},
		"chart without undeclared": {toLedgers, `{"name":"a","chart":{"rules":[]}}`, "422 invalid_field /chart/undeclared"},
		"chart bad pattern":        {toLedgers, `{"name":"a","chart":{"undeclared":"allow","rules":[{"pattern":"a:**:b","type":"asset"}]}}`, "422 invalid_field /chart/rules/0/pattern"},
		"chart bad type":           {toLedgers, `{"name":"a","chart":{"undeclared":"allow","rules":[{"pattern":"a"}]}}`, "422 invalid_field /chart/rules/0/type"},
		"chart pattern twice":      {toLedgers, `{"name":"a","chart":{"undeclared":"allow","rules":[{"pattern":"a","type":"asset"},{"pattern":"a","type":"asset"}]}}`, "422 invalid_field /chart/rules/1/pattern"},
		"chart bad asset":          {toLedgers, `{"name":"a","chart":{"undeclared":"allow","rules":[{"pattern":"a","type":"asset","assets":["X","?"]}]}}`, "422 invalid_field /chart/rules/0/assets/1"},
		"chart unknown field":      {toLedgers, `{"name":"a","chart":{"undeclared":"allow","rules":[{"pattern":"a","kind":"asset"}]}}`, "400 malformed_request /chart/rules/0/kind"},

		"bulk without commands":  {toBulk, `{}`, "422 invalid_field /commands"},
		"bulk of none":           {toBulk, `{"commands":[]}`, "422 invalid_field /commands"},
		"bulk of 10,001":         {toBulk, `{"commands":[` + many(10_001, `{}`) + `]}`, "422 invalid_field /commands"},
		"bulk unknown field":     {toBulk, item(`{"type":"post_transaction","data":` + with(`"x":1`) + `}`), "400 malformed_request /commands/0/data/x"},
		"bulk unknown member":    {toBulk, item(`{"typ":"post_transaction"}`), "400 malformed_request /commands/0/typ"},
		"bulk key twice in data": {toBulk, item(`{"type":"open_account","data":{"address":"a","address":"b"}}`), "400 malformed_request /commands/0/data/address"},
		"bulk data of an alien":  {toBulk, item(`{"type":"place_hold","data":{"a":1,"a":2}}`), "400 malformed_request /commands/0/data/a"},
		"bulk in no ledger":      {"/v1/ledgers/none/bulk", item(`{"type":"open_account","data":{"address":"a"}}`), "404 ledger_not_found -"},
		"bad bulk in no ledger":  {"/v1/ledgers/none/bulk", item(`{"type":"open_account"}`), "404 ledger_not_found -"},
		"atomic in no ledger":    {"/v1/ledgers/none/bulk", `{"atomic":true,"commands":[{"type":"open_account","data":{"address":"a"}}]}`, "404 ledger_not_found -"},
	}
}

func manyKeys(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"k%d":"v"`, i))
	}
	return strings.Join(list, ",")
}

func TestHostileRequestsGetTheirCodeAndChangeNothing(t *testing.T) {
	h := opened(t)
	before := h.log()
	requests := hostile()
	maps.Copy(requests, hostileMovements())
	for name, tc := range requests {
		t.Run(name, func(t *testing.T) {
			answer := h.post(tc[0], tc[1], "Idempotency-Key: hostile")
			got := fmt.Sprintf("%d %s %s", answer.Status, answer.at("code"), answer.at("errors.0.pointer"))
			if got != tc[2] {
				t.Errorf("got  %s\nwant %s\n%.600s", got, tc[2], answer.Body)
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
	// None of them used up the key, and the house stands.
	h.post(toTransactions, pay("world", "users:bob", "5"), "Idempotency-Key: hostile").want(201)
}

func TestHostileHeaders(t *testing.T) {
	h := opened(t)
	before := h.log()
	for _, tc := range []struct{ headers, want string }{
		{"Content-Type: text/plain", "415 unsupported_media_type -"},
		{"Content-Type: application/json; charset=utf-16", "415 unsupported_media_type -"},
		{"Content-Type: application/x-ndjson", "415 unsupported_media_type -"},
		{"Content-Encoding: gzip|Content-Type: application/json;charset=utf-8", "415 unsupported_media_type -"},
		{"Idempotency-Key: ", "422 invalid_field Idempotency-Key"},
		{"Idempotency-Key: two words", "422 invalid_field Idempotency-Key"},
		{"Idempotency-Key: clé", "422 invalid_field Idempotency-Key"},
		{"Idempotency-Key: a|Idempotency-Key: b", "422 invalid_field Idempotency-Key"},
		{"Idempotency-Key: " + strings.Repeat("k", 256), "422 invalid_field Idempotency-Key"},
	} {
		answer := h.post(toTransactions, pay("world", "users:bob", "5"), strings.Split(tc.headers, "|")...)
		if got := fmt.Sprintf("%d %s %s", answer.Status, answer.at("code"), answer.at("errors.0.pointer")); got != tc.want {
			t.Errorf("%s: got %s, want %s\n%s", tc.headers, got, tc.want, answer.Body)
		}
	}
	big := `{"description":"` + strings.Repeat("x", 4<<20) + `"}`
	h.post(toTransactions, big).want(413, "code=too_large")
	h.post(toBulk, `{"commands":[{"type":"`+strings.Repeat("x", 8<<20)+`"}]}`).want(413, "code=too_large")
	if after := h.log(); !slices.Equal(before, after) {
		t.Errorf("the log has changed: %s", cmp.Diff(before, after))
	}
}

// A pointer into a command of a bulk is the same in the sentence as in the list.
func TestSentencesPointIntoTheWholeBulk(t *testing.T) {
	h := opened(t)
	for command, want := range map[string]string{
		`{"type":"open_account","data":{"adress":"a"}}`:     "At /commands/1/data/adress: ",
		`{"type":"open_account","data":[]}`:                 "At /commands/1/data: ",
		`{"type":"open_account","data":{"address":"a::b"}}`: "/commands/1/data/address: ",
	} {
		answer := h.post(toBulk, `{"atomic":true,"commands":[{"type":"open_account","data":{"address":"a"}},`+command+`]}`)
		if detail := answer.at("detail"); !strings.Contains(detail, want) || strings.Contains(detail, "top of the body") {
			t.Errorf("%s: %q, want %q in it", command, detail, want)
		}
	}
}

func TestAllWrongFieldsAreToldAtOnce(t *testing.T) {
	h := opened(t)
	answer := h.post(toTransactions, `{"transfers":[
		{"from":"a::b","to":"users:bob","asset":"USD/2","amount":"5"},
		{"from":"world","asset":"$","amount":"0"}],
		"effective_at":"now","reference":"a\u0000","description":"`+strings.Repeat("d", 5000)+`"}`)
	answer.want(422, "code=invalid_field")
	var got []string
	for i := range answer.JSON["errors"].([]any) {
		got = append(got, answer.at(fmt.Sprintf("errors.%d.pointer", i)))
	}
	want := []string{
		"/transfers/0/from", "/transfers/1/to", "/transfers/1/asset", "/transfers/1/amount", "/effective_at",
		"/reference", "/description",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got) %s\n%s", diff, answer.Body)
	}
	answer = h.post(toTransactions, `{"transfers":[`+many(1000, `{"from":"a::b"}`)+`]}`).want(422)
	if n := len(answer.JSON["errors"].([]any)); n != 20 {
		t.Errorf("%d fields are listed, want the first 20", n)
	}
}
