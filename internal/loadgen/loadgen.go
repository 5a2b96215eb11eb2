// Package loadgen sends prepared HTTP requests over keep-alive connections, each connection as fast as its answers come
// (a closed loop), and measures what comes back.
//
// It speaks just enough HTTP/1.1 for Daybook's own answers. A general client costs about as much as the server it
// measures, and on a machine that the two share it would hide the difference between servers.
package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Source makes the requests of one connection: it appends the next one, whole, to buf. It is not called concurrently.
type Source func(buf []byte) []byte

// Load is what is sent: over as many connections as there are sources, to one address, for a time.
type Load struct {
	Address  string
	Sources  []Source
	Duration time.Duration
	// Status is the one that every answer must have; any other ends the run with an error that shows the answer.
	Status int
}

// Result is what came back.
type Result struct {
	// Requests are those that were answered as they should.
	Requests int
	// Elapsed is from the first request to the last answer.
	Elapsed time.Duration
	// Latencies are those of all requests, in ascending order.
	Latencies []time.Duration
}

// PerSecond is the rate of answers.
func (r Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Percentile is the latency that p percent of the requests did not exceed.
func (r Result) Percentile(p float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[min(int(p/100*float64(len(r.Latencies))), len(r.Latencies)-1)]
}

// Run connects, sends until the load's duration is over or ctx ends, waits for the answers under way, and adds up.
func Run(ctx context.Context, load Load) (Result, error) {
	connections, err := dial(ctx, load.Address, len(load.Sources))
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, load.Duration)
	defer cancel()

	latencies := make([][]time.Duration, len(connections))
	errs := make([]error, len(connections))
	start := time.Now()
	var workers sync.WaitGroup
	for i, c := range connections {
		workers.Go(func() {
			latencies[i], errs[i] = c.sendAll(ctx, load.Sources[i], load.Status)
			if errs[i] != nil {
				cancel() // one wrong answer spoils the measurement
			}
		})
	}
	workers.Wait()
	result := Result{Elapsed: time.Since(start), Latencies: merge(latencies)}
	result.Requests = len(result.Latencies)
	return result, errors.Join(errors.Join(errs...), closeAll(connections))
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

// sendAll sends one request after the other until ctx ends.
func (c *connection) sendAll(ctx context.Context, next Source, status int) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, 1<<12)
	var request []byte
	for ctx.Err() == nil {
		request = next(request[:0])
		sent := time.Now()
		got, body, err := c.do(request)
		if err != nil {
			return latencies, err
		}
		if got != status {
			return latencies, fmt.Errorf("want status %d, got %d: %.500s", status, got, body)
		}
		latencies = append(latencies, time.Since(sent))
	}
	return latencies, nil
}
