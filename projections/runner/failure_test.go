package runner_test

import (
	"context"
	"errors"
	"iter"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
)

// broken is a projection whose work fails, after it was done, for as long as it is told to.
type broken struct {
	projector.Applier
	fail func() error
}

func (b broken) Apply(tx *views.Tx, events []projector.Event) error {
	if err := b.Applier.Apply(tx, events); err != nil {
		return err
	}
	return b.fail()
}

func breakEntries(all []projector.Projection, fail func() error) []projector.Projection {
	for i := range all {
		if all[i].Model.Name == "entries" {
			inner := all[i].New
			all[i].New = func(generation int64) projector.Applier { return broken{inner(generation), fail} }
		}
	}
	return all
}

func TestProjectionThatCannotApplyAnEventStopsAlone(t *testing.T) {
	for name, fail := range map[string]func() error{
		"fails":  func() error { return errors.New("no room in the margin") },
		"panics": func() error { panic("no room in the margin") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 11)
			s.troubled = true
			s.append(100)
			config := s.config()
			config.Projections = breakEntries(config.Projections, fail)
			r := runner.New(config)
			stop := s.run(r)
			s.await("ledgers", "accounts", "transactions")
			s.append(100)
			s.await("ledgers", "accounts", "transactions")

			status := s.status(r, "entries")
			if status.State != views.Stopped || !strings.Contains(status.Detail, "no room in the margin") || status.Behind < 200 {
				t.Errorf("the projection that failed: %+v", status)
			}
			dump, err := projectiontest.Of(t.Context(), config.Views)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(dump["entries"]) + len(dump["closings"]); n != 0 {
				t.Errorf("%d rows of a transaction that did not commit", n)
			}
			for _, checkpoint := range dump["live_checkpoints"] {
				if strings.Contains(checkpoint, "entries") {
					t.Errorf("a checkpoint without its rows: %s", checkpoint)
				}
			}
			stop()

			again := runner.New(s.config()) // with the fault mended
			s.run(again)
			s.await()
			s.equalsModel()
			if status := s.status(again, "entries"); status.State != views.Running || status.Detail != "" || status.Behind != 0 {
				t.Errorf("the projection that was mended: %+v", status)
			}
		})
	}
}

func TestPassingFailureIsTriedAgain(t *testing.T) {
	s := newScene(t, 12)
	s.troubled = true
	s.append(100)
	config := s.config()
	var calls atomic.Int32
	config.Projections = breakEntries(config.Projections, func() error {
		if calls.Add(1)%3 != 0 {
			return errors.New("not this time")
		}
		return nil
	})
	s.run(runner.New(config))
	s.await()
	s.equalsModel()
}

func TestEventThatNobodyCanReadStopsAllAndIsNotSkipped(t *testing.T) {
	s := newScene(t, 13)
	s.troubled = true
	s.append(50)
	r := runner.New(s.config())
	s.run(r)
	s.await()
	head := s.history.Heads()["book-0"]
	records := []eventstore.Record{
		{ID: eventstore.ID{15: 1}, Type: "LedgerBurnt", Data: []byte(`{}`), Metadata: []byte(`{}`)},
	}
	if _, err := s.store.Append(t.Context(), "ledger-book-0", eventstore.At(eventstore.Revision(head)), records); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go s.tick(done)
	defer close(done)
	for _, projection := range everyProjection {
		for s.status(r, projection).State != views.Stopped {
			if t.Context().Err() != nil {
				t.Fatal("it never stopped")
			}
		}
		if status := s.status(r, projection); status.Behind != 1 {
			t.Errorf("%s lacks %d events, want the one", projection, status.Behind)
		}
	}
	s.equalsModel()
}

// unread is a log that nobody may read.
type unread struct{ eventstore.Store }

func (unread) ReadAll(context.Context, eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		yield(eventstore.Recorded{}, errors.New("the log was read"))
	}
}

// A probe that asks every second must cost next to nothing, however far the read models are behind.
func TestWhatStoppedIsToldWithoutReadingTheLog(t *testing.T) {
	s := newScene(t, 14)
	s.troubled = true
	config := s.config()
	config.Projections = breakEntries(config.Projections, func() error { return errors.New("no room in the margin") })
	s.run(runner.New(config))
	s.append(50)
	s.await("ledgers", "accounts", "transactions", "holds", "periods", "assertions")
	config = s.config()
	config.Store = unread{s.store}
	probe := runner.New(config)
	if _, err := probe.List(t.Context()); err == nil {
		t.Fatal("the log can be read, so that this shows nothing")
	}
	for {
		stopped, err := probe.Stopped(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(stopped) == 1 && stopped[0].Projection == "entries" && strings.Contains(stopped[0].Detail, "no room in the margin") {
			return
		}
		if len(stopped) > 0 {
			t.Fatalf("stopped are %+v", stopped)
		}
	}
}

// Such events are in no log that Daybook has written. A read model that cannot be right any more must say so.
func TestEventThatCannotFollowStopsTheProjectionsThatSeeIt(t *testing.T) {
	for name, c := range map[string]struct {
		event ledger.Event
		stop  []string
	}{
		"the end of a hold that was never placed": {ledger.HoldVoided{ID: 99}, []string{"accounts", "holds"}},
		"metadata of a transaction that was never posted": {
			ledger.TransactionMetadataSet{ID: 999}, []string{"transactions"},
		},
		"the reversal of a transaction that was never posted": {ledger.TransactionPosted{ID: 999, Reverts: 998}, []string{"transactions"}},
		"the closing of an account that was never opened":     {ledger.AccountClosed{Address: "nowhere"}, []string{"accounts"}},
		"an assertion that was never declared": {
			ledger.AssertionHeld{ID: 99, Balance: big.NewInt(1)}, []string{"assertions"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 15)
			s.troubled = true
			s.history.Model = nil
			s.append(50)
			if err := s.history.AppendEvent(t.Context(), c.event); err != nil {
				t.Fatal(err)
			}
			r := runner.New(s.config())
			s.run(r)
			s.await(slices.DeleteFunc(slices.Clone(everyProjection), func(p string) bool { return slices.Contains(c.stop, p) })...)
			for _, projection := range c.stop {
				for s.status(r, projection).State != views.Stopped {
					if t.Context().Err() != nil {
						t.Fatalf("%s never stopped", projection)
					}
				}
			}
		})
	}
}

func TestStoreThatCannotBeReadIsWaitedFor(t *testing.T) {
	s := newScene(t, 14)
	s.troubled = true
	s.append(100)
	faulty := storetest.NewFaulty(s.store)
	faulty.FailReads(errors.New("the disk is on fire"))
	config := s.config()
	config.Store = faulty
	r := runner.New(config)
	s.run(r)
	faulty.FailReads(nil)
	s.await()
	s.equalsModel()
}
