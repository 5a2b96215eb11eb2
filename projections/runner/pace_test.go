package runner_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The clock of the bubble advances only when everybody waits, so that these durations are exact.
func TestTransactionsArePacedUnlessSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, 10)
		subscriber := s.fedByHand()
		known := len(s.log())
		deliver := func() time.Duration {
			s.append(10)
			began := time.Now()
			if !subscriber.deliver(t, s.log()[known:]) {
				t.Error("the events were refused")
			}
			known = len(s.log())
			return time.Since(began)
		}
		deliver() // it was awaited when the runner started
		if took := deliver(); took < 20*time.Millisecond || took > time.Second {
			t.Errorf("the next batch was asked for after %v, without letting events gather for it", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = s.board.Wait(ctx, "any", 1<<40, "entries") }()
		synctest.Wait()
		if took := deliver(); took != 0 {
			t.Errorf("somebody waited, and the next batch was asked for after %v", took)
		}
	})
}
