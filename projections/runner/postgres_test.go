package runner_test

import (
	"os"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestOnPostgreSQL(t *testing.T) {
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" { // some thirty databases, for what the random histories show as well
		viewstest.OnPostgreSQL(t, TestSpecs)
	}
	viewstest.OnPostgreSQL(t,
		TestReadModelsEqualTheModel, TestChaosChangesNothing, TestEverythingAgainChangesNothing,
		TestEventsOutOfOrderAreFilledUpFromTheStore, TestTwoRunnersDoNotApplyTwice, TestNewChartReachesEveryAccount,
		TestARunnerThatIsStoppedAtOnceHasNotFailed,
		TestProjectionThatCannotApplyAnEventStopsAlone, TestPassingFailureIsTriedAgain,
		TestEventThatNobodyCanReadStopsAllAndIsNotSkipped, TestEventThatCannotFollowStopsTheProjectionsThatSeeIt,
		TestRebuildMakesTheSame, TestRebuildWhileEventsFlow, TestNewVersionIsRebuiltBesideTheOldOne,
		TestHalfBuiltGenerationIsDropped, TestOnlyOneRebuildsAtATime, TestRebuildThatIsStoppedLeavesTheLiveTables,
		TestRebuildFromALogThatLacksEventsIsRefused,
		TestReadModelsOfAnotherLogAreLeftAlone, TestTheFirstEventTellsWhoseTheReadModelsAre,
	)
}

// A server that dies takes with it the commits that it had only in memory, although the runner goes on. They are made again
// when it is back, whether or not anything happens in the ledgers.
func TestCommitsThatWereLostWithTheServerAreMadeAgain(t *testing.T) {
	server := pgtest.Start(t)
	s := newSceneAt(t, 41, server.Database(t))
	s.troubled = true
	pgtest.Execute(t, s.place, "ALTER SYSTEM SET wal_writer_delay = '10s'") // for so long they may be there only
	pgtest.Execute(t, s.place, "SELECT pg_reload_conf()")
	s.run(runner.New(s.config()))
	for _, meanwhile := range []int{0, 0, 30} {
		s.append(60)
		s.await()
		server.Kill()
		s.append(meanwhile)
		server.Restart(t)
		s.await()
		for range 4 { // the first to find nothing new, the second to compare, one more until that is done
			s.ticks <- time.Time{}
		}
		s.equalsModel()
	}
}
