package queries_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/postgres"
	"github.com/daybook-ledger/daybook/projections/viewstest"
	"github.com/daybook-ledger/daybook/queries"
)

// TestAnswersAreTheSameOnPostgreSQL asks again whatever the tests of this package ask, of read models in both databases, and
// compares the answers byte by byte.
func TestAnswersAreTheSameOnPostgreSQL(t *testing.T) {
	viewstest.OnPostgreSQL(t,
		TestAccountShowsItsBalancesOnItsNormalSide, TestAccountIsFoundByAnyAddressThereIs,
		TestAccountsAreFilteredByPatternAndMetadata, TestPagesOfAccountsNeitherSkipNorRepeat,
		TestStatementPagesShowWhatWasKnownAtTheFirst, TestStatementOfManyAssetsGoesOnWithoutCarryingThem,
		TestStatementTellsOfTheTransaction,
		TestARequestWaitsForItsRevision, TestALedgerIsFoundAsSoonAsItIsOpen, TestAnAnswerReflectsTheProjectionThatIsBehind,
		TestSumsOfGroupsHaveNoGreatestValue, TestGroupsWithoutACommonSideAreDebitsLessCredits,
		TestBalancesOfALedgerWithoutTransactions,
		TestPagesOfAStatementMeetTheMarksOfAChain, TestAPageOfThePastIsNotCutShortByLaterMarks, TestAStatementOfChainsOfAllLengths,
		TestAHoldShowsWhatBecameOfIt, TestHoldsAreFoundByWhatIsAskedFor, TestPagesOfHoldsStayWhereTheyAreAsOthersArePlaced,
		TestAHoldFarBackIsFound,
		TestHostileParameters, TestFiltersAreTakenLiterally, TestLedgersArePagedByName, TestOneLedger,
		TestAReversalAndWhatItReverts, TestAReroutedTransactionKeepsWhatWasIntended, TestMetadataAreFoundAsTheyAreNow,
		TestAnAccountIsClosedAndReopened, TestPeriodsTellWhatIsClosedAndHowItCameToBe, TestAssertionsTellWhetherTheyHold,
		TestBalancesAgreeWithTheEvents, TestStatementsAgreeWithTheEvents, TestTransactionsAgreeWithTheEvents,
		noStatementReadsAWholeTable,
	)
}

// Read models that nobody has made yet are as good as away: they are made when a process that projects is there.
func TestReadModelsThatAreNotMadeYetAreAwaited(t *testing.T) {
	reading, err := queries.OpenViews(pgtest.Database(t))
	must(t, err)
	t.Cleanup(func() { must(t, reading.Close()) })
	q := queries.New(queries.Options{Views: reading, History: memstore.New()})
	t.Cleanup(func() { must(t, q.Close()) })
	e := httpx.New(httpx.Options{Logger: slog.New(slog.DiscardHandler)})
	q.Register(e.Group("/v1"))
	for _, path := range []string{"/v1/ledgers", "/v1/ledgers/main", "/v1/ledgers/main/accounts", "/v1/ledgers/main/holds/1?min_revision=3"} {
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// noStatementReadsAWholeTable is [TestNoStatementReadsAWholeTable] for PostgreSQL: there is an index for each step of each
// statement, whatever its arguments are.
func noStatementReadsAWholeTable(t *testing.T) {
	w := newWorld(t)
	w.askEverything()
	// The planner has reason to choose well only where there is much to read.
	var many []ledger.Command
	for i := range 5_000 {
		at := fmt.Sprintf("2026-01-%02dT%02d:00:00Z", i/200+1, i%24)
		many = append(many, transfer("world", fmt.Sprintf("users:%d", i%500), "USD/2", "1", at))
	}
	w.do("main", many...)
	w.project()
	for _, text := range w.other.queries.Statements() {
		plan := w.other.plan(t, text)
		for _, of := range wholeTables(plan) {
			if !slices.Contains([]string{"generations", "ledger_ids", "checkpoints"}, of) { // which grow with ledgers at most
				t.Errorf("%s\nreads all of %s:\n%s", text, of, plan)
			}
		}
	}
}

// plan is how PostgreSQL goes about a statement with any arguments.
func (s *side) plan(t *testing.T, text string) string {
	t.Helper()
	conn, err := s.reading.Connx(t.Context())
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	bound := postgres.Bind(text)
	arguments := 0
	for _, at := range regexp.MustCompile(`\$\d+`).FindAllString(bound, -1) {
		number, err := strconv.Atoi(at[1:])
		must(t, err)
		arguments = max(arguments, number)
	}
	execute := "EXPLAIN EXECUTE explained"
	if arguments > 0 {
		execute += " (" + strings.TrimSuffix(strings.Repeat("NULL, ", arguments), ", ") + ")"
	}
	for _, one := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE explained AS " + bound} {
		_, err := conn.ExecContext(t.Context(), one)
		must(t, err)
	}
	var lines []string
	must(t, conn.SelectContext(t.Context(), &lines, execute))
	_, err = conn.ExecContext(t.Context(), "DEALLOCATE explained")
	must(t, err)
	return strings.Join(lines, "\n")
}

// wholeTables are the tables that a plan reads from one end to the other.
func wholeTables(plan string) (tables []string) {
	for step := range strings.SplitSeq(plan, "->") {
		scan := tableScan.FindStringSubmatch(step)
		if scan != nil && !strings.Contains(step, "Index Cond:") {
			tables = append(tables, scan[1])
		}
	}
	return tables
}

// tableScan finds the table of a step, without its generation. What the statement itself has made is read by a CTE Scan.
var tableScan = regexp.MustCompile(`(?:Seq|Index|Index Only) Scan\b[^\n]*? on ([a-z_]+?)(?:_\d+)?\b`)
