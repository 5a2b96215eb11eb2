package run

import (
	"context"
	"time"
)

// Pause waits for a time, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) { Await(ctx, nil, d) }

// Await waits for something to be signalled, by a value or by closing, but no longer than for a time, nor than until ctx ends.
func Await(ctx context.Context, signalled <-chan struct{}, atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-signalled:
	case <-timer.C:
	case <-ctx.Done():
	}
}
