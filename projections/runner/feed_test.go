package runner_test

import (
	"context"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/chaos"
	"github.com/daybook-ledger/daybook/internal/stream/memory"
	"github.com/daybook-ledger/daybook/projections/runner"
)

func TestReadModelsEqualTheModel(t *testing.T) {
	seeds, size := trials()
	for _, seed := range seeds {
		s := newScene(t, seed)
		for range 3 { // each time a new process, which knows nothing and goes on
			s.append(60 * size)
			stop := s.run(runner.New(s.config()))
			s.await()
			s.append(35 * size) // live
			s.await()
			s.equalsModel()
			stop()
		}
	}
}

func TestChaosChangesNothing(t *testing.T) {
	seeds, size := trials()
	for _, seed := range seeds {
		s := newScene(t, seed)
		s.append(100)
		transport := chaos.New(seed, chaos.Severe(), memory.Options{MaxEvents: 9})
		config := s.config()
		config.Subscriber, config.Topic = transport, stream.All
		s.run(runner.New(config))
		s.await()
		published := len(s.log())
		for range 5 {
			s.append(60 * size)
			all := s.log()
			for _, event := range all[published:] {
				if err := transport.Publish("", stream.NewMessage(event)); err != nil {
					t.Fatal(err)
				}
			}
			published = len(all)
		}
		transport.Settle()
		s.await()
		s.equalsModel()
	}
}

func TestEverythingAgainChangesNothing(t *testing.T) {
	s := newScene(t, 5)
	s.append(150)
	subscriber, config := newByHand(), s.config()
	config.Subscriber = subscriber
	s.run(runner.New(config))
	s.await()
	all := s.log()
	slices.Reverse(all)
	for _, again := range [][]stream.Event{s.log(), all, all[:10], append(s.log(), s.log()...)} {
		if !subscriber.deliver(t, again) {
			t.Error("known events were refused")
		}
	}
	s.equalsModel()
}

func TestEventsOutOfOrderAreFilledUpFromTheStore(t *testing.T) {
	s := newScene(t, 6)
	subscriber := s.fedByHand()
	s.append(200)
	all := s.log()
	heads := s.history.Heads()
	var last []stream.Event // of each ledger the last alone, which lacks all before it
	for _, event := range all {
		if heads[event.Ledger] == event.Revision {
			last = append(last, event)
		}
	}
	if !subscriber.deliver(t, last) {
		t.Error("the events were refused")
	}
	s.await()
	s.equalsModel()
}

func TestLossOfTheLastEventHealsWhenIdle(t *testing.T) {
	s := newScene(t, 7)
	s.fedByHand()
	s.append(100) // and nothing is delivered
	s.awaitTicking()
	s.equalsModel()
}

func TestMessageWithoutEventsMeansThatSomeWereMissed(t *testing.T) {
	s := newScene(t, 8)
	subscriber := s.fedByHand()
	s.append(100)
	if !subscriber.deliver(t, nil) {
		t.Error("the message was refused")
	}
	s.await()
	s.equalsModel()
}

func TestEventSpoiltOnTheWayIsReadFromTheStore(t *testing.T) {
	s := newScene(t, 9)
	subscriber := s.fedByHand()
	known := len(s.log())
	s.append(30)
	spoilt := s.log()
	spoilt[known+3].Data = []byte(`{"id":`)
	spoilt[known+4].Metadata = nil
	if !subscriber.deliver(t, spoilt) {
		t.Error("the message was refused")
	}
	s.await()
	s.equalsModel()
}

func TestTwoRunnersDoNotApplyTwice(t *testing.T) {
	seeds, size := trials()
	for _, seed := range seeds {
		s := newScene(t, seed)
		s.append(60 * size)
		s.run(runner.New(s.config()))
		s.run(runner.New(s.config()))
		for range 10 * size {
			s.append(15)
		}
		s.await()
		s.equalsModel()
	}
}

// A server that fails to start stops its runner before that has read anything: no fault of the runner's to tell.
func TestARunnerThatIsStoppedAtOnceHasNotFailed(t *testing.T) {
	s := newScene(t, 27)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := runner.New(s.config()).Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
}
