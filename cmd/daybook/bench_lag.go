package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchLagCmd is `daybook bench lag`: how far the read models are behind what was acknowledged.
type benchLagCmd struct {
	loadOptions `embed:""`

	Connections int `short:"c" default:"64" help:"Keep-alive connections (default: ${default})."`
}

// Help says what is measured.
func (*benchLagCmd) Help() string {
	return `First a closed loop of single postings finds how many a second are possible. Then an open loop posts at half of that (or
--rate), twice, and for every transaction the time is measured from its acknowledgement until a reader had an answer that
reflects it:

"seen by a reader who polls": a reader asks for the statement of an account every 2 ms, without min_revision, and looks at the
revision that the answer reflects. This is how old what ordinary readers see is, at most: it includes the 2 ms and a request.

"seen by a reader who waits": a reader asks for the same with min_revision set to the one after what it saw last, so that
somebody always waits, and asks again as soon as it is answered. This is how long a reader waits for its own writing.

Transactions that a reader saw before their acknowledgement had arrived count with zero. The statement is made of three read
models: accounts, entries and transactions.`
}

// Validate refuses what cannot be measured.
func (c *benchLagCmd) Validate() error {
	return cmp.Or(c.loadOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchLagCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchLagCmd) measure(ctx context.Context, lab *lab) ([]row, error) {
	lab.profileTo = c.CPUProfile
	return lab.repeat(ctx, func(ctx context.Context) (rows []row, err error) {
		err = lab.withLedger(ctx, c.Accounts, func(s *benchServer) error {
			rows, err = c.daybook(ctx, s)
			return err
		})
		return rows, err
	})
}

func (c *benchLagCmd) daybook(ctx context.Context, s *benchServer) ([]row, error) {
	load := postLoad(s.Address, c.Connections, c.Accounts, false)
	load.Duration = c.Duration
	most := row{name: "post, random pairs"}
	s.lab.sayf("%s", most.name)
	result, err := s.send(ctx, load)
	if err != nil {
		return nil, err
	}
	most.set(colPerSecond, result.PerSecond())
	took, err := s.settle(ctx)
	if err != nil {
		return nil, err
	}
	most.set(colBehind, milliseconds(took))
	load.Rate = c.openRate(result)
	polls, err := c.lag(ctx, s, load, "seen by a reader who polls", s.poll)
	if err != nil {
		return nil, err
	}
	waits, err := c.lag(ctx, s, load, "seen by a reader who waits", s.follow)
	return []row{most, polls, waits}, err
}

// lag puts the load on the server while a reader looks on.
func (c *benchLagCmd) lag(
	ctx context.Context, s *benchServer, load loadgen.Load, name string, read func(context.Context, *loadgen.Lag) error,
) (row, error) {
	s.lab.sayf("%s", name)
	r := row{name: name}
	var lag loadgen.Lag
	load.Accepted = func(body []byte) (accepted, refused int, err error) {
		now := time.Now()
		revision, err := lastRevision(body)
		lag.Acknowledged(revision, now)
		return 1, 0, err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var reader sync.WaitGroup
	var failed error
	reader.Go(func() {
		defer stop()
		failed = read(reading, &lag)
	})
	_, err := s.send(ctx, load)
	if err == nil {
		_, err = s.settle(ctx)
	}
	for err == nil && lag.Waiting() > 0 && reading.Err() == nil { // the reader's next answer has them
		time.Sleep(pollEach)
	}
	stop()
	reader.Wait()
	if err := errors.Join(err, failed); err != nil {
		return r, err
	}
	h := lag.Histogram()
	r.set(colOpenRate, load.Rate)
	r.set(colOpenP50, milliseconds(h.Percentile(50)))
	r.set(colOpenP99, milliseconds(h.Percentile(99)))
	r.set(colOpenP999, milliseconds(h.Percentile(99.9)))
	r.set(colLongest, milliseconds(h.Max()))
	return r, nil
}

// statement is a query that three read models are read for: accounts, entries and transactions.
var statement = "/accounts/" + benchAccount(0) + "/entries?limit=1"

// pollEach is how often a reader looks that does not wait.
const pollEach = 2 * time.Millisecond

// poll looks at what the read models have, again and again.
func (s *benchServer) poll(ctx context.Context, lag *loadgen.Lag) error {
	tick := time.NewTicker(pollEach)
	defer tick.Stop()
	for {
		reached, err := s.ask(ctx, statement, nil)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		lag.Seen(reached, time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow waits for the revision after what it saw last, again and again.
func (s *benchServer) follow(ctx context.Context, lag *loadgen.Lag) error {
	var next uint64
	for {
		reached, err := s.ask(ctx, statement, &next)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		lag.Seen(reached, time.Now())
		next = reached + 1
	}
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// lastRevision reads the revision at the end of the answer to a command.
func lastRevision(body []byte) (uint64, error) {
	name := []byte(`"revision":`)
	at := bytes.LastIndex(body, name)
	if at < 0 {
		return 0, fmt.Errorf("an answer without a revision: %.500s", body)
	}
	return strconv.ParseUint(string(bytes.TrimRight(body[at+len(name):], "}\n")), 10, 64)
}
