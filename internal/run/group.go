package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Group runs workers together until its context ends or one of them fails, then stops all of them, the last first.
type Group struct {
	logger  *slog.Logger
	running []*running
	failed  chan error
}

type running struct {
	worker Worker
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// NewGroup returns a group without workers.
func NewGroup(logger *slog.Logger) *Group {
	return &Group{logger: logger, failed: make(chan error, 1)}
}

// Start starts a worker. Its context carries the values of ctx but ends only when the group stops it, so that the end
// of ctx stops the workers in order rather than all at once.
func (g *Group) Start(ctx context.Context, w Worker) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{worker: w, cancel: cancel, done: make(chan struct{})}
	g.running = append(g.running, r)
	g.logger.DebugContext(ctx, "worker started", "worker", w.Name())
	go func() {
		defer close(r.done)
		r.err = runSafely(ctx, w)
		if r.err != nil || ctx.Err() == nil {
			g.report(fmt.Errorf("worker %s ended: %w", w.Name(), orEnded(r.err)))
		}
	}()
}

// Wait waits until ctx ends or a worker does, then stops every worker in the reverse order of starting and waits for
// each. It returns why a worker ended by itself, joined with what the others failed with while stopping.
func (g *Group) Wait(ctx context.Context) error {
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-g.failed:
		g.logger.ErrorContext(ctx, "a worker ended by itself, stopping", "error", cause)
	}
	return errors.Join(cause, g.Stop())
}

// Stop stops every worker that was started, the last first, and waits for each.
func (g *Group) Stop() error {
	var errs []error
	for i := len(g.running) - 1; i >= 0; i-- {
		r := g.running[i]
		stopping := !isClosed(r.done)
		r.cancel()
		<-r.done
		if stopping && r.err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.worker.Name(), r.err))
		}
		g.logger.Debug("worker stopped", "worker", r.worker.Name())
	}
	g.running = nil
	return errors.Join(errs...)
}

func (g *Group) report(err error) {
	select {
	case g.failed <- err:
	default: // the first failure is the cause, the others follow from it
	}
}

var errEnded = errors.New("it returned although it was not asked to stop")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// runSafely turns a panic into an error, so that the other workers are stopped in order even then.
func runSafely(ctx context.Context, w Worker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.Run(ctx)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
