package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

// TestQueriesAnswerTheSameOnPostgreSQL runs end-to-end tests again. Whatever query of a ledger they ask, and some of all that
// is in it, is then asked of a server with read models in a file and of one with read models in PostgreSQL, and the answers are
// compared byte by byte. With the lists by everything that they can be asked for, these are all queries there are; with DAYBOOK_TEST_SOAK in the environment all others
// that ask any are run as well.
func TestQueriesAnswerTheSameOnPostgreSQL(t *testing.T) {
	tests := []func(*testing.T){TestTheExamplesOfTheDescriptionWork, TestDeployedAMonthIsClosed, TestDeployedExportOfEverything}
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		tests = append(tests, TestHoldsEndByThemselves, TestDeployedAHoldEndsByItself, TestExportAsAJournalTellsWhatItLeavesOut,
			TestDeployedRealBooks, TestDeployedBankStatement, TestOutsideSubscriber, TestDeployedRebuildBesideARunningServer)
	}
	viewstest.OnPostgreSQL(t, tests...)
}

// asked notes the queries that go to servers, by their addresses.
var asked = queryLog{by: make(map[string][]ledgerQuery)}

type queryLog struct {
	http.RoundTripper

	mu sync.Mutex
	by map[string][]ledgerQuery
}

// ledgerQuery is the path of a query with its parameters, and the media type that is wanted.
type ledgerQuery struct{ uri, accept string }

// RoundTrip implements [http.RoundTripper].
func (l *queryLog) RoundTrip(r *http.Request) (*http.Response, error) {
	path := r.URL.EscapedPath()
	if r.Method == http.MethodGet && strings.HasPrefix(path, "/v1/ledgers") && !strings.HasSuffix(path, "/events/stream") {
		q := ledgerQuery{r.URL.RequestURI(), r.Header.Get("Accept")}
		l.mu.Lock()
		if !slices.Contains(l.by[r.URL.Host], q) {
			l.by[r.URL.Host] = append(l.by[r.URL.Host], q)
		}
		l.mu.Unlock()
	}
	return l.RoundTripper.RoundTrip(r)
}

func (l *queryLog) of(address string) []ledgerQuery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.by[address])
}

// sameOnPostgreSQL compares the answers of the queries, before and after the read models in PostgreSQL were rebuilt.
func sameOnPostgreSQL(t *testing.T, data string, queries []ledgerQuery) {
	t.Helper()
	place := viewstest.Place(t)
	for _, ledger := range ledgersOf(queries) {
		queries = append(queries, everythingIn(t, data, ledger)...)
	}
	want := answersOf(t, data, queries)
	got := answersOf(t, data, queries, "--views", place)
	for _, what := range []string{"projections rebuild", "projections list", "audit verify"} {
		var out, errors bytes.Buffer
		code := daybook(context.WithoutCancel(t.Context()), append(strings.Fields(what), "--data", data, "--views", place), nil,
			&streams{in: strings.NewReader(""), out: &out, err: &errors})
		if code != 0 || what == "projections list" && strings.Count(out.String(), "running") != len(projections.All()) {
			t.Errorf("%s: code %d\n%s%s", what, code, &out, &errors)
		}
	}
	again := answersOf(t, data, queries, "--views", place)
	for i, q := range queries {
		if got[i] != want[i] || again[i] != want[i] {
			t.Errorf("GET %s: in PostgreSQL\n%s\nrebuilt\n%s\nand in SQLite\n%s", q.uri, got[i], again[i], want[i])
		}
	}
	t.Logf("%d queries are answered the same", len(queries))
}

// answersOf are those of a server on a data directory that is no one else's, once its read models have everything.
func answersOf(t *testing.T, data string, queries []ledgerQuery, flags ...string) []string {
	t.Helper()
	log := new(syncBuffer)
	args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, flags...)
	server, err := startChild(context.WithoutCancel(t.Context()), log, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Errorf("%v\n%s", err, log)
		}
	}()
	heads := make(map[string]string)
	for _, q := range queries {
		if name := ledgerOf(q.uri); name != "" && heads[name] == "" {
			heads[name] = headOf(t, server.Address, name)
			askOnce(t, server.Address, settled(ledgerQuery{uri: "/v1/ledgers/" + name}, heads)) // for the list of ledgers
		}
	}
	answers := make([]string, len(queries))
	for i, q := range queries {
		answers[i] = askOnce(t, server.Address, settled(q, heads))
	}
	return answers
}

func ledgersOf(queries []ledgerQuery) (names []string) {
	for _, q := range queries {
		if name := ledgerOf(q.uri); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// everythingIn are queries of all that is in a ledger: its lists, and each account's statement, in pages too.
func everythingIn(t *testing.T, data, ledger string) (queries []ledgerQuery) {
	t.Helper()
	path := "/v1/ledgers/" + ledger
	list := ledgerQuery{uri: path + "/accounts?limit=1000"}
	for _, of := range []string{
		"/balances", "/balances?group_by=depth:1", "/balances?group_by=none", "/balances?as_of_revision=9", "/balances?at=2026-01-20",
		"/balances?account=users:**&group_by=depth:2", "/balances?at=2026-01-20T12:00:00Z&as_of_revision=9",
		"/accounts?address=users:*",
		"/transactions?limit=1000", "/transactions?q=a", "/transactions?q=%C3%89",
		"/transactions?from=2026-01-01&to=2026-01-31", "/transactions?account=*:**&from=2026-01-02", "/transactions?account=world&to=2026-01-20",
		"/holds?limit=1000", "/holds?status=open", "/holds?account=users:**",
		"/periods", "/assertions", "/assertions?status=broken", "/assertions?status=holds",
	} {
		queries = append(queries, ledgerQuery{uri: path + of})
	}
	first := []ledgerQuery{list}
	for _, of := range []string{"/accounts", "/transactions", "/holds"} {
		first = append(first, ledgerQuery{uri: path + of + "?limit=999"})
	}
	for _, of := range []string{"/accounts", "/transactions", "/holds", "/assertions", "/accounts/world/entries", "/transactions?account=world"} {
		uri := path + of + "?limit=2"
		if strings.Contains(of, "?") {
			uri = path + of + "&limit=2"
		}
		first = append(first, ledgerQuery{uri: uri})
	}
	answers := answersOf(t, data, first)
	queries = append(append(queries, secondPages(first, answers)...), filtersOf(first, answers)...)
	answer := answers[0]
	var accounts struct{ Data []struct{ Address string } }
	if _, body, _ := strings.Cut(answer, "\n"); json.Unmarshal([]byte(body), &accounts) != nil || len(accounts.Data) == 0 {
		return queries // of a ledger that does not exist, for one
	}
	for _, account := range accounts.Data {
		at := path + "/accounts/" + url.PathEscape(account.Address)
		for _, of := range []string{
			at, at + "/entries", at + "/entries?limit=1", at + "/entries?asset=USD/2&from=2026-01-02", at + "/entries?at=2026-01-20", at + "/entries?as_of_revision=9",
			path + "/transactions?account=" + url.QueryEscape(account.Address),
		} {
			queries = append(queries, ledgerQuery{uri: of})
		}
	}
	return queries
}

// secondPages are lists of two rows, with the pages that follow those that were answered.
func secondPages(lists []ledgerQuery, answers []string) (queries []ledgerQuery) {
	for i, list := range lists {
		queries = append(queries, list)
		var page struct {
			Next string `json:"next_cursor"`
		}
		if _, body, _ := strings.Cut(answers[i], "\n"); json.Unmarshal([]byte(body), &page) == nil && page.Next != "" {
			queries = append(queries, ledgerQuery{uri: list.uri + "&cursor=" + url.QueryEscape(page.Next)})
		}
	}
	return queries
}

// filtersOf ask for what rows of the lists have: each reference, and each of their metadata.
func filtersOf(lists []ledgerQuery, answers []string) (queries []ledgerQuery) {
	for i, list := range lists {
		path, _, _ := strings.Cut(list.uri, "?")
		var page struct {
			Data []struct {
				Reference string
				Metadata  map[string]string
			}
		}
		if _, body, _ := strings.Cut(answers[i], "\n"); json.Unmarshal([]byte(body), &page) != nil {
			continue // there is no such list
		}
		for _, row := range page.Data {
			if row.Reference != "" {
				queries = append(queries, ledgerQuery{uri: path + "?reference=" + url.QueryEscape(row.Reference)})
			}
			for key, value := range row.Metadata {
				queries = append(queries, ledgerQuery{uri: path + "?" + url.Values{"metadata[" + key + "]": {value}}.Encode()})
			}
		}
	}
	return queries
}

// ledgerOf is the ledger that a query is about; empty for the list of ledgers.
func ledgerOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v1/ledgers"), "/"), "/")
	return name
}

// headOf is the last revision of a ledger's log; 0 where there is none.
func headOf(t *testing.T, address, ledger string) string {
	t.Helper()
	events := askOnce(t, address, ledgerQuery{"/v1/ledgers/" + ledger + "/events", httpx.MediaNDJSON})
	return strconv.Itoa(max(0, strings.Count(events, `{"specversion"`)-1))
}

// settled is a query that waits for the end of the log.
func settled(q ledgerQuery, heads map[string]string) ledgerQuery {
	name := ledgerOf(q.uri)
	u, err := url.Parse(q.uri)
	if err != nil || name == "" {
		return q
	}
	values := u.Query()
	values.Set("min_revision", heads[name])
	values.Set("wait", "60s")
	u.RawQuery = values.Encode()
	return ledgerQuery{u.RequestURI(), q.accept}
}

// askOnce gives what a client sees.
func askOnce(t *testing.T, address string, q ledgerQuery) string {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+address+q.uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	if q.accept != "" {
		request.Header.Set("Accept", q.accept)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s %s\n%s", response.StatusCode, response.Header.Get("Content-Type"), response.Header.Get(httpx.HeaderRevision),
		bytes.TrimSpace(body))
}

// TestTheDatabaseOfTheReadModelsGoesAndComesBack while clients post: commands are taken all the time, queries say what is
// wrong, and when the database is back the read models catch up by themselves, nothing applied twice and nothing left out.
func TestTheDatabaseOfTheReadModelsGoesAndComesBack(t *testing.T) {
	database, data := pgtest.Start(t), t.TempDir()+"/data"
	place := database.Database(t)
	server := serve(t, data, "--views", place)
	server.do(t, 201, "POST", "", `{"name":"shop"}`)
	stop := keepPosting(t, server)
	first := server.do(t, 201, "POST", "/shop/transactions", postingToAlice)
	server.do(t, 200, "GET", "/shop/accounts/users:alice?min_revision="+revisionOf(t, first), "")
	for range 2 {
		database.Kill()
		second := server.do(t, 201, "POST", "/shop/transactions", postingToAlice)
		for _, path := range []string{
			"", "/shop", "/shop/accounts", "/shop/accounts/users:alice", "/shop/accounts/users:alice/entries", "/shop/balances?at=2026-01-01T00:00:01Z",
			"/shop/transactions", "/shop/transactions/1", "/shop/holds", "/shop/holds/1", "/shop/periods", "/shop/assertions",
			"/shop/accounts/users:alice?min_revision=" + revisionOf(t, second),
		} {
			if problem := server.do(t, 503, "GET", path, ""); problem["code"] != "overloaded" || !strings.Contains(fmt.Sprint(problem["detail"]), "read models") {
				t.Errorf("%s: %v", path, problem)
			}
		}
		if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "projections") {
			t.Errorf("ready without read models: %d %s", status, body)
		}
		server.do(t, 200, "GET", "/shop/events", "") // which are the log's own
		database.Restart(t)
		server.do(t, 200, "GET", "/shop/accounts/users:alice?wait=60s&min_revision="+revisionOf(t, second), "")
	}
	posted := stop()
	last := server.do(t, 201, "POST", "/shop/transactions", postingToAlice)
	account := server.do(t, 200, "GET", "/shop/accounts/users:bob?wait=60s&min_revision="+revisionOf(t, last), "")
	if got, want := fmt.Sprint(account.at("account", "balances")), fmt.Sprintf("balance:%d ", posted); !strings.Contains(got, want) {
		t.Errorf("when the database is back: %s, of %d postings", got, posted)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if out := mustCommand(t, "audit", "verify", "--data", data, "--views", place); !strings.Contains(out, " equal ") {
		t.Errorf("the read models do not equal the log:\n%s", out)
	}
}

// TestAServerStartsWithoutTheDatabaseOfItsReadModels, which has nothing in it yet: what needs no read models works, and when the
// database is there so does the rest, by itself.
func TestAServerStartsWithoutTheDatabaseOfItsReadModels(t *testing.T) {
	database, data := pgtest.Start(t), t.TempDir()+"/data"
	place := database.Database(t)
	database.Kill()
	server := serve(t, data, "--views", place)
	server.logged(t, regexp.MustCompile(`(read models cannot be reached)`))
	server.do(t, 201, "POST", "", `{"name":"shop"}`)
	posted := server.do(t, 201, "POST", "/shop/transactions", postingToAlice)
	server.do(t, 200, "GET", "/shop/events", "")
	for _, path := range []string{"", "/shop", "/shop/accounts/users:alice?min_revision=" + revisionOf(t, posted)} {
		if problem := server.do(t, 503, "GET", path, ""); problem["code"] != "overloaded" {
			t.Errorf("%s: %v", path, problem)
		}
	}
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "projections") {
		t.Errorf("ready without read models: %d %s", status, body)
	}
	database.Restart(t)
	server.logged(t, regexp.MustCompile(`(read models can be written again)`))
	server.do(t, 200, "GET", "/shop/accounts/users:alice?wait=60s&min_revision="+revisionOf(t, posted), "")
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusOK {
		t.Errorf("not ready with read models: %d %s", status, body)
	}
}

// TestAServerDoesNotStartOnReadModelsThatItCannotHave: what no waiting mends is told at once.
func TestAServerDoesNotStartOnReadModelsThatItCannotHave(t *testing.T) {
	place, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	place.Path = "/nowhere"
	out, errors, code := command(t, "", "serve", "--data", t.TempDir()+"/data", "--listen", "127.0.0.1:0", "--views", place.String())
	if code != exitFailed || out != "" || !strings.Contains(errors, `database "nowhere" does not exist`) {
		t.Errorf("exit code %d, %q, %q", code, out, errors)
	}
}

const postingToAlice = `{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"5"}]}`

// keepPosting has clients give one unit to users:bob, again and again, until stop is called, which tells how often they did.
func keepPosting(t *testing.T, server *served) (stop func() int) {
	t.Helper()
	const clients = 4
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, clients)
	for range clients {
		go func() {
			posted := 0
			defer func() { ended <- posted }()
			for ctx.Err() == nil {
				_, err := server.Post(context.WithoutCancel(ctx), "shop", client.NewTransaction{
					Transfers: []client.Transfer{{From: "world", To: "users:bob", Asset: "USD/2", Amount: "1"}},
				}, "")
				if err != nil {
					t.Errorf("post: %v", err)
					return
				}
				posted++
			}
		}()
	}
	return func() (posted int) {
		cancel()
		for range clients {
			posted += <-ended
		}
		return posted
	}
}
