// Package loadgen sends prepared HTTP requests over keep-alive connections and measures what comes back: in a closed loop,
// in which each connection sends as fast as its answers come, to find how much a server can do; or in an open loop, in
// which requests are due at a fixed rate, to find how long they take.
//
// Latencies of an open loop count from the time at which a request was due, not from that at which it was sent. A server
// that stalls for a second then has the second in the latency of every request that should have been sent meanwhile. A
// closed loop sends nothing while the server stalls and so leaves those requests out ("coordinated omission").
//
// It speaks just enough HTTP/1.1 for Daybook's own answers. A general client costs about as much as the server it
// measures, and on a machine that the two share it would hide the difference between servers.
package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Source makes the requests of one connection: it appends the next one, whole, to buf, or returns nil when it has no
// more. It is not called concurrently.
type Source func(buf []byte) []byte

// Load is what is sent: over as many connections as there are sources, to one address.
type Load struct {
	Address string
	Sources []Source
	// Duration is how long requests are sent for. In a closed loop zero means until the sources have no more.
	Duration time.Duration
	// Rate is how many requests are due each second. Zero stands for a closed loop.
	Rate float64
	// Status is the one that every answer must have. One of 503 with a Retry-After header is counted apart, and the
	// request sent again after a pause; any other ends the run with an error that shows the answer.
	Status int
	// Accepted tells how many of the things that a request asked for were accepted, by the body of its answer, and how
	// many were refused because too much was waiting. Nil stands for one and none. It is called by all connections.
	Accepted func(body []byte) (accepted, refused int, err error)
}

// Result is what came back.
type Result struct {
	// Requests are those that were answered as they should be; Accepted is the sum of what they were answered with.
	Requests, Accepted int
	// Refused are the answers, and the things in answers, that told that too much was waiting.
	Refused int
	// Elapsed is from the first request to the last answer.
	Elapsed time.Duration
	// Latencies are those of the requests that were answered as they should be, repetitions included. In an open loop
	// they count from when a request was due.
	Latencies Histogram
	// Lateness is how long after they were due requests were sent: because all connections were busy, or because the
	// generator itself was late. In a closed loop it is empty.
	Lateness Histogram
}

// PerSecond is the rate of what was accepted.
func (r *Result) PerSecond() float64 { return float64(r.Accepted) / r.Elapsed.Seconds() }

// Run connects, sends until the load is over or ctx ends, waits for the answers under way, and adds up.
func Run(ctx context.Context, load Load) (*Result, error) {
	connections, err := dial(ctx, load.Address, len(load.Sources))
	if err != nil {
		return nil, err
	}
	// Whoever waits for an answer when ctx ends waits no longer.
	defer context.AfterFunc(ctx, func() {
		for _, c := range connections {
			_ = c.SetDeadline(time.Unix(1, 0)) // a closed connection has no need of it
		}
	})()
	running, cancel := context.WithCancel(ctx)
	defer cancel()

	workers := make([]worker, len(connections))
	start := time.Now()
	steps := load.pace(running)
	var group sync.WaitGroup
	for i, c := range connections {
		w := &workers[i]
		*w = worker{connection: c, load: &load, running: running}
		group.Go(func() {
			if w.err = w.sendAll(steps, load.Sources[i]); w.err != nil {
				cancel() // one wrong answer spoils the measurement
			}
		})
	}
	group.Wait()
	result := sum(workers)
	result.Elapsed = time.Since(start)
	err = errors.Join(failures(workers), closeAll(connections))
	if ctx.Err() != nil {
		err = context.Cause(ctx) // of which the failures are a consequence
	}
	return result, err
}

func (l *Load) pace(running context.Context) pace {
	if l.Rate > 0 {
		return newTimetable(running, l.Rate, l.Duration)
	}
	return &closedLoop{running: running, duration: l.Duration}
}

func sum(workers []worker) *Result {
	result := &Result{}
	for i := range workers {
		part := &workers[i].result
		result.Requests += part.Requests
		result.Accepted += part.Accepted
		result.Refused += part.Refused
		result.Latencies.Add(&part.Latencies)
		result.Lateness.Add(&part.Lateness)
	}
	return result
}

func failures(workers []worker) error {
	var errs []error
	for i := range workers {
		errs = append(errs, workers[i].err)
	}
	return errors.Join(errs...)
}

func dial(ctx context.Context, address string, n int) ([]*connection, error) {
	connections := make([]*connection, 0, n)
	var dialer net.Dialer
	for range n {
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connect to %s: %w", address, err), closeAll(connections))
		}
		connections = append(connections, newConnection(c))
	}
	return connections, nil
}

func closeAll(connections []*connection) error {
	var errs []error
	for _, c := range connections {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// worker sends what one source makes over one connection.
type worker struct {
	*connection

	load    *Load
	running context.Context //nolint:containedctx // it ends when another worker has failed
	result  Result
	err     error
}

// sendAll sends one request after the other, at the pace, until there are no more.
func (w *worker) sendAll(pace pace, next Source) error {
	var request []byte
	for {
		due, ok := pace.next()
		if !ok {
			return nil
		}
		if request = next(request[:0]); request == nil {
			return nil
		}
		if w.load.Rate > 0 {
			w.result.Lateness.Record(time.Since(due))
		}
		if err := w.send(request, due); err != nil {
			return err
		}
	}
}

// pauseMax is how long a request waits at most that was refused because too much was waiting. The server may ask for
// more, but a load that went away for whole seconds would measure its own pauses.
const pauseMax = 50 * time.Millisecond

// send sends a request until it is not refused any more, or the load ends.
func (w *worker) send(request []byte, due time.Time) error {
	for {
		answer, err := w.do(request)
		if err != nil {
			return err
		}
		if answer.status == http.StatusServiceUnavailable && answer.retryAfter > 0 {
			w.result.Refused++
			if !sleepUntil(w.running, time.Now().Add(min(answer.retryAfter, pauseMax))) {
				return nil
			}
			continue
		}
		if answer.status != w.load.Status {
			return fmt.Errorf("want status %d, got %d: %.500s", w.load.Status, answer.status, answer.body)
		}
		return w.count(due, answer.body)
	}
}

func (w *worker) count(due time.Time, body []byte) error {
	w.result.Latencies.Record(time.Since(due))
	w.result.Requests++
	if w.load.Accepted == nil {
		w.result.Accepted++
		return nil
	}
	accepted, refused, err := w.load.Accepted(body)
	w.result.Accepted += accepted
	w.result.Refused += refused
	return err
}
