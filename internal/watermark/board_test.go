package watermark

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestWaitReturnsAtOnceForWhatWasPublished(t *testing.T) {
	b := New()
	b.Publish("entries", "main", 7)
	b.Publish("accounts", "main", 9)
	if err := b.Wait(t.Context(), "main", 7, "entries", "accounts"); err != nil {
		t.Fatal(err)
	}
	if err := b.Wait(t.Context(), "other", 7); err != nil {
		t.Fatalf("waiting for no projection: %v", err)
	}
}

func TestWaitWakesWhenTheLastProjectionArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		done := make(chan error, 1)
		go func() { done <- b.Wait(t.Context(), "main", 5, "entries", "accounts") }()
		for _, step := range []struct {
			projection, ledger string
			revision           uint64
		}{
			{"entries", "main", 4}, {"entries", "other", 9}, {"accounts", "main", 8}, {"ledgers", "main", 9}, {"accounts", "main", 1},
		} {
			b.Publish(step.projection, step.ledger, step.revision)
			synctest.Wait()
			select {
			case <-done:
				t.Fatalf("woken by %v", step)
			default:
			}
		}
		b.Publish("entries", "main", 5)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestRevisionZeroIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		done := make(chan error, 1)
		go func() { done <- b.Wait(t.Context(), "main", 0, "ledgers") }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("revision 0 was never published")
		default:
		}
		b.Publish("ledgers", "main", 0)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitEndsWithItsContextAndLeavesNothingBehind(t *testing.T) {
	b := New()
	stop := errors.New("the client went away")
	for i := range 1000 {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stop)
		err := b.Wait(ctx, fmt.Sprint("ledger-", i), 1, "entries")
		if !errors.Is(err, stop) || !strings.Contains(err.Error(), `projection "entries"`) {
			t.Fatalf("got %v", err)
		}
	}
	if len(b.marks) != 0 {
		t.Fatalf("%d marks are left of ledgers that never were", len(b.marks))
	}
}

func TestLedgersThatNobodyWaitsForAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New()
		b.kept = 100
		done := make(chan error, 1)
		go func() { done <- b.Wait(t.Context(), "waited", 1, "entries") }()
		synctest.Wait()
		for i := range 10_000 {
			b.Publish("entries", fmt.Sprint("ledger-", i), 1)
		}
		if len(b.marks) > 100 {
			t.Errorf("%d marks are kept", len(b.marks))
		}
		b.Publish("entries", "waited", 1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestEveryWaiterIsWokenInTime(t *testing.T) {
	b := New()
	const ledgers, waiters, last = 3, 300, 200
	var all sync.WaitGroup
	for i := range waiters {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%5 == 0 { // some leave while the others are being woken
				go cancel()
			}
			revision := rand.Uint64N(last + 1)
			err := b.Wait(ctx, fmt.Sprint("ledger-", i%ledgers), revision, "entries", "accounts")
			if err != nil && i%5 != 0 {
				t.Error(err)
			}
		})
	}
	for _, projection := range []string{"entries", "accounts"} {
		for l := range ledgers {
			all.Go(func() {
				for r := range uint64(last + 1) {
					b.Publish(projection, fmt.Sprint("ledger-", l), r)
				}
			})
		}
	}
	all.Wait()
	for at, m := range b.marks {
		if len(m.waiters) != 0 {
			t.Errorf("%v: %d waiters are left", at, len(m.waiters))
		}
	}
}

func BenchmarkPublishWithManyWaiters(bench *testing.B) {
	b := New()
	ctx, cancel := context.WithCancel(bench.Context())
	var all sync.WaitGroup
	for range 10_000 {
		all.Go(func() { _ = b.Wait(ctx, "main", 1<<62, "entries") })
	}
	var revision uint64
	for bench.Loop() {
		revision++
		b.Publish("entries", "main", revision)
	}
	cancel()
	all.Wait()
}
