package commands_test

import (
	"fmt"
	"strings"
	"testing"
)

// move is a body with one transfer of USD/2 from and to what is given in JSON.
func move(from, to, amount string, members ...string) string {
	transfer := fmt.Sprintf(`{"from":%s,"to":%s,"asset":"USD/2","amount":%s}`, from, to, amount)
	return `{` + strings.Join(append(members, `"transfers":[`+transfer+`]`), ",") + `}`
}

// written is what entries an answer shows, as "account +credit" or "account -debit".
func (r *reply) written() string {
	r.t.Helper()
	var list []string
	for i := 0; r.at(fmt.Sprintf("transaction.entries.%d.account", i)) != "-"; i++ {
		at := fmt.Sprintf("transaction.entries.%d.", i)
		amount := "-" + r.at(at+"debit")
		if amount == "--" {
			amount = "+" + r.at(at+"credit")
		}
		list = append(list, r.at(at+"account")+" "+amount)
	}
	return strings.Join(list, ", ")
}

func TestTransfersOfEveryForm(t *testing.T) {
	h := opened(t) // users:alice has 1000
	for _, tc := range [][2]string{
		{move(`"users:alice"`, `"b"`, `100`), "users:alice -100, b +100"},
		{move(`"users:alice"`, `"b"`, `"100"`), "users:alice -100, b +100"},
		{move(`[{"account":"users:alice"}]`, `[{"account":"b"}]`, `"100"`), "users:alice -100, b +100"},
		{move(`"users:alice"`, `"b"`, `"all"`), "users:alice -1000, b +1000"},
		{move(`"users:alice"`, `"b"`, `{"up_to":"5000"}`), "users:alice -1000, b +1000"},
		{move(`"users:alice"`, `"b"`, `{"up_to":999}`), "users:alice -999, b +999"},
		{move(`[{"account":"nobody"},{"account":"users:alice","up_to":"30"}]`, `"b"`, `"all"`), "users:alice -30, b +30"},
		{move(`[{"account":"users:alice","up_to":30},{"account":"users:alice"}]`, `"b"`, `"100"`), "users:alice -30, users:alice -70, b +100"},
		{
			move(`"users:alice"`, `[{"account":"b","share":"1/3"},{"account":"c","share":"1/3"},{"account":"d","share":"1/3"}]`, `"100"`),
			"users:alice -100, b +34, c +33, d +33",
		},
		{
			move(`"users:alice"`, `[{"account":"tax","share":"19/119"},{"account":"shop","remainder":true}]`, `"all"`),
			"users:alice -1000, tax +159, shop +841",
		},
		{move(`"users:alice"`, `[{"account":"b","share":"1/3","remainder":false},{"account":"c","remainder":true}]`, `1`), "users:alice -1, c +1"},
		{
			`{"transfers":[{"from":"users:alice","to":"b","asset":"USD/2","amount":"all"},{"from":"b","to":"users:alice","asset":"USD/2","amount":{"up_to":1}},
			{"from":[{"account":"b"}],"to":"c","asset":"USD/2","amount":"all"}]}`,
			"users:alice -1000, b +1000, b -1, users:alice +1, b -999, c +999",
		},
		{
			move(`"users:alice"`, `"b"`, `"all"`, `"preconditions":[{"account":"users:alice","asset":"USD/2","balance":{"gte":"-5","lte":2000},"available":{"eq":"1000"}}]`),
			"users:alice -1000, b +1000",
		},
		{move(`"users:alice"`, `"b"`, `"all"`, `"preconditions":[],"late":"reroute"`), "users:alice -1000, b +1000"},
	} {
		dry := `{"dry_run":true,` + tc[0][1:]
		if got := h.post(toTransactions, dry).want(200).written(); got != tc[1] {
			t.Errorf("%s\ngot  %s\nwant %s", tc[0], got, tc[1])
		}
	}
}

func TestASweepIsRecordedAsWhatItMoved(t *testing.T) {
	h := opened(t)
	body := move(`"users:alice"`, `"users:bob"`, `"all"`)
	first := h.post(toTransactions, body, "Idempotency-Key: sweep").want(201)
	if got := first.written(); got != "users:alice -1000, users:bob +1000" {
		t.Error(got)
	}
	h.post(toTransactions, pay("world", "users:alice", "7")).want(201)
	again := h.post(toTransactions, body, "Idempotency-Key: sweep").want(201)
	again.wantHeader("Idempotent-Replayed", "true")
	if again.Body != first.Body {
		t.Errorf("the replay moved something else: %s", again.Body)
	}
	for _, other := range []string{
		move(`"users:alice"`, `"users:bob"`, `{"up_to":1000}`),
		move(`"users:alice"`, `"users:bob"`, `1000`),
		move(`[{"account":"users:alice","up_to":1}]`, `"users:bob"`, `"all"`),
		move(`"users:alice"`, `[{"account":"users:bob","remainder":true}]`, `"all"`),
		move(`"users:alice"`, `[{"account":"users:bob","share":"1/1"}]`, `"all"`),
		move(`"users:alice"`, `"users:bob"`, `"all"`, `"late":"reroute"`),
		move(`"users:alice"`, `"users:bob"`, `"all"`, `"preconditions":[{"account":"a","asset":"X","balance":{"eq":0}}]`),
	} {
		h.post(toTransactions, other, "Idempotency-Key: sweep").want(422, "code=idempotency_key_reused")
	}
	share := `[{"account":"b","share":"%s"},{"account":"c","remainder":true}]`
	h.post(toTransactions, move(`"world"`, fmt.Sprintf(share, "1/3"), `9`), "Idempotency-Key: share").want(201)
	for _, other := range []string{"1/2", "2/3", "2/6"} {
		h.post(toTransactions, move(`"world"`, fmt.Sprintf(share, other), `9`), "Idempotency-Key: share").want(422, "code=idempotency_key_reused")
	}
	// A list of one account is the account.
	h.post(toTransactions, move(`[{"account":"users:alice"}]`, `[{"account":"users:bob"}]`, `"all"`), "Idempotency-Key: sweep").
		want(201).wantHeader("Idempotent-Replayed", "true")
}

func TestPlainTransfersAreTheSameRequestAsTheirEntries(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, pay("world", "users:bob", "5"), "Idempotency-Key: k").want(201)
	h.post(toTransactions, entries(`{"account":"world","asset":"USD/2","debit":"5"},{"account":"users:bob","asset":"USD/2","credit":"5"}`),
		"Idempotency-Key: k").want(201).wantHeader("Idempotent-Replayed", "true")
}

func TestSweepsInABulkSeeTheCommandsBefore(t *testing.T) {
	h := opened(t)
	h.post(toBulk, bulkOf(post(pay("world", "users:bob", "5")), post(move(`"users:bob"`, `"users:carol"`, `"all"`)),
		post(move(`"users:bob"`, `"users:carol"`, `"all"`)))).want(200,
		"results.1.transaction.entries.0.debit=5", "results.2.code=insufficient_funds", "results.2.available=0", "results.2.required=1")
	h.post(toBulk, bulkOf(post(move(`"users:bob"`, `"users:carol"`, `{"up_to":0}`)))).want(200,
		"results.0.code=invalid_field", "results.0.errors.0.pointer=/commands/0/data/transfers/0/amount/up_to")
}

func TestRejectedTransfersTellWhatTheyAreAbout(t *testing.T) {
	h := opened(t)
	h.post(toTransactions, move(`[{"account":"users:alice"},{"account":"users:bob"}]`, `"b"`, `1001`)).want(422, "code=insufficient_funds",
		"account=users:bob", "asset=USD/2", "available=1000", "required=1001")
	h.post(toTransactions, move(`"assets:cash"`, `"b"`, `"all"`)).want(422, "code=invalid_field", "errors.0.pointer=/transfers/0/from",
		"account=assets:cash")
	h.post(toTransactions, move(`[{"account":"users:alice"},{"account":"assets:cash"}]`, `"b"`, `5`)).want(422, "code=invalid_field",
		"errors.0.pointer=/transfers/0/from/1/account")
	condition := `"preconditions":[{"account":"users:alice","asset":"USD/2","%s":{"%s":"%s"}}]`
	h.post(toTransactions, move(`"world"`, `"b"`, `5`, fmt.Sprintf(condition, "balance", "gte", "1001"))).want(422, "code=precondition_failed",
		"account=users:alice", "asset=USD/2", "balance=1000", "errors.0.pointer=/preconditions/0/balance/gte")
	h.post(toTransactions, move(`"world"`, `"b"`, `5`, fmt.Sprintf(condition, "available", "eq", "-1"))).want(422, "code=precondition_failed",
		"available=1000", "errors.0.pointer=/preconditions/0/available/eq")
	h.post(toTransactions, move(`"world"`, `"b"`, `5`, fmt.Sprintf(condition, "available", "lte", "1000"))).want(201)
}

// hostileMovements are requests that must be refused, in the form of hostile.
func hostileMovements() map[string][3]string {
	from := func(json string) string { return move(json, `"b"`, `5`) }
	to := func(json string) string { return move(`"world"`, json, `5`) }
	amount := func(json string) string { return move(`"users:alice"`, `"b"`, json) }
	conditions := func(json string) string { return move(`"world"`, `"b"`, `5`, `"preconditions":`+json) }
	condition := func(member string) string { return conditions(`[{"account":"a","asset":"X",` + member + `}]`) }
	share := func(s string) string {
		return to(`[{"account":"b","share":` + s + `},{"account":"c","remainder":true}]`)
	}
	shares := func(list ...string) string {
		var to []string
		for _, s := range list {
			to = append(to, `{"account":"b","share":"`+s+`"}`)
		}
		return move(`"world"`, `[`+strings.Join(to, ",")+`]`, `5`)
	}
	const two = `{"from":[{"account":"a"},{"account":"b"}],"to":"c","asset":"X","amount":"all"}`
	return map[string][3]string{
		"from empty list":        {toTransactions, from(`[]`), "422 invalid_field /transfers/0/from"},
		"from list of addresses": {toTransactions, from(`["a"]`), "400 malformed_request /transfers/0/from/0"},
		"from object":            {toTransactions, from(`{"account":"a"}`), "400 malformed_request /transfers/0/from"},
		"from bool":              {toTransactions, from(`true`), "400 malformed_request /transfers/0/from"},
		"from null":              {toTransactions, from(`null`), "422 invalid_field /transfers/0/from"},
		"from unknown member":    {toTransactions, from(`[{"account":"a","share":"1/2"}]`), "400 malformed_request /transfers/0/from/0/share"},
		"from member twice":      {toTransactions, from(`[{"account":"a","account":"b"}]`), "400 malformed_request /transfers/0/from/0/account"},
		"from without account":   {toTransactions, from(`[{"account":"a"},{"up_to":"5"}]`), "422 invalid_field /transfers/0/from/1/account"},
		"from bad account":       {toTransactions, from(`[{"account":"a::b"}]`), "422 invalid_field /transfers/0/from/0/account"},
		"source up_to 0":         {toTransactions, from(`[{"account":"a","up_to":0}]`), "422 invalid_field /transfers/0/from/0/up_to"},
		"source up_to negative":  {toTransactions, from(`[{"account":"a"},{"account":"b","up_to":"-1"}]`), "422 invalid_field /transfers/0/from/1/up_to"},
		"source up_to all":       {toTransactions, from(`[{"account":"a","up_to":"all"}]`), "422 invalid_field /transfers/0/from/0/up_to"},
		"source up_to bool":      {toTransactions, from(`[{"account":"a","up_to":true}]`), "400 malformed_request /transfers/0/from/0/up_to"},

		"to empty list":        {toTransactions, to(`[]`), "422 invalid_field /transfers/0/to"},
		"to object":            {toTransactions, to(`{"account":"a"}`), "400 malformed_request /transfers/0/to"},
		"to number":            {toTransactions, to(`7`), "400 malformed_request /transfers/0/to"},
		"to unknown member":    {toTransactions, to(`[{"account":"a","up_to":"5"}]`), "400 malformed_request /transfers/0/to/0/up_to"},
		"to without account":   {toTransactions, to(`[{"share":"1/1"}]`), "422 invalid_field /transfers/0/to/0/account"},
		"to without share":     {toTransactions, to(`[{"account":"a","share":"1/2"},{"account":"b"}]`), "422 invalid_field /transfers/0/to/1/share"},
		"share and remainder":  {toTransactions, to(`[{"account":"a","share":"1/1","remainder":true}]`), "422 invalid_field /transfers/0/to/0/share"},
		"two remainders":       {toTransactions, to(`[{"account":"a","remainder":true},{"account":"b","remainder":true}]`), "422 invalid_field /transfers/0/to/1/remainder"},
		"remainder as text":    {toTransactions, to(`[{"account":"a","remainder":"true"}]`), "400 malformed_request /transfers/0/to/0/remainder"},
		"share 0/3":            {toTransactions, share(`"0/3"`), "422 invalid_field /transfers/0/to/0/share"},
		"share 4/3":            {toTransactions, share(`"4/3"`), "422 invalid_field /transfers/0/to/0/share"},
		"share 1/0":            {toTransactions, share(`"1/0"`), "422 invalid_field /transfers/0/to/0/share"},
		"share 0/0":            {toTransactions, share(`"0/0"`), "422 invalid_field /transfers/0/to/0/share"},
		"share -1/3":           {toTransactions, share(`"-1/3"`), "422 invalid_field /transfers/0/to/0/share"},
		"share 50%":            {toTransactions, share(`"50%"`), "422 invalid_field /transfers/0/to/0/share"},
		"share empty":          {toTransactions, share(`""`), "422 invalid_field /transfers/0/to/0/share"},
		"share number":         {toTransactions, share(`0.5`), "400 malformed_request /transfers/0/to/0/share"},
		"share very long":      {toTransactions, share(`"` + strings.Repeat("1", 100_000) + `/3"`), "422 invalid_field /transfers/0/to/0/share"},
		"shares over 1":        {toTransactions, shares("2/3", "2/3"), "422 invalid_field /transfers/0/to"},
		"shares over 1, a bit": {toTransactions, shares("18446744073709551614/18446744073709551615", "1/18446744073709551614"), "422 invalid_field /transfers/0/to"},
		"shares under 1":       {toTransactions, shares("1/3", "1/3"), "422 invalid_field /transfers/0/to"},
		"one share under 1":    {toTransactions, shares("1/3"), "422 invalid_field /transfers/0/to"},

		"amount ALL":                {toTransactions, amount(`"ALL"`), "422 invalid_field /transfers/0/amount"},
		"amount up_to 0":            {toTransactions, amount(`{"up_to":0}`), "422 invalid_field /transfers/0/amount/up_to"},
		"amount up_to all":          {toTransactions, amount(`{"up_to":"all"}`), "422 invalid_field /transfers/0/amount/up_to"},
		"amount up_to null":         {toTransactions, amount(`{"up_to":null}`), "422 invalid_field /transfers/0/amount/up_to"},
		"amount up_to object":       {toTransactions, amount(`{"up_to":{}}`), "400 malformed_request /transfers/0/amount/up_to"},
		"amount up_to 2^128":        {toTransactions, amount(`{"up_to":"340282366920938463463374607431768211456"}`), "422 invalid_field /transfers/0/amount/up_to"},
		"all with an amount":        {toTransactions, amount(`{"all":true,"up_to":5}`), "400 malformed_request /transfers/0/amount/all"},
		"amount list":               {toTransactions, amount(`["all"]`), "400 malformed_request /transfers/0/amount"},
		"all of entries":            {toTransactions, entries(`{"account":"a","asset":"X","debit":"all"},{"account":"b","asset":"X","credit":"all"}`), "422 invalid_field /entries/0/debit"},
		"all of the world":          {toTransactions, move(`"world"`, `"b"`, `"all"`), "422 insufficient_funds -"},
		"all of nothing":            {toTransactions, move(`"nobody"`, `"b"`, `"all"`), "422 insufficient_funds -"},
		"all of a debit normal one": {toTransactions, move(`"assets:cash"`, `"b"`, `"all"`), "422 invalid_field /transfers/0/from"},
		"2,001 accounts":            {toTransactions, `{"transfers":[` + many(667, two) + `]}`, "422 invalid_field /transfers"},
		"1,000 transfers of two":    {toTransactions, `{"transfers":[` + many(1000, two) + `]}`, "422 invalid_field /transfers"},
		"2,000 sources":             {toTransactions, from(`[` + many(2000, `{"account":"a"}`) + `]`), "422 invalid_field /transfers"},
		"100,000 bad sources":       {toTransactions, from(`[` + many(100_000, `{"up_to":0}`) + `]`), "422 invalid_field /transfers"},

		"late empty":  {toTransactions, with(`"late":""`), "422 invalid_field /late"},
		"late refuse": {toTransactions, with(`"late":"refuse"`), "422 invalid_field /late"},
		"late bool":   {toTransactions, with(`"late":true`), "400 malformed_request /late"},

		"preconditions object":         {toTransactions, conditions(`{}`), "400 malformed_request /preconditions"},
		"preconditions 101":            {toTransactions, conditions(`[` + many(101, `{"account":"a","asset":"X","balance":{"eq":0}}`) + `]`), "422 invalid_field /preconditions"},
		"precondition of nothing":      {toTransactions, conditions(`[{}]`), "422 invalid_field /preconditions/0/account"},
		"precondition without bounds":  {toTransactions, condition(`"balance":{},"available":{}`), "422 invalid_field /preconditions/0"},
		"precondition bad bound":       {toTransactions, condition(`"balance":{"gte":"1.5"}`), "422 invalid_field /preconditions/0/balance/gte"},
		"precondition minus zero":      {toTransactions, condition(`"available":{"eq":"-0"}`), "422 invalid_field /preconditions/0/available/eq"},
		"precondition bound list":      {toTransactions, condition(`"balance":{"lte":[]}`), "400 malformed_request /preconditions/0/balance/lte"},
		"precondition unknown bound":   {toTransactions, condition(`"balance":{"gt":"1"}`), "400 malformed_request /preconditions/0/balance/gt"},
		"precondition unknown":         {toTransactions, condition(`"pending":{"eq":"1"}`), "400 malformed_request /preconditions/0/pending"},
		"precondition bad account":     {toTransactions, conditions(`[{"account":"a:*: b","asset":"X","balance":{"eq":0}}]`), "422 invalid_field /preconditions/0/account"},
		"precondition bad asset":       {toTransactions, conditions(`[{"account":"a","asset":"€","balance":{"eq":0}}]`), "422 invalid_field /preconditions/0/asset"},
		"precondition not met":         {toTransactions, conditions(`[{"account":"users:alice","asset":"USD/2","balance":{"gte":"1001"}}]`), "422 precondition_failed /preconditions/0/balance/gte"},
		"precondition in bulk unknown": {toBulk, `{"commands":[` + post(condition(`"x":1`)) + `]}`, "400 malformed_request /commands/0/data/preconditions/0/x"},
	}
}
