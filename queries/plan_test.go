package queries_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// TestNoStatementReadsAWholeTable runs every kind of query and then asks the database how it goes about each statement.
func TestNoStatementReadsAWholeTable(t *testing.T) {
	w := newWorld(t)
	w.askEverything()
	texts := w.queries.Statements()
	if len(texts) < 35 {
		t.Errorf("only %d statements were run", len(texts))
	}
	for _, text := range texts {
		plan := w.plan(text)
		t.Logf("%s\n%s", text, plan)
		for step := range strings.Lines(plan) {
			if of, scans := strings.CutPrefix(strings.TrimSpace(step), "SCAN "); scans && !isSmall(text, of) {
				t.Errorf("%s\nreads a whole table:\n%s", text, plan)
			}
			if wholeAccount.MatchString(step) {
				t.Errorf("%s\nreads all that an index has of an account:\n%s", text, plan)
			}
			if strings.Contains(step, "TEMP B-TREE") && !sortsLittle(text, step) {
				t.Errorf("%s\nsorts what an index has in order:\n%s", text, plan)
			}
		}
		for _, step := range strings.Split(plan, "RECURSIVE STEP\n")[1:] {
			if !oneRow.MatchString(step) {
				t.Errorf("%s\ntakes steps of more than one row:\n%s", text, plan)
			}
		}
	}
}

// askEverything asks every kind of query about a ledger that has something of every kind.
func (w *world) askEverything() {
	w.Helper()
	w.open("main")
	for i := range 30 {
		post := transfer("world", fmt.Sprintf("users:%d", i%3), "USD/2", "1", fmt.Sprintf("2026-01-%02dT12:00:00Z", i%28+1))
		post.Metadata = map[string]string{"a": "b", "c": "d"}
		w.do("main", post, ledger.PlaceHold{Movement: post.Movement})
	}
	referred := place("users:1", "world", "1")
	referred.Reference = "x"
	w.do("main", referred, ledger.ClosePeriod{Through: day("2025-01-31")}, ledger.DeclareAssertion{Pattern: "*", Asset: "JPY", Bounds: ledger.Bounds{EQ: signed("0")}})
	w.project()
	const between = "from=2026-01-01&to=2026-01-05"
	for _, path := range []string{
		"", "/accounts", "/accounts?address=users:*", "/accounts?address=users:1", "/accounts/users:1",
		"/accounts/users:1/entries", "/accounts/users:1/entries?asset=USD/2", "/accounts/users:1/entries?from=2026-01-03T12:00:00Z",
		"/balances", "/balances?at=2026-01-05", "/balances?at=2026-01-05T12:00:00Z", "/balances?as_of_revision=5", "/balances?as_of_revision=25&at=2026-01-05",
		"/balances?as_of_revision=25&account=users:1", "/balances?as_of_revision=3&account=users:1&at=2026-01-05T12:00:00Z",
		"/transactions", "/transactions?q=x", "/transactions?" + between, "/transactions?reference=x", "/transactions?reference=x&" + between,
		"/transactions?account=users:1", "/transactions?account=users:1&" + between, "/transactions?metadata[a]=b",
		"/transactions?metadata[a]=b&metadata[c]=d&" + between, "/transactions?account=users:1&metadata[a]=b", "/transactions/7",
		"/accounts/users:1/entries?as_of_revision=40", "/accounts/users:1/entries?as_of_revision=9&from=2026-01-03&at=2026-01-05T00:00:00Z",
		"/holds", "/holds?status=open", "/holds?status=voided&account=users:1", "/holds?account=users:*&metadata[a]=b", "/holds?reference=x",
		"/holds?reference=x&status=open", "/holds/7", "/periods", "/assertions", "/assertions?status=evaluating", "/assertions/1",
	} {
		var answer any
		w.get("/ledgers/main" + path).ok(&answer)
	}
}

// isSmall tells whether a step walks something other than a table that grows with the ledgers: generations, or what the
// statement itself has made, which it calls by the name that it gave it.
func isSmall(text, of string) bool {
	return strings.HasPrefix(of, "g ") || strings.Contains(of, "CONSTANT ROW") || strings.Contains(of, "(subquery") ||
		regexp.MustCompile(`\b`+regexp.QuoteMeta(of)+` \([a-z_, ]+\) AS `).MatchString(text)
}

// sortsLittle tells whether a statement sorts what is bounded: a range of effective times, which is wanted in order of id,
// the portions of chains that a page of a statement is made of, or the ids that it has met.
func sortsLittle(text, step string) bool {
	return strings.Contains(text, "+t.transaction_id <") || strings.Contains(text, "line (") || strings.Contains(step, "FOR DISTINCT")
}

var (
	wholeAccount = regexp.MustCompile(`entries_\d+ USING .*\(account_id=\?( AND asset=\?)?\)`)

	// oneRow is a step from one row to another: by number, or by a subquery, which is limited to one.
	oneRow = regexp.MustCompile(`^SCAN \w+\n(SEARCH \w+ USING INTEGER PRIMARY KEY \(rowid=\?\)|` +
		`SEARCH \w+ USING PRIMARY KEY \(ledger_id=\? AND transaction_id=\?\)|CORRELATED SCALAR SUBQUERY \d+)\n`)

	parameter = regexp.MustCompile(`\?\d*`)
)

func (w *world) plan(text string) (plan string) {
	w.Helper()
	var args []any
	for _, at := range parameter.FindAllString(text, -1) {
		number, err := strconv.Atoi(at[1:])
		if err != nil {
			number = len(args) + 1
		}
		for len(args) < number {
			args = append(args, 1)
		}
	}
	rows, err := w.reading.QueryContext(w.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	must(w, err)
	defer func() { must(w, rows.Close()) }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(w, rows.Scan(&id, &parent, &unused, &detail))
		plan += detail + "\n"
	}
	must(w, rows.Err())
	return plan
}
