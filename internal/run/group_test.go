package run_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker tells when it stops, and ends early when its fail channel says so.
type worker struct {
	name string
	fail chan error
	stop func(name string)
}

func (w worker) Name() string { return w.name }

func (w worker) Run(ctx context.Context) error {
	select {
	case err := <-w.fail:
		return err
	case <-ctx.Done():
		w.stop(w.name)
		return nil
	}
}

func TestWorkersStopInReverseOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	stopped := func(name string) { mu.Lock(); order = append(order, name); mu.Unlock() }

	ctx, cancel := context.WithCancel(t.Context())
	group := run.NewGroup(slog.New(slog.DiscardHandler))
	for _, name := range []string{"store", "relay", "server"} {
		group.Start(ctx, worker{name: name, stop: stopped})
	}
	group.Start(ctx, run.OnStop("engines", func() error { stopped("engines"); return nil }))
	cancel()
	if err := group.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "engines server relay store" {
		t.Fatalf("stopped in the order %q", got)
	}
}

func TestFirstFailureStopsTheOthersAndIsReturned(t *testing.T) {
	boom := errors.New("boom")
	for name, outcome := range map[string]error{"with an error": boom, "without one": nil} {
		t.Run(name, func(t *testing.T) {
			var stops int
			failing := worker{name: "failing", fail: make(chan error, 1)}
			group := run.NewGroup(slog.New(slog.DiscardHandler))
			group.Start(t.Context(), worker{name: "healthy", stop: func(string) { stops++ }})
			group.Start(t.Context(), failing)
			failing.fail <- outcome

			err := group.Wait(t.Context())
			if err == nil || !strings.Contains(err.Error(), "worker failing ended") || (outcome != nil && !errors.Is(err, boom)) {
				t.Fatalf("error %v", err)
			}
			if stops != 1 {
				t.Fatalf("the healthy worker was stopped %d times", stops)
			}
		})
	}
}

type panicking struct{}

func (panicking) Name() string              { return "panicking" }
func (panicking) Run(context.Context) error { panic("out of cheese") }

func TestPanicOfAWorkerIsAnErrorOfTheGroup(t *testing.T) {
	group := run.NewGroup(slog.New(slog.DiscardHandler))
	group.Start(t.Context(), panicking{})
	if err := group.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "out of cheese") {
		t.Fatalf("error %v", err)
	}
}
