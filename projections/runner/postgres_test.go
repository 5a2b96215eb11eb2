package runner_test

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
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
		TestWhatStoppedIsToldWithoutReadingTheLog, TestEventThatNobodyCanReadStopsAllAndIsNotSkipped, TestEventThatCannotFollowStopsTheProjectionsThatSeeIt,
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

// A reservation may end without the rebuild that it was for, as when a proxy cuts a connection that was idle for long. That rebuild
// does not pass off as its own what the next one is just building, nor does it take it away.
func TestARebuildThatLostItsReservationIsGivenUp(t *testing.T) {
	viewstest.OnPostgreSQL(t, aRebuildThatLostItsReservationIsGivenUp)
}

func aRebuildThatLostItsReservationIsGivenUp(t *testing.T) {
	s := newScene(t, 42)
	s.append(120)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	events := uint64(len(s.log()))
	first, second := runner.New(s.config()), runner.New(s.config())
	begun, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	rebuildToo := func() {
		begin := sync.OnceFunc(func() {
			close(begun)
			<-goOn
		})
		err := views.ErrRebuilding
		for errors.Is(err, views.ErrRebuilding) { // the server may take a moment to see that the connection ended
			err = second.Rebuild(t.Context(), nil, func(runner.Progress) { begin() })
		}
		ended <- err
	}
	lose := sync.OnceFunc(func() {
		pgtest.Execute(t, s.place, `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE l.locktype = 'advisory' AND d.datname = current_database()`)
		go rebuildToo()
		<-begun
	})
	err := first.Rebuild(t.Context(), nil, func(p runner.Progress) {
		if p.Done == events {
			lose()
		}
	})
	if err == nil {
		t.Error("the first is live")
	}
	s.equalsModel()
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the second: %v", err)
	}
	s.equalsModel()
	s.onlyLive(second, len(s.config().Projections))
}
