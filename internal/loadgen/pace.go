package loadgen

import (
	"context"
	"math"
	"sync"
	"time"
)

// pace tells each connection when its next request is due, and whether there is one.
type pace interface {
	// next returns at that time, or at once if it is past. It is false when no more requests are to be sent.
	next() (due time.Time, ok bool)
}

// closedLoop is the pace of a closed loop: the next request is due when the answer to the last one is there.
type closedLoop struct {
	running context.Context //nolint:containedctx // it is the loop's condition
	// duration counts from the first request, so that there is one, however late it is. Zero is no end.
	duration time.Duration

	begin sync.Once
	start time.Time
}

func (p *closedLoop) next() (due time.Time, ok bool) {
	now := time.Now()
	p.begin.Do(func() { p.start = now })
	return now, p.running.Err() == nil && (p.duration == 0 || now.Sub(p.start) < p.duration)
}

// timetable is the pace of an open loop: one request is due each interval, whatever the server does. Whoever is free
// takes the next one, so that a request waits only where all connections are busy. Only one connection at a time watches
// the clock; the others stand behind it.
//
// Every request of the timetable is sent, also those that were due while the server stalled at its end: to leave them out
// would leave out the worst.
type timetable struct {
	running  context.Context //nolint:containedctx // it is the loop's condition
	start    time.Time
	interval float64 // nanoseconds
	requests int

	mu    sync.Mutex
	taken int
}

func newTimetable(running context.Context, rate float64, duration time.Duration) *timetable {
	return &timetable{
		running: running, start: time.Now(),
		interval: float64(time.Second) / rate, requests: max(1, int(math.Round(rate*duration.Seconds()))),
	}
}

func (t *timetable) next() (due time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken >= t.requests || t.running.Err() != nil {
		return time.Time{}, false
	}
	due = t.start.Add(time.Duration(float64(t.taken) * t.interval))
	t.taken++
	return due, sleepUntil(t.running, due)
}

// coarse is how far ahead of its time a timer is set: Go's own may be late by a millisecond and more, which is as long
// as what is measured takes.
const coarse = 3 * time.Millisecond

// sleepUntil is false where ctx ended first.
func sleepUntil(ctx context.Context, due time.Time) bool {
	if left := time.Until(due); left > coarse {
		timer := time.NewTimer(left - coarse)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for left := time.Until(due); left > 0; left = time.Until(due) {
		nap(left)
	}
	return true
}
