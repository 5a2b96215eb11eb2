package runner_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/accounts"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

func TestRebuildMakesTheSame(t *testing.T) {
	_, size := trials()
	for _, names := range [][]string{nil, {"ledgers"}, {"accounts"}, {"entries"}, {"transactions"}, {"holds", "periods"}, {"assertions"}} {
		s := newScene(t, 21)
		s.append(80 * size)
		stop := s.run(runner.New(s.config()))
		s.await()
		stop()
		r := runner.New(s.config())
		var last runner.Progress
		if err := r.Rebuild(t.Context(), names, func(p runner.Progress) { last = p }); err != nil {
			t.Fatal(err)
		}
		if n := uint64(len(s.log())); last.Done != n || last.Total != n {
			t.Errorf("the last progress is %+v of %d events", last, n)
		}
		s.equalsModel()
		s.onlyLive(r, len(projections.All()))
	}
}

// onlyLive makes sure that nothing is left of generations that are not live.
func (s *scene) onlyLive(r *runner.Runner, projections int) {
	s.t.Helper()
	all, err := r.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if len(all) != projections {
		s.t.Errorf("there are %d generations: %+v", len(all), all)
	}
	var tables int
	count := `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB '*_[0-9]*'`
	if viewstest.InPostgreSQL(s.t) {
		count = `SELECT count(*) FROM pg_tables WHERE schemaname = 'views' AND tablename ~ '_[0-9]+$'`
	}
	err = s.open().Reader().Get(&tables, count)
	if err != nil {
		s.t.Fatal(err)
	}
	want := 0
	for _, p := range r.Projections {
		want += len(p.Model.Tables)
	}
	if tables != want {
		s.t.Errorf("there are %d tables of generations, want %d", tables, want)
	}
}

func TestRebuildWhileEventsFlow(t *testing.T) {
	_, size := trials()
	s := newScene(t, 22)
	s.append(60 * size)
	live := runner.New(s.config())
	s.run(live)
	s.await()
	reading, done := s.readAllTheTime(), make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := s.history.Append(context.Background(), 5); err != nil {
					t.Error(err)
					return
				}
				for ledger, revision := range s.history.Heads() { // no faster than the live tables are fed
					_ = s.board.Wait(t.Context(), ledger, revision, "transactions")
				}
			}
		}
	})
	other := runner.New(s.config()) // as another process would
	for range 2 {
		for _, r := range []*runner.Runner{other, live} {
			if err := r.Rebuild(t.Context(), nil, nil); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	writing.Wait()
	reading()
	s.awaitTicking()
	s.equalsModel()
	if status := s.status(other, "entries"); status.Number != 5 || status.State != views.Running {
		t.Errorf("after four rebuilds: %+v", status)
	}
}

// readAllTheTime reads until it is told to stop, and makes sure that readers see whole read models, which only grow.
func (s *scene) readAllTheTime() (stop func()) {
	db, done := s.open(), make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		var before int
		for {
			var now struct{ Counted, Listed, Debits, Accounts, Opened int }
			tx, err := db.View(context.Background())
			if err != nil {
				s.t.Errorf("begin to read: %v", err)
				return
			}
			err = tx.Get(&now, `SELECT (SELECT sum(transactions) FROM ledgers) AS counted,
				(SELECT count(*) FROM transactions) AS listed,
				(SELECT count(DISTINCT transaction_id || ' ' || ledger_id) FROM entries JOIN account_ids USING (account_id)) AS debits,
				(SELECT count(*) FROM accounts) AS accounts, (SELECT sum(accounts) FROM ledgers) AS opened`)
			if err = errors.Join(err, tx.Rollback()); err != nil {
				s.t.Errorf("read: %v", err)
				return
			}
			if now.Counted < before || now.Counted != now.Listed || now.Counted != now.Debits || now.Accounts != now.Opened {
				s.t.Errorf("after %d transactions a reader saw %+v", before, now)
				return
			}
			before = now.Counted
			select {
			case <-done:
				return
			default:
			}
		}
	})
	return func() {
		close(done)
		reading.Wait()
	}
}

func TestNewVersionIsRebuiltBesideTheOldOne(t *testing.T) {
	s := newScene(t, 23)
	s.append(200)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	s.append(100)
	config := s.config()
	old := accounts.Model().Version
	config.Projections = atVersion(config.Projections, old+1)
	newer := runner.New(config)
	stop = s.run(newer)
	s.awaitTicking()
	s.append(100)
	s.await()
	s.equalsModel()
	if status := s.status(newer, "accounts"); status.Version != old+1 || status.Number != 2 {
		t.Errorf("after the new version started: %+v", status)
	}
	stop()

	s.troubled = true               // by a newer version's tables
	older := runner.New(s.config()) // the old program again: it must leave alone what it does not understand
	if err := older.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := s.status(older, "accounts"); status.Version != old+1 || status.Wanted != old {
		t.Errorf("after the old version started: %+v", status)
	}
}

func atVersion(all []projector.Projection, version int) []projector.Projection {
	for i := range all {
		if all[i].Model.Name == "accounts" {
			all[i].Model.Version = version
		}
	}
	return all
}

func TestHalfBuiltGenerationIsDropped(t *testing.T) {
	s := newScene(t, 24)
	s.append(100)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	// What a process leaves that dies while it rebuilds: tables, and no lock.
	err := s.open().Update(t.Context(), func(tx *views.Tx) error {
		for _, p := range projections.All() {
			if _, err := tx.CreateGeneration(p.Model); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.equalsModel()
	r := runner.New(s.config())
	if err := r.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.onlyLive(r, len(projections.All()))
	s.equalsModel()
}

func TestOnlyOneRebuildsAtATime(t *testing.T) {
	s := newScene(t, 25)
	s.append(100)
	first, second := runner.New(s.config()), runner.New(s.config())
	var during error
	err := first.Rebuild(t.Context(), nil, func(runner.Progress) {
		during = second.Rebuild(t.Context(), nil, nil)
		if err := second.Prepare(t.Context()); err != nil { // a start leaves alone what is being built
			t.Error(err)
		}
	})
	if err != nil || !errors.Is(during, views.ErrRebuilding) {
		t.Errorf("the first: %v, the second: %v", err, during)
	}
	s.equalsModel()
}

func TestRebuildThatIsStoppedLeavesTheLiveTables(t *testing.T) {
	s := newScene(t, 26)
	s.append(300)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	ctx, cancel := context.WithCancel(t.Context())
	r := runner.New(s.config())
	if err := r.Rebuild(ctx, nil, func(runner.Progress) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("the rebuild ended with %v", err)
	}
	s.equalsModel()
	s.onlyLive(r, len(projections.All()))
}

func TestRebuildFromALogThatLacksEventsIsRefused(t *testing.T) {
	s := newScene(t, 27)
	s.append(100)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	config := s.config()
	config.Store = memstore.New()
	if err := runner.New(config).Rebuild(t.Context(), nil, nil); err == nil {
		t.Error("the read models were replaced by less")
	}
	s.equalsModel()
}

// Read models in a place that is another log's are not mixed with it, and not replaced.
func TestReadModelsOfAnotherLogAreLeftAlone(t *testing.T) {
	s := newScene(t, 30)
	s.append(100)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	other := memstore.New()
	if err := projectiontest.NewHistory(other, 31, 3).Append(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, store := range map[string]eventstore.Store{"another": other, "an empty": memstore.New()} {
		config := s.config()
		config.Store = store
		if err := runner.New(config).Run(ctx); !errors.Is(err, views.ErrOtherLog) {
			t.Errorf("Run with %s log: %v", name, err)
		}
		if err := runner.New(config).Rebuild(ctx, nil, nil); !errors.Is(err, views.ErrOtherLog) {
			t.Errorf("Rebuild from %s log: %v", name, err)
		}
	}
	s.equalsModel()
}

// Of two logs that were empty when their runners started the one has the read models that has the first event; the other's
// runner says why it does not go on.
func TestTheFirstEventTellsWhoseTheReadModelsAre(t *testing.T) {
	s, late := newScene(t, 32), memstore.New()
	config, says := s.config(), make(chan string, 1)
	config.Store, config.Board = late, nil
	config.Logger = slog.New(slog.NewTextHandler(lines(func(line string) {
		select {
		case says <- line:
		default:
		}
	}), &slog.HandlerOptions{Level: slog.LevelWarn}))
	ticks := make(chan time.Time)
	config.Ticks = ticks
	s.run(runner.New(config))
	s.run(runner.New(s.config()))
	ticks <- time.Time{} // which is taken by one that has looked at its log
	s.ticks <- time.Time{}
	s.append(100)
	s.await()
	var owners []string
	if err := s.open().Reader().Select(&owners, `SELECT event_id FROM origin`); err != nil || len(owners) != 1 {
		t.Errorf("the read models belong to %v, %v", owners, err)
	}
	if err := projectiontest.NewHistory(late, 33, 3).Append(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-says:
		if !strings.Contains(line, views.ErrOtherLog.Error()) {
			t.Errorf("it says %s", line)
		}
	case <-time.After(patience):
		t.Error("it says nothing")
	}
	s.equalsModel()
}

// lines is a writer that is called with each line of a log.
type lines func(line string)

func (l lines) Write(line []byte) (int, error) {
	l(string(line))
	return len(line), nil
}

func TestRebuildOfWhatDoesNotExist(t *testing.T) {
	s := newScene(t, 28)
	if err := runner.New(s.config()).Rebuild(t.Context(), []string{"horoscopes"}, nil); !errors.Is(err, runner.ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}
