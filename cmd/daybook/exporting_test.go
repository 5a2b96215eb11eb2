package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// everything is a ledger with all that a ledger can have, one request a line: method, path, status wanted, body.
const everything = `
POST /accounts 201 {"address":"users:vip","min_balance":"-500","max_balance":9000,"metadata":{"tier":"gold","old":"x"}}
POST /transactions 201 {"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"1000"}],"effective_at":"2026-01-05"}
POST /transactions 201 {"transfers":[{"from":"world","to":"users:bob","asset":"USD/2","amount":"500"}],"reference":"top-up","description":"Top-up","metadata":{"k":"v","same":"s"},"effective_at":"2026-01-06T10:00:00.000000001Z"}
PATCH /transactions/2 200 {"metadata":{"k":null,"n":"1"}}
PATCH /transactions/2 200 {"metadata":{"n":"2"}}
PATCH /accounts/users:vip 200 {"metadata":{"old":null,"new":"y"}}
PATCH /accounts/users:alice 200 {"metadata":{"nick":"al"}}
POST /assertions 201 {"account":"users:*","asset":"USD/2","at":"2026-01-31","equals":"1500"}
POST /assertions 201 {"account":"users:bob","asset":"USD/2","gte":"0"}
POST /holds 201 {"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"300"}],"reference":"order-1","description":"shoes","metadata":{"cart":"1"}}
POST /holds/1/capture 201 {"amount":"100","final":false,"effective_at":"2026-01-20"}
POST /holds 201 {"transfers":[{"from":"users:bob","to":"shop:till","asset":"USD/2","amount":"100"}],"reference":"order-2","effective_at":"2026-01-20","expires_in":"24h"}
POST /holds/2/capture 201 {"amount":"40","final":false,"description":"first part","metadata":{"part":"1"},"reference":"part-1"}
POST /holds 201 {"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"50"}],"expires_at":"2999-01-01"}
POST /holds/3/void 200 {"reason":"changed her mind"}
POST /holds 201 {"transfers":[{"from":"users:bob","to":"shop:till","asset":"USD/2","amount":"60"}],"expires_in":"100ms"}
POST /holds 201 {"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"10"},{"from":"users:bob","to":"shop:till","asset":"USD/2","amount":"20"}]}
POST /holds/5/capture 201 {"transfers":[{"from":"users:bob","to":"shop:till","asset":"USD/2","amount":"5"}]}
POST /holds 201 {"transfers":[{"from":"users:alice","to":"shop:till","asset":"USD/2","amount":"5"}],"reference":"order-6","expires_in":"24h"}
POST /transactions 201 {"transfers":[{"from":"world","to":"users:carol","asset":"EUR/2","amount":"100"},{"from":"users:carol","to":[{"account":"shop:till","share":"1/3"},{"account":"users:dave","remainder":true}],"asset":"EUR/2","amount":"all"}],"effective_at":"2026-01-21"}
POST /periods/close 200 {"through":"2026-01-15"}
POST /periods/close 200 {"through":"2026-01-31","reason":"January"}
POST /transactions 201 {"transfers":[{"from":"world","to":"users:vip","asset":"EUR/2","amount":"7"}],"effective_at":"2026-01-31T23:00:00Z","late":"reroute"}
POST /periods/close 200 {"through":"2026-02-28"}
POST /periods/reopen 200 {"through":"2026-02-28","reason":"a late invoice"}
POST /accounts 201 {"address":"shop:old"}
POST /accounts 201 {"address":"shop:older","type":"equity"}
POST /accounts/shop:old/close 200 {}
POST /accounts/shop:older/close 200 {"reason":"nobody uses it"}
POST /accounts/shop:old/reopen 200 {"reason":"somebody does"}
PUT /chart 200 {"undeclared":"reject","rules":[{"pattern":"world","type":"liability"},{"pattern":"users:*","type":"liability","min_balance":"0"},{"pattern":"shop:**","type":"income","assets":["USD/2","EUR/2"]}]}
POST /transactions/1/revert 201 {"reason":"chargeback: \"fraud\"","force":true,"effective_at":"2026-02-10"}
POST /transactions/3/revert 201 {"effective_at":"2026-01-20","late":"reroute"}
POST /holds/1/capture 201 {"amount":"50","final":false,"effective_at":"2026-02-11"}
POST /transactions 201 {"transfers":[{"from":"users:vip","to":"shop:new","asset":"USD/2","amount":"300"}],"effective_at":"2026-02-12"}
`

// makeEverything gives the revision that the ledger has in the end, when its short hold has expired.
func makeEverything(t *testing.T, server *served, name string) string {
	t.Helper()
	server.do(t, 201, "POST", "", `{"name":"`+name+`","metadata":{"owner":"Ada"},"chart":{"undeclared":"allow","rules":[`+
		`{"pattern":"users:*","type":"liability","min_balance":"0"},{"pattern":"shop:**","any_case":true,"type":"income"}]}}`)
	var last object
	for line := range strings.Lines(strings.TrimSpace(everything)) {
		parts := strings.SplitN(line, " ", 4)
		status, err := strconv.Atoi(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		last = server.do(t, status, parts[0], "/"+name+parts[1], parts[3])
	}
	expired := server.follow(t, name, "HoldExpired")
	return max(revisionOf(t, last), revisionOf(t, expired)) // both have two digits
}

// own is what is a ledger's own, and no export gives to another: times of recording, revisions, who did it, references
// made by import, and its name.
var own = regexp.MustCompile(`"(recorded_at|opened_at|created_at|declared_at|changed_at|closed_at|revision|actor|ledger|name)":("[^"]*"|\d+),?|` +
	`"reference":"[^"]*#\d+",?|"reference":null,?`)

// shown is what queries show of a ledger: everything but its holds.
func shown(t *testing.T, server *served, name, revision string) string {
	t.Helper()
	var b strings.Builder
	for _, path := range []string{"", "/accounts", "/transactions", "/periods", "/assertions", "/balances", "/balances?at=2026-01-31"} {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		answer := server.do(t, 200, "GET", "/"+name+path+separator+"wait=60s&min_revision="+revision, "")
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s\n", path, strings.ReplaceAll(own.ReplaceAllString(string(text), ""), "},", "},\n"))
	}
	return b.String()
}

// holdsShown are the holds of a ledger, oldest first, a line each.
func holdsShown(t *testing.T, server *served, name string) []string {
	t.Helper()
	var lines []string
	for _, one := range server.do(t, 200, "GET", "/"+name+"/holds", "")["data"].([]any) {
		hold := object(one.(map[string]any))
		amounts := func(entries any) (text string) {
			for _, e := range entries.([]any) {
				entry := e.(map[string]any)
				text += fmt.Sprint(entry["account"], " ", entry["debit"], entry["credit"], " ")
			}
			return strings.ReplaceAll(text, "<nil>", "")
		}
		reference, _ := hold["reference"].(string)
		if strings.Contains(reference, "#") {
			reference = ""
		}
		lines = append(lines, fmt.Sprint(hold["id"], " ", hold["status"], ": ", amounts(hold["entries"]), "left: ", amounts(hold["remaining"]),
			reference, hold["description"], hold["metadata"], " ends: ", hold["expires_at"] != nil, " by ", hold["transactions"]))
	}
	slices.Reverse(lines)
	return lines
}

// TestDeployedExportOfEverything: commands lead another server's ledger to the same accounts, transactions, periods and assertions,
// and to the same holds but for those that time ends.
func TestDeployedExportOfEverything(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) {
		exportEverything(t, deploy(t).serve(t), deploy(t).serve(t))
	})
}

func exportEverything(t *testing.T, from, to *served) {
	t.Helper()
	want := shown(t, from, "all", makeEverything(t, from, "all"))
	contains(t, want, `"status":"broken"`, `"forced":true`, `"intended_at"`, `"reverted_by":`, `"min_balance":"-500"`, `"tier":"gold"`, `"nick":"al"`, `"status":"closed"`)

	text, errs, code := command(t, "", "export", "--server", from.BaseURL, "--ledger", "all", "--format", "ndjson")
	equal(t, "what is told of the export", fmt.Sprint(code, errs), "0daybook: not as the ledger has it: ends of holds that are over (2); "+
		"ends of open holds on accounts beyond their limits (1); holds that expired, as voided ones (1); "+
		"open holds with an end, as voided ones and what is left of them as new ones (1)\n")

	to.do(t, 201, "POST", "", `{"name":"empty","template":"wallets","metadata":{"owner":"Ada"}}`)
	for _, name := range []string{"new", "empty"} {
		args := []string{"import", "--format", "ndjson", "--server", to.BaseURL, "--ledger", name, "-"}
		first, errs, code := command(t, text, args...)
		n, there, revision := importLine(t, first)
		if code != 0 || errs != "" || n != 11 || there != 0 {
			t.Fatalf("the import into %s: exit code %d, %s%s", name, code, first, errs)
		}
		equal(t, "the ledger "+name, shown(t, to, name, strconv.Itoa(revision)), want)
		equal(t, "its holds", strings.Join(holdsShown(t, to, name), "\n"), strings.Join([]string{
			"1 open: users:alice 300 shop:till 300 left: users:alice 150 shop:till 150 order-1shoesmap[cart:1] ends: false by [3 10]",
			"2 voided: users:bob 100 shop:till 100 left: map[] ends: false by [4]",
			"3 voided: users:alice 50 shop:till 50 left: map[] ends: false by []",
			"4 voided: users:bob 60 shop:till 60 left: map[] ends: false by []",
			"5 captured: users:alice 10 shop:till 10 users:bob 20 shop:till 20 left: map[] ends: false by [5]",
			"6 open: users:alice 5 shop:till 5 left: users:alice 5 shop:till 5 order-6map[] ends: false by []",
			"7 open: users:bob 60 shop:till 60 left: users:bob 60 shop:till 60 order-2map[] ends: true by []",
		}, "\n"))
		again, errs, code := command(t, text, args...)
		equal(t, "the same again", fmt.Sprint(code, errs, again), fmt.Sprintf("0imported 0 transactions (%d already there), revision %d\n", n, revision))
	}
}

// TestExportGoesIntoALedgerOfItsOwn: in another one its numbers would mean other transactions and holds.
func TestExportGoesIntoALedgerOfItsOwn(t *testing.T) {
	s := openShop(t)
	post := func(reference string) string {
		return `{"type":"post_transaction","data":{"reference":"` + reference + `","transfers":[{"from":"a","to":"b","asset":"X","amount":"1"}]}}` + "\n"
	}
	s.must(post("first")+`{"type":"revert_transaction","data":{"id":1}}`+"\n", "import", "--ledger", "books", "-")
	text := s.must("", "export", "--ledger", "books", "--format", "ndjson")
	for _, other := range []string{post("another"), `{"type":"place_hold","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":"1"}]}}` + "\n"} {
		name := "other" + strconv.Itoa(len(other))
		s.must(other, "import", "--ledger", name, "-")
		before := s.must("", "export", "--ledger", name, "--format", "ndjson")
		contains(t, s.refused(text, "import", "--ledger", name, "-"), "transactions or holds that are not those of this file")
		equal(t, "the ledger", s.must("", "export", "--ledger", name, "--format", "ndjson"), before)
	}
	equal(t, "into itself", s.must(text, "import", "--ledger", "books", "-")[:len("imported 0")], "imported 0")
}

// TestImportLeavesOutHoldsWhoseTimeHasCome, unless they were placed in time; what names holds by number is refused then.
func TestImportLeavesOutHoldsWhoseTimeHasCome(t *testing.T) {
	s := openShop(t)
	hold := func(end string) string {
		return `{"type":"place_hold","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":"1"}],"expires_at":"` + end + `"}}` + "\n"
	}
	post := `{"type":"post_transaction","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":"1"}]}}` + "\n"
	out, errs, code := s.run(hold("2020-01-01")+post, "import", "--ledger", "l", "-")
	contains(t, out, "imported 1 transactions")
	equal(t, "what is told", fmt.Sprint(code, errs), "0daybook: standard input:1: the end of this hold has passed, it is left out\n")

	lines := hold("2020-01-01") + hold("2999-01-01") + `{"type":"capture_hold","data":{"id":2}}` + "\n"
	contains(t, s.refused(lines, "import", "--ledger", "l2", "-"), "standard input:3: it names a hold by its number, and the one of standard input:1 was left out")

	soon := hold(time.Now().Add(3 * time.Second).Format(time.RFC3339Nano))
	s.must(soon, "import", "--ledger", "l3", "-")
	(&served{Client: s.client}).follow(t, "l3", "HoldExpired")
	contains(t, s.must(soon, "import", "--ledger", "l3", "-"), "imported 0 transactions (0 already there)")
}

// TestExportAsAJournalTellsWhatItLeavesOut, and has the balances without it.
func TestExportAsAJournalTellsWhatItLeavesOut(t *testing.T) {
	server := serve(t, filepath.Join(t.TempDir(), "data"))
	makeEverything(t, server, "all")
	text, errs, code := command(t, "", "export", "--server", server.BaseURL, "--ledger", "all")
	equal(t, "what is told", fmt.Sprint(code, errs), "0daybook: left out, since a journal has no place for it: assertions (2); closed days (1); "+
		"limits of accounts (1); metadata of accounts (2); metadata of the ledger (1); open holds (3); that accounts are closed (1); "+
		"that transactions are reversals, and why (2); that transactions capture holds (4); "+
		"that transactions were moved out of closed days (2); the chart (1). --format ndjson has it\n")
	contains(t, text, "; n: 2\n")

	if _, errs, code := command(t, text, "import", "--server", server.BaseURL, "--ledger", "copy", "-"); code != 0 {
		t.Fatal(errs)
	}
	debitsAndCredits := func(name string) string {
		out := mustCommand(t, "balances", "--server", server.BaseURL, "--ledger", name, "--output", "csv")
		return regexp.MustCompile(`,[^,]*\n`).ReplaceAllString(out, "\n") // balances are signed by types, which the chart gives
	}
	equal(t, "debits and credits", debitsAndCredits("copy"), debitsAndCredits("all"))
}

// TestALaterExportIsNoContinuation: holds with an end are placed again at the end of an export, so that those that came
// after it have other numbers where it was imported.
func TestALaterExportIsNoContinuation(t *testing.T) {
	s := openShop(t)
	file := filepath.Join(t.TempDir(), "books.ndjson")
	hold := func(reference, end string) string {
		return `{"type":"place_hold","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":"5"}],"reference":"` + reference + `"` + end + `}}` + "\n"
	}
	post := `{"type":"post_transaction","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":"5"}],"reference":"p"}}` + "\n"
	s.must(post+hold("one", `,"expires_in":"24h"`), "import", "--ledger", "books", "-")
	export := func() string {
		out, _, _ := s.run("", "export", "--ledger", "books", "--format", "ndjson")
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s.must("", "import", "--ledger", "copy", export())
	s.must(hold("two", "")+`{"type":"capture_hold","data":{"id":2,"reference":"c"}}`+"\n", "import", "--ledger", "books", "-")
	contains(t, s.refused("", "import", "--ledger", "copy", export()), "of the export is 3 in this ledger", "a ledger of its own")
	for one, err := range s.client.Holds(t.Context(), "copy", client.Query{}) {
		if err != nil || one.Status == wire.HoldCaptured {
			t.Errorf("hold %d is %s (%v)", one.ID, one.Status, err)
		}
	}
}
